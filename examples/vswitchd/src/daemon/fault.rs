//! What can stop a daemon from starting.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::vlog::VlogError;

/// Why a daemon cannot start. Each text is complete but for the program's name, which [`fatal`] puts in front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// Threads run already, which a fork would silently lose.
    #[error("cannot become a daemon: {0} threads are running already")]
    Threads(usize),
    /// Another process holds the pidfile.
    #[error("{}: already running as pid {pid}, aborting", path.display())]
    AlreadyRunning {
        /// The pidfile.
        path: PathBuf,
        /// Who holds it.
        pid: i32,
    },
    /// The pidfile cannot be made.
    #[error("{}: {what} failed ({reason})", path.display())]
    Pidfile {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        reason: String,
    },
    /// A system call of the start failed.
    #[error("{what} failed ({reason})")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        reason: String,
    },
    /// `--user` names nobody.
    #[error("--user={0}: no such user or group")]
    NoUser(String),
    /// `--user` without the right to change it.
    #[error("--user={user}: {what} failed ({reason})")]
    User {
        /// The option's text.
        user: String,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        reason: String,
    },
    /// The log cannot be set up.
    #[error(transparent)]
    Vlog(#[from] VlogError),
}

impl DaemonError {
    pub(super) fn system(what: &'static str, error: impl Into<std::io::Error>) -> DaemonError {
        DaemonError::System { what, reason: reason(&error.into()) }
    }
}

/// The system's message without its number.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

/// Prints `NAME: ERROR` on standard error and gives the exit code for `main`.
#[expect(clippy::print_stderr, reason = "fatal errors go to standard error")]
pub fn fatal(name: &str, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{name}: {error}");
    ExitCode::FAILURE
}
