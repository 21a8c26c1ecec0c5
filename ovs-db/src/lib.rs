#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod client;
pub mod codegen;
pub mod database;
pub mod error;
pub mod json;
pub mod jsonrpc;
pub mod output;
pub mod schema;
pub mod server;
pub mod sha1;
pub mod storage;
pub mod txn;
pub mod unixctl;
pub mod value;
