//! The crate's integration tests: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers outside of #[test] functions")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod build;
mod claims;
mod dissect;
mod edit;
mod export;
mod fragment;
mod frames;
mod headers;
mod kernel;
mod pcap;
mod scapy;
mod segment;
mod tshark;
mod tunnel;
mod wire;
