//! Integration tests of ovs-classifier, one binary.
