//! Integration tests of ovs-flow, one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::format_collect,
    reason = "a test may fail loudly, and says what it skipped and covered"
)]

mod dp_differential;
mod dp_text;
mod extract;
mod extract_short;
mod fields;
mod flows;
mod generate;
mod hash_differential;
mod hashes;
mod match_text;
mod mutate;
mod nxm;
mod peer;
mod reference;
mod rekey;
mod round_trip;
mod switch;
