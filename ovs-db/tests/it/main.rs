//! Integration tests of ovs-db, one binary.

mod client;
mod crash;
mod differential;
mod embedded;
mod journal;
mod listener;
mod peer;
mod support;
mod unixctl;
