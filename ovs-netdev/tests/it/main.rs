//! The crate's integration tests: one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers outside of #[test] functions")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a skipped test says so, a failed case its name"
)]

#[path = "../conformance/mod.rs"]
mod conformance;
mod every;
mod files;
#[cfg(target_os = "linux")]
mod netns;
mod registry;
#[cfg(target_os = "linux")]
mod system;
#[cfg(target_os = "linux")]
mod tap;
#[cfg(target_os = "linux")]
mod tcp;
#[cfg(all(feature = "vhost-user", target_os = "linux"))]
mod vhost;
mod wrap;
