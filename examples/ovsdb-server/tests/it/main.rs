//! The program, driven by the distribution's tools.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

mod faults;
mod ovn;
mod replication;
mod support;
mod tls;
mod tools;
