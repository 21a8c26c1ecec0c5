//! Integration tests of ovs-stream, one binary.
