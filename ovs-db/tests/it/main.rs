//! Integration tests of ovs-db, one binary.
