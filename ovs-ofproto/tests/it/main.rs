//! Integration tests of ovs-ofproto, one binary.
