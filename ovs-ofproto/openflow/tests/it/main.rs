//! Integration tests of ovs-openflow, one binary.
