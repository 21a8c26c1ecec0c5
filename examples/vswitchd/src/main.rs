//! vswitchd. 
fn main() {}
