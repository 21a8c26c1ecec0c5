//! Integration tests of ovs-db, one binary.

mod client;
mod cluster;
mod codegen;
mod crash;
mod differential;
mod embedded;
mod follow;
mod journal;
mod listener;
mod peer;
mod python;
mod support;
mod unixctl;
