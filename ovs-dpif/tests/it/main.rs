//! Integration tests of ovs-dpif, one binary.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod actions;
mod differential;
mod drops;
mod flows;
mod frames;
mod no_allocation;
mod queues;
mod rig;
mod suite;
mod threads;
