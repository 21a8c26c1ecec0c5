//! Integration tests: against `ovs-ofctl`, and by random values.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they skip"
)]

mod actions;
mod capture;
mod commands;
mod connection;
mod coverage;
mod messages;
mod ofctl;
mod print;
mod robust;
mod samples;
mod text;
