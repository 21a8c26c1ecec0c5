//! Why the program cannot start, or a command fails.

use ovs_db::server::{ListenerError, ServerError};
use ovs_db::storage::StorageError;
use ovs_stream::TlsOptionError;
use thiserror::Error;
use vswitchd::daemon::DaemonError;
use vswitchd::vlog::VlogError;

/// A fatal error, or the answer to a command that failed.
#[derive(Debug, Error)]
pub enum Fault {
    /// Becoming a daemon failed.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// Logging failed.
    #[error(transparent)]
    Vlog(#[from] VlogError),
    /// A database file cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A remote cannot be used.
    #[error(transparent)]
    Listener(#[from] ListenerError),
    /// A database cannot be served.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The unixctl socket cannot be made.
    #[error("{0}")]
    Unixctl(ovs_stream::ListenError),
    /// The system gives no randomness.
    #[error("/dev/urandom: {0}")]
    Random(std::io::Error),
    /// The command of `--run` cannot be started.
    #[error("--run: {0}")]
    Run(std::io::Error),
    /// A remote of the form `db:` that names no column.
    #[error("\"{remote}\": {what}")]
    DbRemote {
        /// The remote.
        remote: String,
        /// What is wrong with it.
        what: String,
    },
    /// The file of `--config-file` cannot be used.
    #[error("{path}: {what}")]
    ConfigFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// `--config-file` says what other arguments would say.
    #[error("--config-file cannot be combined with databases and --remote")]
    ConfigAndArguments,
    /// A thread for a journal cannot be started.
    #[error("{path}: starting a thread failed: {error}")]
    Thread {
        /// The database file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is served already.
    #[error("ovsdb error: {0}: already open")]
    AlreadyOpen(String),
    /// The options of active-backup service cannot be honoured.
    #[error("{0}")]
    Sync(String),
    /// A relay cannot be set up.
    #[error("{name}: {what}")]
    Relay {
        /// The relay, as it was named.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// An option of TLS cannot be honoured.
    #[error(transparent)]
    Tls(#[from] TlsOptionError),
}
