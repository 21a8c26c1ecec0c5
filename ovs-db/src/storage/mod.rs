//! Keeping a database on disk, in the journal format of the original (`ovsdb(5)`).
//!
//! A journal begins with the schema and goes on with one record per transaction:
//!
//! ```text
//! OVSDB JSON <length> <SHA-1 in hexadecimal>\n
//! <length bytes of JSON, the last one a line feed>
//! ```
//!
//! [`journal`](Journal) is the format over bytes, [`record`](encode_changes) the meaning of a record,
//! [`JournalFile`] the file with its lock, and [`Storage`] what a server needs of either it or memory.

mod direct;
mod file;
mod journal;
mod load;
mod lock;
mod record;
mod snapshot;

use ovs_stream::Wait;
use thiserror::Error;

pub use file::{
    Contents, JournalFile, Opened, Rewrite, Rewritten, Switch, Switched, read_file, read_journal,
};
pub use journal::{Damage, Journal, encode};
pub use load::{Found, Records};
pub use lock::LockFile;
pub use record::{Stamp, encode_changes, replay};
pub use snapshot::Snapshot;

use crate::error::DbError;

/// Why a database file cannot be opened, created or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The system refused.
    #[error("{path}: {what} failed: {source}")]
    Io {
        /// The file.
        path: String,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process, or this one, has the database open.
    #[error("{path}: database is locked by another process")]
    Locked {
        /// The database file.
        path: String,
    },
    /// The file exists already.
    #[error("{path}: file exists")]
    Exists {
        /// The file.
        path: String,
    },
    /// The file belongs to a cluster member, which this implementation does not do.
    #[error("{path}: clustered database files are not supported")]
    Clustered {
        /// The file.
        path: String,
    },
    /// The file is no OVSDB journal.
    #[error("{path}: not an OVSDB database file")]
    NotDatabase {
        /// The file.
        path: String,
    },
    /// A record is damaged although good ones follow it, so this is no interrupted write: nothing is
    /// thrown away without the operator.
    #[error("{path}: damaged record at byte {offset}, followed by good ones: {damage}")]
    Damaged {
        /// The file.
        path: String,
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A record is whole, but what it says does not fit the schema or the rows before it.
    #[error("{path}: bad record at byte {offset}: {error}")]
    BadRecord {
        /// The file.
        path: String,
        /// Where the record begins.
        offset: u64,
        /// What does not fit.
        error: Box<DbError>,
    },
    /// An earlier write failed, and the end of the file is unknown.
    #[error("{path}: an earlier write failed")]
    Failed {
        /// The file.
        path: String,
    },
}

/// A write that a [`Storage`] was asked for, by a number that its owner chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Where a database's bytes go. Writes are done in the order in which they are submitted.
pub trait Storage {
    /// Adds `bytes` at the end, and makes them durable if `sync`. Nothing needs to happen before
    /// [`commit`](Storage::commit).
    fn append(&mut self, ticket: Ticket, bytes: &[u8], sync: bool);

    /// Replaces the whole content, at once and durably. What is appended later comes behind the new content.
    fn replace(&mut self, ticket: Ticket, snapshot: &Snapshot);

    /// Writes what was appended since the last call, together. A server calls this once a turn.
    fn commit(&mut self);

    /// The next write that is done, and how.
    fn poll(&mut self) -> Option<(Ticket, Result<(), StorageError>)>;

    /// What to sleep on until [`poll`](Storage::poll) has something, where that comes from elsewhere.
    fn wait(&self) -> Wait<'_> {
        Wait::Never
    }

    /// The present length in bytes, where there is one.
    fn size(&self) -> u64 {
        0
    }
}

/// A storage that keeps nothing: for databases that live in memory.
#[derive(Debug, Default)]
pub struct NoStorage {
    done: std::collections::VecDeque<Ticket>,
}

impl Storage for NoStorage {
    fn append(&mut self, ticket: Ticket, _bytes: &[u8], _sync: bool) {
        self.done.push_back(ticket);
    }

    fn replace(&mut self, ticket: Ticket, _snapshot: &Snapshot) {
        self.done.push_back(ticket);
    }

    fn commit(&mut self) {}

    fn poll(&mut self) -> Option<(Ticket, Result<(), StorageError>)> {
        self.done.pop_front().map(|ticket| (ticket, Ok(())))
    }
}
