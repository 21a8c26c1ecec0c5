//! The protocol of one client, without I/O.

use std::collections::{BTreeMap, VecDeque};

use crate::error::DbError;
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::schema::Schema;
use crate::value::Uuid;

use super::changes::Changes;
use super::config::SessionConfig;
use super::handshake::{Handshake, Method};
use super::outcome::{Outcome, TransactionId};
use super::row::Row;
use super::snapshot::Snapshot;
use super::transaction::{Prepared, Transaction};

/// Why a connection to a server is of no use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The server does not have the database. (Configuration.)
    #[error("the server has no database {0}")]
    NoDatabase(String),
    /// The server has the database, but another one may serve it better. (Peer.)
    #[error("the server is not to be used for database {database}: {why}")]
    Unfit {
        /// The database.
        database: String,
        /// What speaks against the server.
        why: Unfit,
    },
    /// The schema or a value that the server sent cannot be read. (Peer.)
    #[error(transparent)]
    Db(#[from] DbError),
    /// An update is not of the form that was asked for. (Peer.)
    #[error("the server sent an update that cannot be read")]
    BadUpdate,
    /// The server refused something that each server must do. (Peer.)
    #[error("the server refused {method}: {error}")]
    Refused {
        /// The request.
        method: &'static str,
        /// The server's error, as JSON.
        error: String,
    },
    /// The server cancelled the monitor, because the database changed its schema or went away. (Peer.)
    #[error("the server cancelled the monitor")]
    Cancelled,
}

/// Why a member of a cluster, or a relay of one, is not to be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It has lost the other members, or a relay the server behind it.
    #[error("it is disconnected from the rest of its cluster")]
    Disconnected,
    /// It does not lead the cluster, and [`leader_only`](SessionConfig::leader_only) is asked for.
    #[error("it is not the cluster's leader")]
    NotLeader,
    /// It is behind what another member said before.
    #[error("its data is older than what was seen already")]
    Stale,
    /// It belongs to another cluster than the servers before.
    #[error("it belongs to another cluster")]
    OtherCluster,
}

/// Something that happened in a [`Session`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The snapshot is complete (again). It may differ from the one before the connection broke.
    Synced,
    /// The snapshot changed.
    Changed,
    /// The snapshot is for the conditions as of this number; see [`Session::set_condition`].
    ConditionsMet(u64),
    /// The lock is held now.
    Locked,
    /// The lock is held by another client: from the start, or because it was stolen.
    LockLost,
    /// A transaction came to its end.
    Done(TransactionId, Outcome),
}

/// What a request that is under way was for.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// Nothing follows from the answer.
    Ignored,
    Server,
    Schema,
    Monitor(Method),
    Conditions,
    Lock(String),
    Transaction(TransactionId, Prepared),
}

/// The protocol of one client.
///
/// Tell it of each connection by [`connected`](Self::connected) and [`disconnected`](Self::disconnected), pass what the server
/// sends to [`receive`](Self::receive), and send what [`take_output`](Self::take_output) gives. The snapshot outlives
/// connections. A clone goes on by itself from the same state.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) config: SessionConfig,
    pub(super) snapshot: Snapshot,
    pub(super) schema: Option<Schema>,
    pub(super) handshake: Handshake,
    /// What has changed, if that is asked for.
    pub(super) changes: Option<Changes>,
    pending: BTreeMap<i64, Pending>,
    next_id: i64,
    has_lock: bool,
    pub(super) synced: bool,
    connected: bool,
    output: Vec<Message>,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// A session without a connection.
    pub fn new(config: SessionConfig) -> Self {
        Session {
            changes: config.track_changes.then(Changes::default),
            config,
            snapshot: Snapshot::default(),
            schema: None,
            handshake: Handshake::default(),
            pending: BTreeMap::new(),
            next_id: 1,
            has_lock: false,
            synced: false,
            connected: false,
            output: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// What was asked for.
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// The copy of the database; empty before the first [`SessionEvent::Synced`].
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The rows of a table; see [`Snapshot::rows`].
    pub fn rows(&self, table: &str) -> &BTreeMap<Uuid, Row> {
        self.snapshot.rows(table)
    }

    /// One row.
    pub fn row(&self, table: &str, uuid: Uuid) -> Option<&Row> {
        self.snapshot.row(table, uuid)
    }

    /// The only row of a table that has at most one (`Open_vSwitch`).
    pub fn first(&self, table: &str) -> Option<&Row> {
        self.rows(table).values().next()
    }

    /// The server's schema; of the last server while there is no connection.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// Whether the snapshot follows a server at present.
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// Whether the lock of the configuration is held; true if none was asked for.
    pub fn has_lock(&self) -> bool {
        self.has_lock || self.config.lock.is_none()
    }

    /// What has changed in the snapshot since this was last asked, if the configuration wants that noted. What came with a
    /// new snapshot after a break is there too, row by row.
    pub fn take_changes(&mut self) -> Changes {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Changes the lock that is wanted: the old one is given back, the new one asked for.
    pub fn set_lock(&mut self, name: Option<String>) {
        if self.config.lock == name {
            return;
        }
        let old = std::mem::replace(&mut self.config.lock, name.clone());
        self.has_lock = false;
        if self.connected {
            if let Some(old) = old {
                self.request("unlock", vec![Json::from(old)], Pending::Ignored);
            }
            if let Some(new) = name {
                self.ask_lock(new);
            }
        }
    }

    /// Begins to speak on a new connection.
    pub fn connected(&mut self) {
        self.disconnected();
        self.connected = true;
        self.greet();
    }

    /// Ends what was under way on a connection that is no more. The snapshot stays.
    pub fn disconnected(&mut self) {
        self.output.clear();
        self.synced = false;
        self.connected = false;
        self.part();
        if std::mem::take(&mut self.has_lock) {
            self.events.push_back(SessionEvent::LockLost);
        }
        for pending in std::mem::take(&mut self.pending).into_values() {
            if let Pending::Transaction(id, _) = pending {
                self.events.push_back(SessionEvent::Done(id, Outcome::Disconnected));
            }
        }
    }

    /// Asks the server for a sign of life.
    pub fn probe(&mut self) {
        self.request("echo", Vec::new(), Pending::Ignored);
    }

    /// Takes a message of the server. After an error the connection is to be dropped.
    pub fn receive(&mut self, message: Message) -> Result<(), SessionError> {
        match message {
            Message::Request { method, params, id } => {
                let answer = if method == "echo" {
                    Message::reply(Json::Array(params), id)
                } else {
                    Message::error("unknown method", id)
                };
                self.output.push(answer);
                Ok(())
            }
            Message::Notify { method, params } => self.notified(&method, &params),
            Message::Reply { result, id } => self.answered(&id, Ok(result)),
            Message::Error { error, id } => self.answered(&id, Err(error)),
        }
    }

    /// Sends a transaction. What becomes of it comes as [`SessionEvent::Done`].
    pub fn transact(&mut self, transaction: &Transaction) -> TransactionId {
        let id = TransactionId(self.next_id);
        let at_once = if !self.synced {
            Some(Outcome::Disconnected)
        } else if transaction.is_empty() {
            Some(Outcome::Unchanged)
        } else if !self.has_lock() {
            Some(Outcome::NotLocked)
        } else {
            None
        };
        let prepared = match (&self.schema, at_once) {
            (Some(schema), None) => transaction.prepare(schema, self.config.lock.as_deref()),
            (_, outcome) => return self.done_at_once(id, outcome.unwrap_or(Outcome::Disconnected)),
        };
        if prepared.operations.len() == usize::from(self.config.lock.is_some()) {
            return self.done_at_once(id, Outcome::Unchanged);
        }
        let database = Json::from(self.config.database.as_str());
        let params = std::iter::once(database).chain(prepared.operations.iter().cloned()).collect();
        self.request("transact", params, Pending::Transaction(id, prepared));
        id
    }

    /// The messages to send, in order.
    pub fn take_output(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.output)
    }

    /// The oldest event that was not taken yet.
    pub fn take_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Whether an event waits to be taken.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(super) fn request(&mut self, method: &str, params: Vec<Json>, pending: Pending) {
        let id = self.next_id;
        self.next_id += 1;
        self.output.push(Message::request(method, params, id));
        self.pending.insert(id, pending);
    }

    pub(super) fn ask_lock(&mut self, name: String) {
        self.request("lock", vec![Json::from(name.as_str())], Pending::Lock(name));
    }

    pub(super) fn event(&mut self, event: SessionEvent) {
        self.events.push_back(event);
    }

    fn done_at_once(&mut self, id: TransactionId, outcome: Outcome) -> TransactionId {
        self.next_id += 1;
        self.events.push_back(SessionEvent::Done(id, outcome));
        id
    }

    fn notified(&mut self, method: &str, params: &[Json]) -> Result<(), SessionError> {
        let is_our_lock = || params.first().and_then(Json::as_str) == self.config.lock.as_deref();
        match method {
            "update" | "update2" | "update3" => self.updated(method, params),
            "locked" if is_our_lock() => {
                self.lock_changed(true);
                Ok(())
            }
            "stolen" if is_our_lock() => {
                self.lock_changed(false);
                Ok(())
            }
            "monitor_canceled" => self.cancelled(params),
            // Others are of extensions that were not asked for.
            _ => Ok(()),
        }
    }

    fn answered(&mut self, id: &Json, result: Result<Json, Json>) -> Result<(), SessionError> {
        let Some(pending) = id.as_integer().and_then(|id| self.pending.remove(&id)) else { return Ok(()) };
        match (pending, result) {
            (Pending::Ignored, _) => Ok(()),
            // Another one is wanted meanwhile.
            (Pending::Lock(name), _) if self.config.lock.as_ref() != Some(&name) => Ok(()),
            (Pending::Lock(_), Ok(result)) => {
                self.lock_changed(result.get("locked").and_then(Json::as_bool).unwrap_or(false));
                Ok(())
            }
            (Pending::Lock(_), Err(error)) => Err(refused("lock", &error)),
            (Pending::Server, result) => self.got_server(result),
            (Pending::Conditions, result) => self.got_conditions(result),
            (Pending::Schema, result) => self.got_schema(result),
            (Pending::Monitor(method), result) => self.got_content(method, result),
            (Pending::Transaction(id, prepared), result) => {
                let outcome = match result {
                    Ok(result) => Outcome::read(&result, &prepared),
                    Err(error) => Outcome::from_error(&error),
                };
                self.events.push_back(SessionEvent::Done(id, outcome));
                Ok(())
            }
        }
    }

    fn lock_changed(&mut self, held: bool) {
        self.has_lock = held;
        self.events.push_back(if held { SessionEvent::Locked } else { SessionEvent::LockLost });
    }
}

pub(super) fn refused(method: &'static str, error: &Json) -> SessionError {
    SessionError::Refused { method, error: error.to_string() }
}
