//! Integration tests of the switch program, one binary.

mod daemon;
mod peer;
