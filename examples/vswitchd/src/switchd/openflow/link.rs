//! One socket and the connection of the switch that it belongs to.

use ovs_ofproto::{ConnId, Switch};
use ovs_stream::{Stream, StreamError};

use super::super::sleep::Sleeper;

/// Bytes that are read, and bytes that are taken to be written, in one turn.
const TURN: usize = 256 << 10;
/// Bytes that are read at a time.
const CHUNK: usize = 16 << 10;

/// A stream that carries a connection.
pub struct Link {
    stream: Stream,
    id: ConnId,
    /// Bytes that were read and that the switch did not take yet.
    unread: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Link {
    /// Joins the two.
    pub fn new(stream: Stream, id: ConnId) -> Self {
        Self { stream, id, unread: Vec::new(), outgoing: Vec::new() }
    }

    /// The switch's name for it.
    pub fn id(&self) -> ConnId {
        self.id
    }

    /// The peer's name.
    pub fn name(&self) -> &str {
        self.stream.name()
    }

    /// Moves bytes in both directions, a turn's worth; `true` if any came from the peer. An error means that the
    /// link is over.
    pub fn poll(&mut self, switch: &mut Switch) -> Result<bool, StreamError> {
        self.write(switch)?;
        let received = self.read(switch)?;
        Ok(received)
    }

    fn read(&mut self, switch: &mut Switch) -> Result<bool, StreamError> {
        let mut chunk = [0_u8; CHUNK];
        let mut total = 0;
        while total < TURN {
            if !self.unread.is_empty() {
                let taken = switch.feed(self.id, &self.unread).map_err(|_| StreamError::Closed)?;
                self.unread.drain(..taken);
                if !self.unread.is_empty() {
                    break;
                }
            }
            match self.stream.read(&mut chunk)? {
                None => break,
                Some(count) => {
                    total += count;
                    self.unread.extend_from_slice(&chunk[..count]);
                }
            }
        }
        Ok(total > 0)
    }

    fn write(&mut self, switch: &mut Switch) -> Result<(), StreamError> {
        let mut total = 0;
        while total < TURN && self.stream.flush()? {
            self.outgoing.clear();
            let count = switch.take_output(self.id, CHUNK, &mut self.outgoing);
            if count == 0 {
                return Ok(());
            }
            self.stream.send(&self.outgoing)?;
            total += count;
        }
        Ok(())
    }

    /// What to sleep on.
    pub fn waits(&self, switch: &Switch, sleeper: &mut Sleeper) {
        if switch.pending_output(self.id) > 0 && self.stream.queued() == 0 {
            sleeper.ready();
        }
        sleeper.stream(self.stream.wait(self.unread.is_empty()));
    }
}
