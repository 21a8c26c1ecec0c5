//! A session that is kept alive.

use std::time::Duration;

use ovs_stream::{
    Action, Address, Notice, NoticeLevel, Reconnect, ReconnectConfig, State, StreamConfig, StreamError, Wait,
};

use super::changes::Changes;
use super::condition::Condition;
use super::config::SessionConfig;
use super::outcome::{Outcome, TransactionId};
use super::session::{Session, SessionError, SessionEvent};
use super::transaction::Transaction;
use super::transport::{Connector, StreamConnector, Transport, TransportError};

/// How many messages one poll takes, so that a busy server does not keep the caller from its other work.
const MESSAGE_BUDGET: usize = 256;

/// Something that happened on a [`Connection`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The snapshot is complete (again). It may differ from the one before the connection broke.
    Synced,
    /// The snapshot changed.
    Changed,
    /// The snapshot is for the conditions as of this number; see [`Session::set_condition`].
    ConditionsMet(u64),
    /// The lock is held now.
    Locked,
    /// The lock is not held: another client has it, or the connection broke.
    LockLost,
    /// A transaction came to its end.
    Done(TransactionId, Outcome),
    /// For the log, under the module `reconnect`: `REMOTE: NOTICE`.
    Notice {
        /// How important it is.
        level: NoticeLevel,
        /// The remote.
        remote: String,
        /// What happened.
        notice: Notice,
    },
    /// For the log, under the module `ovsdb_cs`: the server cannot serve this client.
    Unusable {
        /// The remote.
        remote: String,
        /// Why.
        error: SessionError,
    },
    /// For the log, under the module `jsonrpc`: the server sent something that is no message.
    Garbage {
        /// The remote.
        remote: String,
        /// What is wrong with it.
        error: TransportError,
    },
}

/// A [`Session`] over any of several remotes, reconnecting as needed.
///
/// In each turn of the program's loop: [`poll`](Self::poll), handle the events, [`transact`](Self::transact) if
/// there is something to write, then sleep on [`waits`](Self::waits).
pub struct Connection {
    session: Session,
    connectors: Vec<Box<dyn Connector>>,
    /// The remote of the present or last attempt.
    current: usize,
    transport: Option<Box<dyn Transport>>,
    /// Whether the session was told of the connection.
    up: bool,
    more: bool,
    /// How many remotes in a row were of no use, although they could be reached.
    refused: usize,
    fsm: Reconnect,
}

impl Connection {
    /// Keeps a session with any of `remotes`, tried in turn. `now` is the embedder's monotonic time.
    pub fn new(config: SessionConfig, remotes: Vec<Address>, streams: &StreamConfig, now: Duration) -> Self {
        let connectors = remotes
            .into_iter()
            .map(|a| Box::new(StreamConnector::new(a, streams.clone())) as Box<dyn Connector>)
            .collect();
        Connection::with_connectors(config, connectors, now)
    }

    /// Keeps a session over transports that the given connectors make, tried in turn.
    pub fn with_connectors(
        config: SessionConfig,
        connectors: Vec<Box<dyn Connector>>,
        now: Duration,
    ) -> Self {
        Connection {
            session: Session::new(config),
            // The first attempt goes to the one after the last.
            current: connectors.len().saturating_sub(1),
            connectors,
            transport: None,
            up: false,
            more: false,
            refused: 0,
            fsm: Reconnect::new(ReconnectConfig::default(), now),
        }
    }

    /// The session: snapshot, schema, lock.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What has changed in the snapshot; see [`Session::take_changes`].
    pub fn take_changes(&mut self) -> Changes {
        self.session.take_changes()
    }

    /// Changes which rows of a table are wanted; see [`Session::set_condition`].
    pub fn set_condition(&mut self, table: impl Into<String>, condition: impl Into<Condition>) -> u64 {
        let number = self.session.set_condition(table, condition);
        self.send_output();
        number
    }

    /// Changes the lock that is wanted; see [`Session::set_lock`].
    pub fn set_lock(&mut self, name: Option<String>) {
        self.session.set_lock(name);
        self.send_output();
    }

    /// The remote of the present or last attempt.
    pub fn remote(&self) -> String {
        self.connectors.get(self.current).map(|c| c.name()).unwrap_or_default()
    }

    /// The state of the connection.
    pub fn state(&self) -> State {
        self.fsm.state()
    }

    /// Whether the connection stands (the snapshot may still be on its way).
    pub fn is_connected(&self) -> bool {
        self.up
    }

    /// Drops the connection and makes it anew.
    pub fn force_reconnect(&mut self, now: Duration) {
        self.fsm.force(now);
    }

    /// Sends a transaction. What becomes of it comes as [`Event::Done`].
    pub fn transact(&mut self, transaction: &Transaction) -> TransactionId {
        let id = self.session.transact(transaction);
        self.send_output();
        id
    }

    /// Connects, receives and sends what can be done at once, and gives what happened.
    pub fn poll(&mut self, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        if let Err(error) = self.run_transport(now, &mut events) {
            self.drop_transport(&error, now, &mut events);
        }
        self.run_fsm(now, &mut events);
        while let Some(event) = self.session.take_event() {
            events.push(match event {
                SessionEvent::Synced => Event::Synced,
                SessionEvent::Changed => Event::Changed,
                SessionEvent::ConditionsMet(number) => Event::ConditionsMet(number),
                SessionEvent::Locked => Event::Locked,
                SessionEvent::LockLost => Event::LockLost,
                SessionEvent::Done(id, outcome) => Event::Done(id, outcome),
            });
        }
        events
    }

    /// What to sleep on.
    pub fn waits(&self) -> [Wait<'_>; 2] {
        let transport = match &self.transport {
            _ if self.more || self.session.has_events() => Wait::Ready,
            Some(transport) => transport.wait(),
            None => Wait::Never,
        };
        let timer = if self.connectors.is_empty() { None } else { self.fsm.deadline() };
        [transport, timer.map_or(Wait::Never, Wait::At)]
    }

    fn run_transport(&mut self, now: Duration, events: &mut Vec<Event>) -> Result<(), TransportError> {
        self.more = false;
        let Some(transport) = &mut self.transport else { return Ok(()) };
        if !self.up {
            if !transport.poll_connect()? {
                return Ok(());
            }
            self.up = true;
            self.fsm.connected(now);
            self.session.connected();
        }
        let mut budget = MESSAGE_BUDGET;
        while let Some(message) = transport.receive()? {
            self.fsm.received(now);
            if let Err(error) = self.session.receive(message) {
                events.push(Event::Unusable { remote: self.remote(), error });
                self.refused += 1;
                self.fsm.force(now);
                return Ok(());
            }
            if self.session.is_synced() {
                self.refused = 0;
            }
            budget -= 1;
            if budget == 0 {
                self.more = true;
                break;
            }
        }
        for message in self.session.take_output() {
            transport.send(&message)?;
        }
        transport.flush()
    }

    fn run_fsm(&mut self, now: Duration, events: &mut Vec<Event>) {
        let asked = if self.connectors.is_empty() { Action::None } else { self.fsm.poll(now) };
        match asked {
            Action::Connect => self.connect(now, events),
            Action::Disconnect => {
                self.transport = None;
                self.lost();
                self.fsm.dropped_by_us(now);
                // Another remote may do: before all of them were tried, there is nothing to wait for.
                if (1..self.connectors.len()).contains(&self.refused) {
                    self.fsm.force(now);
                } else {
                    self.refused = 0;
                }
            }
            Action::Probe => {
                self.session.probe();
                self.send_output();
            }
            Action::None => {}
        }
        self.take_notices(events);
    }

    fn connect(&mut self, now: Duration, events: &mut Vec<Event>) {
        self.current = (self.current + 1) % self.connectors.len().max(1);
        let Some(connector) = self.connectors.get_mut(self.current) else { return };
        let probe = connector.wants_probes().then_some(ReconnectConfig::default().probe_interval).flatten();
        self.fsm.set_probe_interval(probe);
        let attempt = connector.connect();
        self.fsm.connecting(now);
        match attempt {
            Ok(transport) => {
                self.transport = Some(transport);
                // Over a Unix socket or a pipe the connection stands already: the first request can go at once.
                if let Err(error) = self.run_transport(now, events) {
                    self.drop_transport(&error, now, events);
                }
            }
            Err(error) => self.drop_transport(&error, now, events),
        }
    }

    fn drop_transport(&mut self, error: &TransportError, now: Duration, events: &mut Vec<Event>) {
        self.transport = None;
        match error {
            TransportError::Stream(error) => self.fsm.failed(error, now),
            other => {
                events.push(Event::Garbage { remote: self.remote(), error: other.clone() });
                self.fsm.failed(&StreamError::Closed, now);
            }
        }
        self.lost();
        self.take_notices(events);
    }

    fn lost(&mut self) {
        if std::mem::take(&mut self.up) {
            self.session.disconnected();
        }
    }

    fn send_output(&mut self) {
        let Some(transport) = self.transport.as_mut().filter(|_| self.up) else { return };
        for message in self.session.take_output() {
            // A broken transport shows itself at the next poll, which also ends what was under way.
            if transport.send(&message).is_err() {
                break;
            }
        }
    }

    fn take_notices(&mut self, events: &mut Vec<Event>) {
        while let Some((level, notice)) = self.fsm.take_notice() {
            let remote = self.remote();
            events.push(Event::Notice { level, remote, notice });
        }
    }
}
