//! Integration tests of ovs-db, one binary.

mod peer;
mod unixctl;
