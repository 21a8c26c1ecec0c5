//! Integration tests of ovs-packet, one binary.
