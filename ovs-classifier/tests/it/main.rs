//! Integration tests of ovs-classifier, one binary.

mod cache;
mod classifier;
mod flow_table;
mod stress;
