//! Integration tests of ovs-netdev, one binary.
