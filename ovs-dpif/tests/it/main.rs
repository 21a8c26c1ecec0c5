//! Integration tests of ovs-dpif, one binary.

mod differential;
mod frames;
mod no_allocation;
mod rig;
mod suite;
