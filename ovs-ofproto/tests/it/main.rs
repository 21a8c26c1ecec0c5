//! Integration tests of ovs-ofproto, one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests may panic, and say what they skip"
)]

mod barrier;
mod bundles;
mod client;
mod forwarding;
mod news;
mod normal;
mod ofctl;
mod openflow;
mod patch;
mod peer;
mod random;
mod remains;
mod resume;
mod room;
mod table_changes;
mod trace;
mod twins;
mod world;
mod zones;
