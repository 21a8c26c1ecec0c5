//! Why a command fails.

use std::io;

use ovs_db::client::{ClientError, RpcError};
use ovs_db::error::DbError;
use ovs_db::json::{Json, JsonError};
use ovs_db::output::FormatError;
use ovs_stream::{AddressError, TlsOptionError};
use vswitchd::daemon::{DaemonError, reason};
use vswitchd::vlog::VlogError;

/// What is printed behind the program's name.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Logging failed.
    #[error(transparent)]
    Vlog(#[from] VlogError),
    /// Becoming a daemon failed.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// A protocol or cipher that is not known.
    #[error(transparent)]
    Tls(#[from] TlsOptionError),
    /// An unknown format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// No command.
    #[error("missing command name; use --help for help")]
    NoCommand,
    /// No such command.
    #[error("unknown command '{0}'; use --help for help")]
    UnknownCommand(String),
    /// Too few or too many arguments.
    #[error("invalid syntax for '{0}' (use --help for help)")]
    Syntax(String),
    /// The server's name cannot be read.
    #[error("{remote}: {error}")]
    Address {
        /// What was given.
        remote: String,
        /// What is wrong with it.
        error: AddressError,
    },
    /// No connection.
    #[error("failed to connect to \"{remote}\" ({error})")]
    Connect {
        /// The server.
        remote: String,
        /// Why.
        error: RpcError,
    },
    /// The connection broke, or the server's time was over.
    #[error("{remote}: {error}")]
    Rpc {
        /// The server.
        remote: String,
        /// Why.
        error: RpcError,
    },
    /// Waiting came to nothing.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server refused a call.
    #[error("{what} returned error: {error}")]
    Refused {
        /// The call.
        what: String,
        /// The server's error.
        error: Json,
    },
    /// The server sent something that is not what was asked for.
    #[error("{0}: the server's answer cannot be read")]
    Answer(&'static str),
    /// A schema or value of the server, or of a file, cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// An argument is not JSON.
    #[error("\"{text}\": {error}")]
    Json {
        /// The argument.
        text: String,
        /// What is wrong with it.
        error: JsonError,
    },
    /// A transaction that does not begin with a database's name.
    #[error("not a valid OVSDB query")]
    NotQuery,
    /// No database was named, and there is no choice that suggests itself.
    #[error("no default database for `{0}' command; please specify a database name")]
    NoDatabase(String),
    /// No such table.
    #[error("No table \"{0}\" found.")]
    NoTable(String),
    /// No such column, for `dump`.
    #[error("Table \"{table}\" has no column {column}.")]
    NoColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// No such table, for `monitor`.
    #[error("{database}: {table}: no such table")]
    MonitorTable {
        /// The database.
        database: String,
        /// The table.
        table: String,
    },
    /// No such column, for `monitor`.
    #[error("{remote}: table \"{table}\" in {database} does not have a column named \"{column}\"")]
    MonitorColumn {
        /// The server.
        remote: String,
        /// The database.
        database: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column twice.
    #[error("{remote}: column \"{column}\" mentioned multiple times")]
    ColumnTwice {
        /// The server.
        remote: String,
        /// The column.
        column: String,
    },
    /// A state that a database cannot have.
    #[error("{0}: unknown state")]
    State(String),
    /// A file cannot be read.
    #[error("{path}: {what} failed ({})", reason(source))]
    Io {
        /// The file.
        path: String,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A snapshot of another database than the server's.
    #[error(
        "the snapshot is of schema {file}, the server has {server}; use --force to restore it all the same"
    )]
    OtherSchema {
        /// The file's schema: name and checksum.
        file: String,
        /// The server's.
        server: String,
    },
    /// What is to be restored is no snapshot.
    #[error("standard input is no database file: {0}")]
    NoSnapshot(String),
}
