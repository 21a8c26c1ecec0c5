//! Why a scenario could not be carried out.

use std::fmt::Display;
use std::time::Duration;

/// What went wrong on the way to a figure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program failed.
    #[error("{command}: {said}")]
    Command {
        /// The command line.
        command: String,
        /// What it printed.
        said: String,
    },
    /// A program is not on this machine.
    #[error("{0} is not here; `cargo xtask peer` fetches the distribution's programs")]
    Missing(String),
    /// Something took too long.
    #[error("{what} did not happen within {limit:?}")]
    Patience {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
    /// A switch did not do what was measured.
    #[error("{what}: expected {expected}, got {got}")]
    Unexpected {
        /// What was looked at.
        what: String,
        /// What it had to be.
        expected: String,
        /// What it was.
        got: String,
    },
    /// An OpenFlow connection broke.
    #[error("OpenFlow: {0}")]
    OpenFlow(String),
    /// The user may not do this.
    #[error("needs root: it makes network namespaces")]
    Root,
}

impl BenchError {
    /// Names the failing step of a system call.
    pub fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// Says what was found in place of what was expected.
    pub fn unexpected(what: impl Into<String>, expected: impl Display, got: impl Display) -> Self {
        Self::Unexpected { what: what.into(), expected: format!("{expected}"), got: format!("{got}") }
    }
}
