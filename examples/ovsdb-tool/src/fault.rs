//! Why a command fails.

use std::io;

use ovs_db::error::DbError;
use ovs_db::json::JsonError;
use ovs_db::storage::StorageError;
use vswitchd::daemon::reason;
use vswitchd::vlog::VlogError;

/// What is printed behind the program's name.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Logging failed.
    #[error(transparent)]
    Vlog(#[from] VlogError),
    /// No command.
    #[error("missing command name; use --help for help")]
    NoCommand,
    /// No such command.
    #[error("unknown command '{0}'; use --help for help")]
    UnknownCommand(String),
    /// Too few or too many arguments.
    #[error("'{command}' command {what}; use --help for help")]
    Arguments {
        /// The command.
        command: String,
        /// What is wrong with their number.
        what: String,
    },
    /// What only the distribution's program does.
    #[error("{0}: clusters are not supported; use the distribution's ovsdb-tool")]
    NoClusters(String),
    /// A file of a cluster where one of none is needed.
    #[error("ovsdb error: {0}: cannot apply this operation to clustered database file")]
    Clustered(String),
    /// A file of no cluster where one of a cluster is needed.
    #[error("{0}: not a clustered database")]
    NotClustered(String),
    /// A file that is no database.
    #[error("ovsdb error: {0}: cannot identify file type")]
    Unidentified(String),
    /// The system refused.
    #[error("I/O error: {path}: {what} failed ({})", reason(source))]
    Io {
        /// The file.
        path: String,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A database file cannot be used.
    #[error("{0}")]
    Storage(StorageError),
    /// A schema file cannot be used.
    #[error("{path}: {error}")]
    Schema {
        /// The file.
        path: String,
        /// What is wrong with it.
        error: DbError,
    },
    /// The contents do not fit another schema.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The transaction is not JSON.
    #[error("\"{text}\": {error}")]
    Json {
        /// What was given.
        text: String,
        /// What is wrong with it.
        error: JsonError,
    },
    /// A version that is not three numbers.
    #[error("{0}: not a schema version of the form x.y.z")]
    Version(String),
    /// An operator that does not compare.
    #[error("{0}: not a relational operator")]
    Operator(String),
    /// Standard output cannot be written.
    #[error("write to standard output failed ({})", reason(.0))]
    Output(io::Error),
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Fault {
        match error {
            StorageError::Io { path, what, source } => Fault::Io { path, what, source },
            StorageError::Exists { path } => {
                Fault::Io { path, what: "create", source: io::Error::from_raw_os_error(EEXIST) }
            }
            StorageError::Clustered { path } => Fault::Clustered(path),
            StorageError::NotDatabase { path } => Fault::Unidentified(path),
            other => Fault::Storage(other),
        }
    }
}

impl Fault {
    /// Names the file as the user did; the library knows it by its whole path.
    pub fn about(self, file: &std::path::Path) -> Fault {
        let name = file.display().to_string();
        match self {
            Fault::Io { what, source, .. } => Fault::Io { path: name, what, source },
            Fault::Clustered(_) => Fault::Clustered(name),
            Fault::Unidentified(_) => Fault::Unidentified(name),
            other => other,
        }
    }
}

/// The system's number for "File exists".
const EEXIST: i32 = 17;
