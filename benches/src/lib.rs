//! Whole-switch scenarios and records; each crate keeps its own criterion benches.
