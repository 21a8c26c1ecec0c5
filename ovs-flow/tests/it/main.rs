//! Integration tests of ovs-flow, one binary.

mod match_text;
mod peer;
