//! Integration tests of ovs-flow, one binary.

mod extract;
mod generate;
mod match_text;
mod nxm;
mod peer;
