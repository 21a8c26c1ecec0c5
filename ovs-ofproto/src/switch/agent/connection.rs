//! Connections: opening, feeding, taking what is to be sent, closing.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_openflow::{AsyncConfig, Message, Protocol, Role, SwitchConfig, VersionSet};

use super::bundle::Bundle;
use super::monitor::Monitors;
use super::output::Output;
use super::queue::Queue;
use super::stats::Answer;
use crate::ConnectionError;
use crate::switch::settle::Settled;
use crate::switch::{Switch, SwitchEvent};

/// A connection of a switch. Numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub(crate) u64);

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionKind {
    /// A controller that the bridge belongs to: gets packet-ins, counts for the fail mode.
    Controller,
    /// Somebody who asks for something (`BRIDGE.mgmt`, passive listeners).
    Service,
    /// Somebody who listens to what controllers and bridge say (`BRIDGE.snoop`).
    Snoop,
}

/// What a connection's later requests wait for.
#[derive(Debug)]
pub(in crate::switch) enum Waiting {
    /// Everything up to a barrier has to take effect; then this transaction is answered.
    Barrier { until: Settled, xid: u32 },
    /// A long answer is under way.
    Answer(Box<Answer>),
}

/// What is kept of a connection.
#[derive(Debug)]
pub(in crate::switch) struct Connection {
    pub bridge: String,
    pub kind: ConnectionKind,
    pub input: Queue,
    pub output: Output,
    /// With this much output waiting, requests wait too.
    pub limit: usize,
    /// Told to the embedder since it took output last.
    pub announced: bool,
    pub allowed: VersionSet,
    /// What is spoken, once the hellos have met.
    pub protocol: Option<Protocol>,
    pub closed: Option<String>,
    pub waiting: Option<Waiting>,
    pub role: Role,
    pub controller_id: u16,
    pub asynchronous: AsyncConfig,
    pub miss_send_len: u16,
    pub bundles: BTreeMap<u32, Bundle>,
    pub monitors: Monitors,
    pub next_xid: u32,
}

impl Connection {
    pub fn is_established(&self) -> bool {
        self.protocol.is_some() && self.closed.is_none()
    }

    /// Whether a whole request waits and can be served.
    pub fn has_work(&self) -> bool {
        match (&self.closed, &self.waiting) {
            (Some(_), _) | (_, Some(Waiting::Barrier { .. })) => false,
            (None, Some(Waiting::Answer(_))) => self.has_room(),
            (None, None) => self.has_room() && self.next_length().is_some_and(|n| self.input.len() >= n),
        }
    }

    /// Whether the other side has read enough of what it asked for to get more.
    pub fn has_room(&self) -> bool {
        self.output.len() < self.limit
    }

    /// The length of the next request, if its header is there.
    pub fn next_length(&self) -> Option<usize> {
        let (high, low) = (self.input.front().get(2)?, self.input.front().get(3)?);
        Some(usize::from(u16::from_be_bytes([*high, *low])))
    }

    /// Appends a message. One that cannot be said in the version is left out, and logged.
    pub fn send(&mut self, xid: u32, message: &Message) {
        let Some(protocol) = self.protocol else { return };
        if let Err(error) = self.output.say(|bytes| message.encode_into(protocol, xid, bytes)) {
            tracing::debug!(target: "ofproto", "{}: message not sent: {error}", self.bridge);
        }
    }

    /// A transaction number for a message of our own.
    pub fn fresh_xid(&mut self) -> u32 {
        self.next_xid = self.next_xid.wrapping_add(1);
        self.next_xid
    }
}

impl Switch {
    /// Opens a connection of a bridge: the embedder has accepted or made one. The bridge's hello waits to be
    /// taken by [`Switch::take_output`].
    pub fn open_connection(
        &mut self,
        bridge: &str,
        kind: ConnectionKind,
        now: Duration,
    ) -> Result<ConnId, ConnectionError> {
        self.now = self.now.max(now);
        let Some(state) = self.bridges.get(bridge) else {
            return Err(ConnectionError::NoBridge(bridge.to_owned()));
        };
        let limit = self.config.limits.connections;
        if self.connections.len() >= limit {
            return Err(ConnectionError::TooMany { limit });
        }
        let allowed = state.config.protocols.and(ovs_openflow::SUPPORTED);
        self.next_connection += 1;
        let id = ConnId(self.next_connection);
        let enabled = kind == ConnectionKind::Controller;
        let mut connection = Connection {
            bridge: bridge.to_owned(),
            kind,
            input: Queue::default(),
            output: Output::default(),
            limit: self.config.limits.output_buffer.min(1 << 20),
            announced: false,
            allowed,
            protocol: None,
            closed: None,
            waiting: None,
            role: Role::Equal,
            controller_id: 0,
            asynchronous: AsyncConfig::default(),
            miss_send_len: if enabled { SwitchConfig::default().miss_send_len } else { 0 },
            bundles: BTreeMap::new(),
            monitors: Monitors::default(),
            next_xid: 0,
        };
        connection.say_hello();
        self.connections.insert(id, connection);
        self.note_listeners(bridge);
        Ok(id)
    }

    /// Gives bytes that came by a connection; they are worked on by [`Switch::poll`]. Returns how many were
    /// taken: fewer than given if the connection's input buffer is full, and then the embedder should not read
    /// more before the next poll.
    pub fn feed(&mut self, connection: ConnId, bytes: &[u8]) -> Result<usize, ConnectionError> {
        let limit = self.config.limits.input_buffer;
        let conn = self.connections.get_mut(&connection).ok_or(ConnectionError::Closed)?;
        if conn.closed.is_some() {
            return Err(ConnectionError::Closed);
        }
        if conn.kind == ConnectionKind::Snoop {
            return Ok(bytes.len());
        }
        let taken = bytes.len().min(limit.saturating_sub(conn.input.len()));
        conn.input.tail().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Bytes that [`Switch::feed`] would take of a connection now; 0 for one that is gone.
    pub fn input_room(&self, connection: ConnId) -> usize {
        let limit = self.config.limits.input_buffer;
        let open = self.connections.get(&connection).filter(|conn| conn.closed.is_none());
        open.map_or(0, |conn| limit.saturating_sub(conn.input.len()))
    }

    /// The role of a controller; `None` for a connection that is gone.
    pub fn connection_role(&self, connection: ConnId) -> Option<Role> {
        self.connections.get(&connection).map(|conn| conn.role)
    }

    /// Bytes that wait to be sent on a connection.
    pub fn pending_output(&self, connection: ConnId) -> usize {
        self.connections.get(&connection).map_or(0, |conn| conn.output.len())
    }

    /// Moves up to `max` bytes that wait to be sent on a connection to the end of `out`; says how many.
    pub fn take_output(&mut self, connection: ConnId, max: usize, out: &mut Vec<u8>) -> usize {
        let Some(conn) = self.connections.get_mut(&connection) else { return 0 };
        conn.announced = false;
        conn.output.take(max, out)
    }

    /// Forgets a connection: its other end is gone, or the embedder has closed it.
    pub fn close_connection(&mut self, connection: ConnId, now: Duration) {
        self.now = self.now.max(now);
        if let Some(gone) = self.connections.remove(&connection) {
            self.recheck_misses(&gone.bridge);
            self.note_listeners(&gone.bridge);
            self.count_monitors(&gone.bridge);
        }
    }

    /// Whether a connection is there and its hellos have met.
    pub fn is_connected(&self, connection: ConnId) -> bool {
        self.connections.get(&connection).is_some_and(Connection::is_established)
    }

    /// Gives up the connections of a bridge that goes.
    pub(in crate::switch) fn close_connections_of(&mut self, bridge: &str) {
        let ids: Vec<ConnId> = self.connections_of(bridge).collect();
        for id in ids {
            self.give_up(id, "bridge deleted".to_owned());
        }
    }

    pub(in crate::switch) fn connections_of(&self, bridge: &str) -> impl Iterator<Item = ConnId> {
        self.connections.iter().filter(move |(_, conn)| conn.bridge == bridge).map(|(id, _)| *id)
    }

    /// Ends a connection from this side.
    pub(super) fn give_up(&mut self, id: ConnId, reason: String) {
        let Some(conn) = self.connections.get_mut(&id) else { return };
        if conn.closed.is_none() {
            conn.closed = Some(reason.clone());
            conn.input.clear();
            conn.waiting = None;
            let bridge = conn.bridge.clone();
            self.events.push(SwitchEvent::Closed { connection: id, reason });
            self.recheck_misses(&bridge);
        }
    }

    /// Tells the embedder which connections have something to send.
    pub(in crate::switch) fn flush_outputs(&mut self) {
        self.tell_listeners();
        for (id, conn) in &mut self.connections {
            if conn.output.len() > 0 && !conn.announced {
                conn.announced = true;
                self.events.push(SwitchEvent::Output(*id));
            }
        }
    }
}
