//! ovsdb-server. 
fn main() {}
