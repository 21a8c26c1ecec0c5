//! Integration tests of ovs-classifier, one binary.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

mod cache;
mod classifier;
mod flow_table;
mod oracle;
mod stress;
