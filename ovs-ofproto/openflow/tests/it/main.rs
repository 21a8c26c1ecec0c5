//! Integration tests: against `ovs-ofctl`, and by random values.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they skip"
)]

mod actions;
mod capture;
mod connection;
mod ofctl;
mod print;
mod robust;
mod text;
