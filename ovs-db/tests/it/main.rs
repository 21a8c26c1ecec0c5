//! Integration tests of ovs-db, one binary.

mod client;
mod differential;
mod embedded;
mod journal;
mod listener;
mod peer;
mod support;
mod unixctl;
