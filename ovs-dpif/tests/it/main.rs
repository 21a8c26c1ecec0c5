//! Integration tests of ovs-dpif, one binary.

mod rig;
mod suite;
