//! Integration tests of ovs-db, one binary.

mod client;
mod peer;
mod unixctl;
