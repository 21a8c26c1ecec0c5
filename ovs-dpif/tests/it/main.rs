//! Integration tests of ovs-dpif, one binary.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail as tests do")]

mod actions;
mod alike;
mod conntrack;
mod differential;
mod drops;
mod flows;
mod fragments;
mod frames;
mod no_allocation;
mod police;
mod queues;
mod rig;
mod suite;
mod threads;
