//! What makes a program a daemon: options, directories, pidfile, detaching, supervision, signals.
//!
//! ```text
//!  main ─ parse options ─▶ DaemonOptions::start ──fork──▶ parent: waits for ready, exits 0 (or with the child's status)
//!                                  │             └─fork──▶ monitor: waits, restarts after a crash
//!                                  ▼
//!                        Daemon { pidfile, signals } ── ready() ── … ── drop: pidfile removed
//! ```
//!
//! [`DaemonOptions::start`] forks, so it must run before any thread is made; it refuses otherwise.

mod crash;
mod detach;
mod dirs;
mod fault;
mod monitor;
mod options;
mod pidfile;
mod signals;
mod sys;
#[cfg(test)]
mod tests;
mod user;

use std::os::fd::BorrowedFd;
use std::process::ExitCode;

pub use dirs::Dirs;
pub use fault::{DaemonError, fatal, reason};
pub use options::{DaemonOptions, LogOptions};
pub use signals::signal_name;

pub(crate) use sys::local_offset;

use crate::vlog::{Destination, Level, Vlog};

/// The version that this program is compatible with, as `--version` and the database show it.
pub const VERSION: &str = "3.7.1";

/// Which program runs, under which name and in which directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The base name of `argv[0]`: pidfile, socket, log and messages carry it.
    pub name: String,
    /// The directories.
    pub dirs: Dirs,
}

impl Program {
    /// The program as its command line and environment name it; `fallback` is used where there is no `argv[0]`.
    pub fn from_env(fallback: &str) -> Program {
        let arg0 = std::env::args_os().next().unwrap_or_default();
        let name = std::path::Path::new(&arg0).file_name().and_then(|n| n.to_str()).unwrap_or(fallback);
        Program { name: name.to_string(), dirs: Dirs::from_env() }
    }

    /// `NAME (Open vSwitch) 3.7.1`.
    pub fn version_line(&self) -> String {
        format!("{} (Open vSwitch) {VERSION}", self.name)
    }
}

/// A process that has taken its place: it holds the pidfile and hears signals.
///
/// Dropping it removes the pidfile.
pub struct Daemon {
    vlog: Vlog,
    _pidfile: Option<pidfile::Pidfile>,
    signals: signals::Signals,
    ready: Option<detach::Ready>,
    detached: bool,
    chdir: bool,
}

impl Daemon {
    /// Tells whoever started the program that it is ready. When detached, this also leaves the terminal: the console
    /// gets no more log lines, the standard descriptors lead nowhere, and the working directory becomes `/` unless
    /// `--no-chdir` was given. Calling it again does nothing.
    pub fn ready(&mut self) -> Result<(), DaemonError> {
        let Some(ready) = self.ready.take() else { return Ok(()) };
        if self.detached {
            self.vlog.set_all(Destination::Console, Level::Off);
            detach::leave_terminal(self.chdir)?;
        }
        ready.send();
        Ok(())
    }

    /// Whether [`ready`](Self::ready) was called.
    pub fn is_ready(&self) -> bool {
        self.ready.is_none()
    }

    /// The signal that asks the program to end, if one came.
    pub fn terminated(&self) -> Option<i32> {
        self.signals.terminated()
    }

    /// Becomes readable when a signal comes; [`terminated`](Self::terminated) tells which.
    pub fn signal_fd(&self) -> BorrowedFd<'_> {
        self.signals.fd()
    }

    /// Ends the process by the signal that asked for it, after the pidfile is removed, so that whoever waits for the
    /// process sees the true cause. The program's own files (sockets) must be gone before.
    pub fn die(self, signal: i32) -> ExitCode {
        let name = signal_name(signal);
        self.vlog.log("fatal_signal", Level::Warn, &format!("terminating with signal {signal} ({name})"));
        drop(self);
        // Returns only if the signal's default is not to end the process.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        ExitCode::FAILURE
    }
}
