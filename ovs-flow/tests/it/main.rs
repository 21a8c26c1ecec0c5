//! Integration tests of ovs-flow, one binary.

mod dp_text;
mod extract;
mod generate;
mod match_text;
mod nxm;
mod peer;
