//! Integration tests of ovs-dpif, one binary.
