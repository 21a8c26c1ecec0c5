//! What README and CI run.
fn main() {}
