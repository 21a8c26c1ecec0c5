#![doc = include_str!("../README.md")]

pub mod command;
mod error;
pub mod machine;
pub mod native;
pub mod null;
pub mod process;
pub mod programs;
pub mod side_by_side;
pub mod soak;
pub mod statistics;
pub mod traffic;
pub mod world;

pub use command::{Daemon, run};
pub use error::BenchError;
pub use programs::{Programs, Who, workspace};
pub use statistics::Spread;
pub use world::{Database, World};
