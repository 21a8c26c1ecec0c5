//! Integration tests of ovs-ofproto, one binary.

mod client;
mod forwarding;
mod openflow;
mod world;
