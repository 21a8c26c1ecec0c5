//! unixctl: how `ovs-appctl` tells a running program what to do.
//!
//! A program listens on a Unix socket and takes JSON-RPC 1.0 requests whose method is a command's name and whose
//! parameters are strings; the result is text, or an error text. This module has the table of commands
//! ([`Registry`]), the protocol without I/O ([`Session`]), a server that the program polls ([`Server`]) and the other
//! side ([`Client`]).
//!
//! ```text
//!  ovs-appctl ──socket──▶ Server ──poll──▶ Request { id, command, args, format }
//!                            ▲                       │ the program does it, now or later
//!                            └──── reply(id, …) ◀────┘
//! ```
//!
//! A command is whatever the program's own enum says; the registry only maps names to it and counts arguments:
//!
//! ```
//! use ovs_db::unixctl::Registry;
//!
//! #[derive(Clone)]
//! enum Command { Exit, FdbShow }
//!
//! let mut registry = Registry::new("demo (Open vSwitch) 3.7.1");
//! registry.add("exit", "[--cleanup]", 0, Some(1), Command::Exit);
//! registry.add("fdb/show", "bridge", 1, Some(1), Command::FdbShow);
//! assert!(registry.list().contains("  fdb/show                bridge\n"));
//! ```
//!
//! `list-commands`, `version` and `set-options` are always there and are answered by the session itself. Commands of one
//! connection are answered in order: a later one is not looked at before the earlier one is answered.

mod client;
mod registry;
mod server;
mod session;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientError};
pub use registry::{CommandInfo, Registry};
pub use server::{Fault, Request, RequestId, Server};
pub use session::{Call, Format, Session, SessionError};
