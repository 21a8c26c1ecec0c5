//! OpenFlow connections of bridges, fed with bytes.

use std::time::Duration;

use super::Switch;
use crate::ConnectionError;

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

/// What is kept of a connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub bridge: String,
    pub kind: ConnectionKind,
    pub input: Vec<u8>,
    pub output: Vec<u8>,
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
        let _ = now;
        if !self.bridges.contains_key(bridge) {
            return Err(ConnectionError::NoBridge(bridge.to_owned()));
        }
        let limit = self.config.limits.connections;
        if self.connections.len() >= limit {
            return Err(ConnectionError::TooMany { limit });
        }
        self.next_connection += 1;
        let id = ConnId(self.next_connection);
        let connection =
            Connection { bridge: bridge.to_owned(), kind, input: Vec::new(), output: Vec::new() };
        self.connections.insert(id, connection);
        Ok(id)
    }

    /// Gives bytes that came by a connection; they are worked on by [`Switch::poll`]. Returns how many were
    /// taken: fewer than given if the connection's input buffer is full, and then the embedder should not read
    /// more before the next poll.
    pub fn feed(&mut self, connection: ConnId, bytes: &[u8]) -> Result<usize, ConnectionError> {
        let limit = self.config.limits.input_buffer;
        let conn = self.connections.get_mut(&connection).ok_or(ConnectionError::Closed)?;
        let taken = bytes.len().min(limit.saturating_sub(conn.input.len()));
        conn.input.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Bytes that wait to be sent on a connection.
    pub fn pending_output(&self, connection: ConnId) -> usize {
        self.connections.get(&connection).map_or(0, |conn| conn.output.len())
    }

    /// Moves up to `max` bytes that wait to be sent on a connection to the end of `out`; says how many.
    pub fn take_output(&mut self, connection: ConnId, max: usize, out: &mut Vec<u8>) -> usize {
        let Some(conn) = self.connections.get_mut(&connection) else { return 0 };
        let taken = max.min(conn.output.len());
        out.extend(conn.output.drain(..taken));
        taken
    }

    /// Forgets a connection: its other end is gone, or the embedder has closed it.
    pub fn close_connection(&mut self, connection: ConnId, now: Duration) {
        let _ = now;
        self.connections.remove(&connection);
    }
}

impl Connection {
    pub fn is_established(&self) -> bool {
        false
    }
}

impl Switch {
    pub(super) fn wants_misses(&self, _bridge: &str) -> bool {
        false
    }
    pub(super) fn close_connections_of(&mut self, bridge: &str) {
        self.connections.retain(|_, c| c.bridge != bridge);
    }
    pub(super) fn tell_port_added(&mut self, _bridge: &str, _n: ovs_flow::OfPort) {}
    pub(super) fn tell_port_removed(&mut self, _bridge: &str, _r: &crate::bridge::PortRecord) {}
    pub(super) fn tell_port_modified(&mut self, _bridge: &str, _n: ovs_flow::OfPort) {}
    pub(super) fn send_packet_in(&mut self, _p: crate::upcall::PuntedPacket) {}
    pub(super) fn tell_settled(&mut self) {}
    pub(super) fn settle_gone(&mut self) {}
    pub(super) fn run_agents(&mut self, _b: usize) -> usize {
        0
    }
    pub(super) fn agents_have_work(&self) -> bool {
        false
    }
    pub(super) fn flush_outputs(&mut self) {}
}
