//! The I/O around a [`Server`]: sockets and journals, polled by the program.
//!
//! A program embeds an OVSDB server by making one [`Listener`] a part of its control loop: call
//! [`poll`](Listener::poll), look at [`take_events`](Listener::take_events), sleep on
//! [`waits`](Listener::waits). Nothing blocks, except a [`Storage`] that writes inline.

mod connection;
mod local;
mod outbox;
mod poller;
mod remote;
mod send;
mod upstream;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ovs_stream::{
    AddressError, Interest, ListenError, Notice, NoticeLevel, Role, StreamConfig, StreamError, Wait,
};
use thiserror::Error;

use super::effect::{CloseReason, DatabaseId, Effect, Now, SessionId};
use super::{ReplicaError, Server, ServerError};
use crate::client::TransportError;
use crate::database::Database;
use crate::json::{JsonError, MAX_MESSAGE};
use crate::jsonrpc::{Message, MessageError};
use crate::storage::{Storage, StorageError, Ticket};
use connection::Connection;
use local::Piped;
pub use local::SessionClosed;
use poller::Poller;
use remote::Remote;
pub use remote::{RemoteOptions, RemoteStatus};
use upstream::Upstream;
pub use upstream::{BackupConfig, RelayConfig, UpstreamStatus};

/// The settings of a [`Listener`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListenerConfig {
    /// How sockets are made. Its `send_limit` bounds what a client may leave unread before it is dropped.
    pub stream: StreamConfig,
    /// Longest message that a client may send, in bytes.
    pub max_message: usize,
    /// How many clients are served at a time; more are closed at once.
    pub max_connections: usize,
    /// While a client leaves more than this unread, its requests wait.
    pub patience: usize,
    /// After how long a silence clients on a network are probed; `None` never does.
    pub probe_interval: Option<Duration>,
}

impl Default for ListenerConfig {
    fn default() -> ListenerConfig {
        ListenerConfig {
            stream: StreamConfig::default(),
            max_message: MAX_MESSAGE,
            max_connections: 4096,
            patience: 1 << 20,
            probe_interval: Some(Duration::from_secs(5)),
        }
    }
}

impl ListenerConfig {
    /// Sets how sockets are made.
    pub fn stream(mut self, config: StreamConfig) -> ListenerConfig {
        self.stream = config;
        self
    }

    /// Sets the longest message that a client may send.
    pub fn max_message(mut self, bytes: usize) -> ListenerConfig {
        self.max_message = bytes;
        self
    }

    /// Sets after how long a silence clients on a network are probed.
    pub fn probe_interval(mut self, interval: Option<Duration>) -> ListenerConfig {
        self.probe_interval = interval;
        self
    }
}

/// Why a remote cannot be added or removed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// The remote's name is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It cannot be listened on.
    #[error("{remote}: {error}")]
    Listen {
        /// The remote.
        remote: String,
        /// Why.
        error: ListenError,
    },
    /// There is no such remote.
    #[error("no remote named {0}")]
    UnknownRemote(String),
    /// The server refused.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// Something that an operator may want to read in a log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Event {
    /// A client connected.
    #[error("{peer}: connected")]
    Connected {
        /// The client.
        peer: String,
    },
    /// A client closed its connection.
    #[error("{peer}: disconnected")]
    Disconnected {
        /// The client.
        peer: String,
    },
    /// A connection broke, or its client left too much unread.
    #[error("{peer}: connection dropped ({error})")]
    Dropped {
        /// The client.
        peer: String,
        /// Why.
        error: StreamError,
    },
    /// A client sent something that is no JSON.
    #[error("{peer}: received bad JSON ({error}), closing")]
    BadJson {
        /// The client.
        peer: String,
        /// What is wrong with it.
        error: JsonError,
    },
    /// A client sent something that is no JSON-RPC message.
    #[error("{peer}: received bad JSON-RPC message ({error}), closing")]
    BadMessage {
        /// The client.
        peer: String,
        /// What is wrong with it.
        error: MessageError,
    },
    /// The server closed a session.
    #[error("{peer}: closing: {reason}")]
    Closed {
        /// The client.
        peer: String,
        /// Why.
        reason: CloseReason,
    },
    /// A client did not answer a probe.
    #[error("{peer}: no response to inactivity probe, disconnecting")]
    NoResponse {
        /// The client.
        peer: String,
    },
    /// As many clients are connected as may be.
    #[error("{peer}: too many connections, closing")]
    TooMany {
        /// The client.
        peer: String,
    },
    /// A connection could not be accepted.
    #[error("{remote}: {error}")]
    Accept {
        /// Where.
        remote: String,
        /// Why.
        error: ListenError,
    },
    /// A connection to a remote could not be made. It is tried again.
    #[error("{remote}: connection attempt failed ({error})")]
    ConnectFailed {
        /// The remote.
        remote: String,
        /// Why.
        error: StreamError,
    },
    /// A client's operation on a table of which operations are logged.
    #[error("{peer}: {database}:{table}: {operation}")]
    Operation {
        /// The client.
        peer: String,
        /// The database.
        database: String,
        /// The table.
        table: String,
        /// The operation, as JSON.
        operation: String,
    },
    /// For the log, under the module `reconnect`: a server that is followed is connected to, or lost.
    #[error("{server}: {notice}")]
    Upstream {
        /// The server.
        server: String,
        /// How important it is.
        level: NoticeLevel,
        /// What happened.
        notice: Notice,
    },
    /// A server that is followed sent something that is no message.
    #[error("{server}: {error}")]
    UpstreamGarbage {
        /// The server.
        server: String,
        /// What is wrong with it.
        error: TransportError,
    },
    /// A server cannot be followed. It is tried again.
    #[error("{server}: {error}")]
    Replica {
        /// The server.
        server: String,
        /// Why.
        error: ReplicaError,
    },
    /// A write to a journal failed.
    #[error("{0}")]
    Storage(StorageError),
}

/// A [`Server`] with its sockets and journals.
pub struct Listener {
    server: Server,
    config: ListenerConfig,
    storages: BTreeMap<DatabaseId, Box<dyn Storage + Send>>,
    remotes: BTreeMap<String, Remote>,
    /// Servers that are followed: by the database that is relayed, or the empty name for the one whose backup this is.
    upstreams: BTreeMap<String, Upstream>,
    connections: BTreeMap<SessionId, Connection>,
    /// Sessions of this process, with what was sent to them.
    local: BTreeMap<SessionId, VecDeque<Message>>,
    /// Clients of this process.
    pipes: Vec<Piped>,
    events: Vec<Event>,
    /// Databases and tables of which operations are reported.
    logged: BTreeSet<(String, String)>,
    /// Journals that are being rewritten.
    rewrites: BTreeSet<(DatabaseId, Ticket)>,
    poller: Poller,
    /// Clients whose turn is to come whatever their sockets say.
    due: BTreeSet<SessionId>,
    /// Clients that got an answer in this turn: it goes out before what everybody is told.
    answered: Vec<SessionId>,
    /// What sessions are told at the end of this turn, in the order of sessions.
    told: Vec<(SessionId, Arc<String>)>,
    /// Clients that were answered last, as far as they are few.
    recent: Vec<SessionId>,
    /// What is read goes here first.
    chunk: Box<[u8]>,
    /// Clients to whom something was sent in this turn, or who had theirs.
    dirty: Vec<SessionId>,
    /// A time before which no client's silence has to be looked at.
    silence: Option<Duration>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Listener {
    /// No remotes yet.
    pub fn new(server: Server, config: ListenerConfig) -> Listener {
        Listener {
            server,
            config,
            storages: BTreeMap::new(),
            remotes: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            connections: BTreeMap::new(),
            local: BTreeMap::new(),
            pipes: Vec::new(),
            events: Vec::new(),
            logged: BTreeSet::new(),
            rewrites: BTreeSet::new(),
            poller: Poller::new(),
            due: BTreeSet::new(),
            answered: Vec::new(),
            told: Vec::new(),
            recent: Vec::new(),
            chunk: vec![0; connection::CHUNK].into(),
            dirty: Vec::new(),
            silence: None,
        }
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Serves a database; its transactions go to `storage` if there is one.
    pub fn add_database(
        &mut self,
        db: Database,
        storage: Option<Box<dyn Storage + Send>>,
        now: Now,
    ) -> Result<DatabaseId, ServerError> {
        let (id, effects) = self.server.add_database(db, storage.is_some(), now)?;
        if let Some(storage) = storage {
            self.server.set_journal_size(id, storage.size());
            self.storages.insert(id, storage);
        }
        self.carry_out(effects);
        self.settle(now);
        Ok(id)
    }

    /// Stops serving a database, and closes its storage.
    pub fn remove_database(&mut self, name: &str, now: Now) -> Result<(), ServerError> {
        let (id, effects) = self.server.remove_database(name)?;
        self.drop_upstream(name);
        self.carry_out(effects);
        self.settle(now);
        self.storages.remove(&id);
        Ok(())
    }

    /// Rewrites a database's journal without its history.
    pub fn compact(&mut self, name: &str, now: Now) -> Result<(), ServerError> {
        let effects = self.server.compact(name, now)?;
        self.carry_out(effects);
        self.settle(now);
        Ok(())
    }

    /// Listens on, or connects to, `remote`: `punix:`, `ptcp:`, `pssl:`, `unix:`, `tcp:` or `ssl:`. A remote that is
    /// there already stays as it is.
    pub fn add_remote(&mut self, remote: &str, now: Now) -> Result<(), ListenerError> {
        if self.remotes.contains_key(remote) {
            return Ok(());
        }
        self.set_remote(remote, RemoteOptions::default(), now)
    }

    /// As [`add_remote`](Listener::add_remote), with options; of a remote that is there already the options are
    /// changed.
    pub fn set_remote(
        &mut self,
        remote: &str,
        options: RemoteOptions,
        now: Now,
    ) -> Result<(), ListenerError> {
        if let Some(known) = self.remotes.get_mut(remote) {
            if known.options != options {
                known.options = options;
                self.apply_options(remote);
            }
            return Ok(());
        }
        let address = ovs_stream::Remote::parse(remote, Role::Ovsdb)?;
        let opened = Remote::open(&address, options, &self.config, now.monotonic)
            .map_err(|error| ListenerError::Listen { remote: remote.to_owned(), error })?;
        self.remotes.insert(remote.to_owned(), opened);
        Ok(())
    }

    /// Stops listening on, or connecting to, `remote`, and closes its connections.
    pub fn remove_remote(&mut self, remote: &str, now: Now) -> Result<(), ListenerError> {
        if self.remotes.remove(remote).is_none() {
            return Err(ListenerError::UnknownRemote(remote.to_owned()));
        }
        let sessions = self.connections.iter().filter(|(_, c)| c.remote == remote);
        for session in sessions.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.drop_connection(session, now);
        }
        Ok(())
    }

    /// Reports every operation of a client on the tables that are named, each with its database, as
    /// [`Event::Operation`].
    pub fn log_tables(&mut self, tables: BTreeSet<(String, String)>) {
        self.logged = tables;
    }

    /// The remotes, in alphabetical order.
    pub fn remotes(&self) -> impl Iterator<Item = &str> {
        self.remotes.keys().map(String::as_str)
    }

    /// The address that a passive remote is bound to, with the port that the system chose.
    pub fn bound(&self, remote: &str) -> Option<String> {
        self.remotes.get(remote)?.bound()
    }

    /// Does what can be done at once: connections, requests, replies, writes, time-outs.
    pub fn poll(&mut self, now: Now) {
        self.poll_remotes(now);
        self.poll_connections(now);
        self.poll_upstreams(now);
        self.poll_pipes(now);
        let effects = self.server.poll(now);
        self.carry_out(effects);
        self.settle(now);
        if self.silence.is_some_and(|at| at <= now.monotonic) {
            self.silence = self.next_silence();
        }
    }

    /// What to sleep on before the next [`poll`](Listener::poll).
    pub fn waits(&self) -> impl Iterator<Item = Wait<'_>> {
        let deadline = self.server.deadline().into_iter().chain(self.silence).map(Wait::At);
        let due = (!self.due.is_empty() || self.has_dirty()).then_some(Wait::Ready);
        let poller = self.poller.fd().map(|fd| Wait::Fd(fd, Interest::Read));
        let without = poller.is_none().then(|| self.connections.values()).into_iter().flatten();
        let connections = poller.into_iter().chain(without.map(|c| c.wait(&self.config)));
        let remotes = self.remotes.values().flat_map(Remote::waits);
        let pipes = self.pipes.iter().map(Piped::wait);
        let storages = self.storages.values().map(|storage| storage.wait());
        let upstreams = self.upstreams.values().flat_map(Upstream::waits);
        deadline.chain(due).chain(connections).chain(remotes).chain(upstreams).chain(pipes).chain(storages)
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Sends what is queued; true once nothing is. For a program that is about to exit.
    pub fn flush(&mut self) -> bool {
        self.connections.values_mut().all(Connection::flush)
    }

    /// Lets storages write what came in this turn, tells the server what is done, and sends what comes of it.
    fn settle(&mut self, now: Now) {
        self.commit(now);
        self.flush_dirty();
    }

    /// Lets storages write what came in this turn, and tells the server what is done.
    fn commit(&mut self, now: Now) {
        loop {
            self.storages.values_mut().for_each(|storage| storage.commit());
            let effects = self.poll_storages(now);
            if effects.is_empty() {
                break;
            }
            self.carry_out(effects);
        }
    }

    /// Carries out what the server wants.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send { session, message } => self.deliver(session, message),
                Effect::Write { session, text } => self.deliver_written(session, text),
                Effect::Append { database, ticket, bytes, sync } => {
                    if let Some(storage) = self.storages.get_mut(&database) {
                        storage.append(ticket, &bytes, sync);
                    }
                }
                Effect::Replace { database, ticket, snapshot } => {
                    if let Some(storage) = self.storages.get_mut(&database) {
                        storage.replace(ticket, &snapshot);
                        self.rewrites.insert((database, ticket));
                    }
                }
                Effect::Forward { database, session, id, params } => {
                    effects.extend(self.forward(database, session, id, params));
                }
                Effect::Close { session, reason } => {
                    effects.extend(self.close(session, reason));
                }
            }
        }
    }

    fn poll_storages(&mut self, now: Now) -> Vec<Effect> {
        let done: Vec<_> = self
            .storages
            .iter_mut()
            .flat_map(|(id, storage)| std::iter::from_fn(move || storage.poll()).map(|done| (*id, done)))
            .collect();
        let mut effects = Vec::new();
        for (id, (ticket, result)) in done {
            effects.extend(self.server.stored(id, ticket, result.as_ref().copied(), now));
            self.events.extend(result.err().map(Event::Storage));
            self.sizes(id, ticket);
        }
        effects
    }

    /// After a journal was rewritten it is as long as it is.
    fn sizes(&mut self, id: DatabaseId, ticket: Ticket) {
        if let Some(storage) = self.storages.get(&id)
            && self.rewrites.remove(&(id, ticket))
        {
            self.server.set_journal_size(id, storage.size());
        }
    }
}
