//! Worlds to test switches in: a folder, a namespace, a database, a switch, and the tools that drive it.

mod compare;
mod process;
mod tools;
pub mod vm;
mod world;

pub use compare::{Difference, compare, without_numbers};
pub use process::Daemon;
pub use tools::{Tools, skip, tools};
pub use world::{Database, Kind, World, exclusive};
