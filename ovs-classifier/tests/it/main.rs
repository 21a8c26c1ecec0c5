//! Integration tests of ovs-classifier, one binary.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

mod cache;
mod classifier;
mod flow_table;
mod oracle;
mod stress;

/// Cases of a property test: as many as it says, or, for a long run, as `OVS_CASES` in the environment says.
fn cases(usual: u32) -> u32 {
    std::env::var("OVS_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}
