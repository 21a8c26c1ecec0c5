//! Integration tests of ovs-ofproto, one binary.

mod forwarding;
mod world;
