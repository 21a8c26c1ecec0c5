//! The switch as a program, driven by the unmodified tools of the Open vSwitch world, one binary.
//!
//! Each test has a folder and, where it needs devices, a network namespace of its own; tests that make
//! namespaces run one at a time under a machine-wide lock.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail on the spot")]

mod generated;
mod harness;

mod actions;
mod bfd;
mod bridges;
mod commands;
mod control;
mod controller;
mod daemon;
mod databases;
mod dpctl;
mod dummy;
mod features;
mod helpers;
mod hosts;
mod interop;
mod lab;
mod machines;
mod numa;
mod openflow;
mod ovn;
mod peer;
mod program;
mod python;
mod qos;
mod soak;
mod tables;
mod tls;
mod traces;
mod tunnel_kinds;
mod tunnel_traces;
mod tunnels;
mod vlans;
