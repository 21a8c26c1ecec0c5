//! Integration tests of ovs-db, one binary.

mod client;
mod cluster;
mod crash;
mod differential;
mod embedded;
mod follow;
mod journal;
mod listener;
mod peer;
mod support;
mod unixctl;
