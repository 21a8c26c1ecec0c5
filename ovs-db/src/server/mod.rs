//! An OVSDB server without I/O.
//!
//! ```text
//!            handle(session, message, now)
//!  sessions ───────────────────────────────▶ ┌────────┐  Effect::Send, Close ──▶ sessions
//!            stored(database, ticket, result) │ Server │
//!  journals ───────────────────────────────▶ └────────┘  Effect::Append, Replace ──▶ journals
//!            poll(now), deadline()
//! ```
//!
//! A [`Server`] serves several databases, and one more, `_Server`, that describes them. What it is told
//! and what it wants done are values; [`Listener`] is one program part that does the I/O around it.
//!
//! A transaction commits in three steps. It is validated against the newest state, which includes what
//! is not stored yet; its record is handed out as [`Effect::Append`]; and when that is reported
//! [`stored`](Server::stored), monitors learn of it and its client gets the reply. Nobody hears of
//! anything that a crash could take back. If a record cannot be stored, it and everything behind it fail
//! with `I/O error`, and the database becomes read-only.

mod catalog;
mod convert;
mod dispatch;
mod effect;
mod history;
mod listener;
mod lock;
mod monitor;
mod replica;
mod served;
mod transact;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

pub use effect::{CloseReason, DatabaseId, Effect, Now, SessionId, Written};
pub use listener::{
    BackupConfig, Event, Listener, ListenerConfig, ListenerError, RelayConfig, RemoteOptions, RemoteStatus,
    SessionClosed, UpstreamStatus,
};
pub use replica::{Excluded, ReplicaError};

use crate::database::Database;
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::storage::{Snapshot, Stamp, StorageError, Ticket};
use crate::value::{Uuid, UuidSource};
pub use lock::LockCounts;
use lock::{Locks, Notice};
use monitor::Monitor;
use served::Served;

/// The settings of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// All UUIDs are derived from this. A program that serves others should take it from the system's
    /// random source; a simulation takes whatever it likes.
    pub seed: Vec<u8>,
    /// How many transactions of each database are kept for clients that come back, if they change few rows.
    pub history: usize,
    /// How many transactions of one session may wait at a time; more are refused by name.
    pub max_waiting: usize,
    /// How many monitors one session may have; more are refused by name.
    pub max_monitors: usize,
    /// After how many appended bytes a journal is rewritten without its history, if it has doubled by then.
    pub compact_after: u64,
}

impl Default for ServerConfig {
    fn default() -> ServerConfig {
        ServerConfig {
            seed: Vec::new(),
            history: 10_000,
            max_waiting: 1000,
            max_monitors: 1000,
            compact_after: 10 << 20,
        }
    }
}

impl ServerConfig {
    /// Sets the seed.
    pub fn seed(mut self, seed: impl Into<Vec<u8>>) -> ServerConfig {
        self.seed = seed.into();
        self
    }

    /// Sets after how many appended bytes a journal is rewritten.
    pub fn compact_after(mut self, bytes: u64) -> ServerConfig {
        self.compact_after = bytes;
        self
    }

    /// Sets the length of the history.
    pub fn history(mut self, transactions: usize) -> ServerConfig {
        self.history = transactions;
        self
    }
}

/// Why a database cannot be added, removed or compacted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerError {
    /// A database of that name is served already.
    #[error("database {0} is already served")]
    Duplicate(String),
    /// No database of that name is served.
    #[error("no database named {0}")]
    Unknown(String),
    /// The database lives in memory only, or belongs to the server itself.
    #[error("database {0} is not stored in a file")]
    NotStored(String),
    /// Transactions of the database are on their way to storage.
    #[error("database {0} has transactions that are not stored yet")]
    Busy(String),
}

/// What a program knows of a connection that a server should heed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Nothing may be written.
    pub read_only: bool,
    /// The role whose permissions (`RBAC_Role` in the database) bound what may be written; empty for none.
    pub role: String,
    /// Who the client proved to be: the common name of its certificate.
    pub client: Option<String>,
}

impl SessionOptions {
    /// Sets whether nothing may be written.
    pub fn read_only(mut self, read_only: bool) -> SessionOptions {
        self.read_only = read_only;
        self
    }

    /// Sets the role.
    pub fn role(mut self, role: impl Into<String>) -> SessionOptions {
        self.role = role.into();
        self
    }

    /// Sets who the client is.
    pub fn client(mut self, client: Option<String>) -> SessionOptions {
        self.client = client;
        self
    }
}

/// What a server knows of one connection.
#[derive(Clone, Debug, Default)]
struct Session {
    options: SessionOptions,
    /// The client copes with databases that come and go.
    db_change_aware: bool,
}

/// Counters of what a server did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests and notifications that came.
    pub messages: u64,
    /// Transactions that changed something.
    pub commits: u64,
    /// Transactions that failed.
    pub failures: u64,
    /// Notifications to monitors.
    pub updates: u64,
}

/// An OVSDB server: databases, sessions, monitors, locks.
///
/// Every method that may have something for the program to do gives it as [`Effect`]s, to be carried out
/// in order. A clone is another server that goes on from the same state.
#[derive(Clone, Debug)]
pub struct Server {
    config: ServerConfig,
    id: Uuid,
    databases: BTreeMap<DatabaseId, Served>,
    sessions: BTreeMap<SessionId, Session>,
    /// By session and the text of the monitor's name.
    monitors: BTreeMap<(SessionId, String), Monitor>,
    locks: Locks,
    /// Another server is followed, and nobody else may write.
    backup: bool,
    /// `monitor_cond` and `monitor_cond_since` are as if they had never been.
    without_conditions: bool,
    next_database: u64,
    next_session: u64,
    counters: Counters,
    effects: Vec<Effect>,
}

const _: () = {
    const fn send<T: Send + Sync>() {}
    send::<Server>();
};

impl Server {
    /// A server of nothing but its own description.
    pub fn new(config: ServerConfig, now: Now) -> Server {
        let label = format!("server {}", now.wall.as_nanos());
        let id = UuidSource::new(&config.seed, &label).generate();
        let mut server = Server {
            config,
            id,
            databases: BTreeMap::new(),
            sessions: BTreeMap::new(),
            monitors: BTreeMap::new(),
            locks: Locks::default(),
            backup: false,
            without_conditions: false,
            next_database: 0,
            next_session: 0,
            counters: Counters::default(),
            effects: Vec::new(),
        };
        server.add_catalog(now);
        server
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The number of open sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// The number of monitors.
    pub fn monitor_count(&self) -> usize {
        self.monitors.len()
    }

    /// The names of the databases, `_Server` included, in alphabetical order.
    pub fn database_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.databases.values().map(Served::name).collect();
        names.sort_unstable();
        names
    }

    /// The database called `name`.
    pub fn find(&self, name: &str) -> Option<DatabaseId> {
        self.databases.iter().find(|(_, db)| db.name() == name).map(|(id, _)| *id)
    }

    /// The newest state of a database, which may include what is not stored yet.
    pub fn database(&self, id: DatabaseId) -> Option<&Database> {
        self.databases.get(&id).map(|served| &served.db)
    }

    /// Why a database cannot be changed, if it cannot.
    pub fn read_only(&self, id: DatabaseId) -> Option<&str> {
        self.databases.get(&id)?.read_only.as_deref()
    }

    /// Makes this server one that only follows another: nobody can write, or lock.
    pub fn set_backup(&mut self, backup: bool) {
        self.backup = backup;
    }

    /// From now on `monitor_cond` and `monitor_cond_since` are not known, so that clients show how they do without.
    /// Those that are connected find out when they connect again.
    pub fn disable_monitor_cond(&mut self) {
        self.without_conditions = true;
    }

    /// Makes one database one that only follows another server's: nobody can write to it.
    pub fn set_database_backup(&mut self, name: &str, backup: bool) -> Result<(), ServerError> {
        let id = self.find(name).filter(|_| name != catalog::NAME);
        let served = id.and_then(|id| self.databases.get_mut(&id));
        served.ok_or_else(|| ServerError::Unknown(name.to_owned()))?.backup = backup;
        Ok(())
    }

    /// Serves `db`. If `stored`, its transactions are handed out as [`Effect::Append`].
    pub fn add_database(
        &mut self,
        db: Database,
        stored: bool,
        now: Now,
    ) -> Result<(DatabaseId, Vec<Effect>), ServerError> {
        let name = db.schema().name().to_owned();
        if self.find(&name).is_some() {
            return Err(ServerError::Duplicate(name));
        }
        let id = self.insert_database(db, stored, now);
        self.catalog_add(&name);
        self.databases_changed();
        Ok((id, self.take()))
    }

    /// Stops serving a database. Its monitors end.
    pub fn remove_database(&mut self, name: &str) -> Result<(DatabaseId, Vec<Effect>), ServerError> {
        let id = self.find(name).filter(|_| name != catalog::NAME);
        let id = id.ok_or_else(|| ServerError::Unknown(name.to_owned()))?;
        if self.databases.get(&id).is_some_and(|served| served.is_busy() || served.compacting.is_some()) {
            return Err(ServerError::Busy(name.to_owned()));
        }
        self.cancel_waiting(id);
        self.cancel_monitors(id);
        self.databases.remove(&id);
        self.catalog_remove(name);
        self.databases_changed();
        Ok((id, self.take()))
    }

    /// Asks for a database's journal to be replaced by one without history.
    pub fn compact(&mut self, name: &str, now: Now) -> Result<Vec<Effect>, ServerError> {
        let id = self.find(name).ok_or_else(|| ServerError::Unknown(name.to_owned()))?;
        let Some(served) = self.databases.get(&id).filter(|served| served.stored) else {
            return Err(ServerError::NotStored(name.to_owned()));
        };
        if served.compacting.is_some() || served.is_converting() {
            return Err(ServerError::Busy(name.to_owned()));
        }
        self.replace_journal(id, now);
        Ok(self.take())
    }

    fn replace_journal(&mut self, id: DatabaseId, now: Now) {
        let Some(served) = self.databases.get_mut(&id) else { return };
        let stamp =
            Stamp { date: now.wall.as_millis() as i64, comment: "compacting database online".to_owned() };
        let snapshot = Snapshot::new(&served.db, stamp);
        let ticket = served.begin_replace();
        self.effects.push(Effect::Replace { database: id, ticket, snapshot });
    }

    /// Rewrites journals that have grown long.
    fn compact_grown(&mut self, now: Now) {
        let limit = self.config.compact_after;
        let grown = self.databases.iter().filter(|(_, db)| db.has_grown(limit) && !db.is_converting());
        for id in grown.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.replace_journal(id, now);
        }
    }

    /// Tells how long a database's journal is after it was opened or rewritten, in bytes. The next rewriting
    /// waits until it has doubled.
    pub fn set_journal_size(&mut self, id: DatabaseId, bytes: u64) {
        if let Some(served) = self.databases.get_mut(&id) {
            served.base_size = bytes;
        }
    }

    /// A client connected that may do everything.
    pub fn open_session(&mut self) -> SessionId {
        self.open_session_with(SessionOptions::default())
    }

    /// A client connected.
    pub fn open_session_with(&mut self, options: SessionOptions) -> SessionId {
        let id = SessionId(self.next_session);
        self.next_session += 1;
        self.sessions.insert(id, Session { options, ..Session::default() });
        id
    }

    /// Changes what is known of a session.
    pub fn set_session_options(&mut self, id: SessionId, options: SessionOptions) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.options = options;
        }
    }

    /// How many locks a session holds, waits for, and lost to others.
    pub fn lock_counts(&self, id: SessionId) -> LockCounts {
        self.locks.counts(id)
    }

    /// Makes the clients that do not expect such changes connect again.
    pub fn close_unaware(&mut self, reason: CloseReason) -> Vec<Effect> {
        self.reconnect_unaware(reason);
        self.take()
    }

    /// A client is gone: its monitors end, its locks go to others, what it waited for is forgotten.
    pub fn close_session(&mut self, id: SessionId) -> Vec<Effect> {
        self.sessions.remove(&id);
        self.monitors.retain(|key, _| key.0 != id);
        for served in self.databases.values_mut() {
            served.forget(id);
        }
        let notices = self.locks.close(id);
        self.tell(notices);
        self.take()
    }

    /// A message came from a client.
    pub fn handle(&mut self, session: SessionId, message: Message, now: Now) -> Vec<Effect> {
        self.counters.messages += 1;
        if self.sessions.contains_key(&session) {
            self.dispatch(session, message, now);
        }
        self.take()
    }

    /// A write that was asked for is done, or failed.
    pub fn stored(
        &mut self,
        database: DatabaseId,
        ticket: Ticket,
        result: Result<(), &StorageError>,
        now: Now,
    ) -> Vec<Effect> {
        match result {
            Ok(()) => self.write_done(database, ticket, now),
            Err(error) => self.write_failed(database, ticket, error, now),
        }
        self.take()
    }

    /// Lets transactions that waited long enough time out, and journals that grew long be rewritten.
    pub fn poll(&mut self, now: Now) -> Vec<Effect> {
        let due: Vec<DatabaseId> = self
            .databases
            .iter()
            .filter(|(_, db)| db.deadline().is_some_and(|at| at <= now.monotonic))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.retry_waiting(id, now);
        }
        self.compact_grown(now);
        self.take()
    }

    /// When [`Server::poll`] has something to do, on the monotonic clock.
    pub fn deadline(&self) -> Option<Duration> {
        self.databases.values().filter_map(Served::deadline).min()
    }

    fn insert_database(&mut self, db: Database, stored: bool, now: Now) -> DatabaseId {
        let id = DatabaseId(self.next_database);
        self.next_database += 1;
        // Time and contents are in the label so that a server that starts again with the same seed does
        // not choose the UUIDs that it chose before.
        let label = format!("database {} {} {}", db.schema().name(), now.wall.as_nanos(), db.total_rows());
        let uuids = UuidSource::new(&self.config.seed, &label);
        self.databases.insert(id, Served::new(db, stored, uuids, self.config.history));
        id
    }

    /// Clients that do not know that databases come and go are made to connect again.
    fn databases_changed(&mut self) {
        self.reconnect_unaware(CloseReason::DatabasesChanged);
    }

    fn reconnect_unaware(&mut self, reason: CloseReason) {
        let unaware = self.sessions.iter().filter(|(_, session)| !session.db_change_aware);
        let close = |(id, _): (&SessionId, &Session)| Effect::Close { session: *id, reason };
        self.effects.extend(unaware.map(close));
    }

    fn tell(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            let (session, method, lock) = match notice {
                Notice::Locked(session, lock) => (session, "locked", lock),
                Notice::Stolen(session, lock) => (session, "stolen", lock),
            };
            let message = Message::notify(method, vec![Json::from(lock)]);
            self.effects.push(Effect::Send { session, message });
        }
    }

    fn send(&mut self, session: SessionId, message: Message) {
        self.effects.push(Effect::Send { session, message });
    }

    fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
