//! The parts of the switch as a program: the switch itself ([`switchd`]), what a daemon is ([`daemon`]), its log
//! ([`vlog`]), its command line ([`cli`]) and that part of it which is about keys ([`tls`]), its configuration's tables as types ([`tables`]), and a demonstration of all
//! of it ([`lab`]).
//!
//! ```text
//!  argv ─▶ cli ─▶ daemon::DaemonOptions::start ─▶ Daemon ─ the program's loop ─▶ exit
//!                          └─▶ vlog (console, file, syslog) ◀─ tracing events of every crate
//! ```
//!
//! # Example
//!
//! ```no_run
//! use std::process::ExitCode;
//! use vswitchd::cli::Cli;
//! use vswitchd::daemon::{Program, fatal};
//! use vswitchd::vlog::{VSWITCHD_MODULES, Vlog};
//!
//! fn main() -> ExitCode {
//!     let program = Program::from_env("vswitchd");
//!     let cli = match Cli::parse_args(&program, std::env::args_os()) {
//!         Ok(cli) => cli,
//!         Err(code) => return code,
//!     };
//!     let vlog = Vlog::new(&program.name, VSWITCHD_MODULES);
//!     let mut daemon = match vlog.install().map_err(Into::into).and_then(|()| cli.daemon.start(&program, &vlog)) {
//!         Ok(daemon) => daemon,
//!         Err(error) => return fatal(&program.name, &error),
//!     };
//!     if let Err(error) = daemon.ready() {
//!         return fatal(&program.name, &error);
//!     }
//!     ExitCode::SUCCESS
//! }
//! ```

pub mod cli;
pub mod daemon;
pub mod lab;
#[cfg(feature = "count-allocations")]
pub mod memory;
pub mod switchd;
// Made by ovs_db::codegen from the schema, and compared with it by a test.
#[rustfmt::skip]
pub mod tables;
pub mod tls;
pub mod vlog;
