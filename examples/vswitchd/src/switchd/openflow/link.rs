//! One socket and the connection of the switch that it belongs to.

use std::time::Duration;

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
    /// Writing failed: the link is over.
    broken: Option<StreamError>,
}

impl Link {
    /// Joins the two.
    pub fn new(stream: Stream, id: ConnId) -> Self {
        Self { stream, id, unread: Vec::new(), outgoing: Vec::new(), broken: None }
    }

    /// The switch's name for it.
    pub fn id(&self) -> ConnId {
        self.id
    }

    /// The peer's name.
    pub fn name(&self) -> &str {
        self.stream.name()
    }

    /// Moves bytes in both directions, a turn's worth, if the last sleep saw something to move; `true` if any came
    /// from the peer. An error means that the link is over.
    pub fn poll(&mut self, switch: &mut Switch, slept: &Sleeper, now: Duration) -> Result<bool, StreamError> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        self.write(switch)?;
        if !self.unread.is_empty() || slept.is_due(&self.stream.wait(true), now) {
            return self.read(switch);
        }
        Ok(false)
    }

    /// Writes what the switch has to say.
    pub fn flush(&mut self, switch: &mut Switch) {
        if self.broken.is_none() {
            self.broken = self.write(switch).err();
        }
    }

    fn read(&mut self, switch: &mut Switch) -> Result<bool, StreamError> {
        let (mut total, mut last) = (0, CHUNK);
        while total < TURN {
            if !self.unread.is_empty() {
                let taken = switch.feed(self.id, &self.unread).map_err(|_| StreamError::Closed)?;
                self.unread.drain(..taken);
                if !self.unread.is_empty() {
                    break;
                }
            }
            // Less than was asked for: there is no more.
            if last < CHUNK {
                break;
            }
            self.unread.resize(CHUNK, 0);
            let read = self.stream.read(&mut self.unread);
            last = *read.as_ref().ok().and_then(Option::as_ref).unwrap_or(&0);
            self.unread.truncate(last);
            read?;
            total += last;
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
        if self.broken.is_some() || switch.pending_output(self.id) > 0 && self.stream.queued() == 0 {
            sleeper.ready();
        }
        sleeper.stream(self.stream.wait(self.unread.is_empty()));
    }
}
