//! Integration tests of ovs-dpif, one binary.

mod differential;
mod frames;
mod rig;
mod suite;
