//! Integration tests of ovs-stream, one binary.

mod sockets;
