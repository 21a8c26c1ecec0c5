//! Integration tests of ovs-db, one binary.

mod client;
mod differential;
mod journal;
mod peer;
mod support;
mod unixctl;
