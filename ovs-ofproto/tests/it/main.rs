//! Integration tests of ovs-ofproto, one binary.

mod client;
mod forwarding;
mod ofctl;
mod openflow;
mod peer;
mod trace;
mod world;
