//! Integration tests of ovs-flow, one binary.
