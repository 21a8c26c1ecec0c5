//! One socket and the connection of the switch that it belongs to.

use std::ops::Range;
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
    /// Where what is read stands.
    read: Box<[u8]>,
    /// What the switch did not take of it yet.
    unread: Range<usize>,
    outgoing: Vec<u8>,
    /// Writing failed: the link is over.
    broken: Option<StreamError>,
}

impl Link {
    /// Joins the two.
    pub fn new(stream: Stream, id: ConnId) -> Self {
        let read = vec![0; CHUNK].into();
        Self { stream, id, read, unread: 0..0, outgoing: Vec::new(), broken: None }
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
        let (mut total, mut last, mut fed) = (0, CHUNK, 0);
        loop {
            if !self.unread.is_empty() {
                let unread = &self.read[self.unread.clone()];
                let taken = switch.feed(self.id, unread).map_err(|_| StreamError::Closed)?;
                self.unread.start += taken;
                fed += taken;
                if !self.unread.is_empty() {
                    break;
                }
            }
            // Less than was asked for: there is no more.
            if total >= TURN || last < CHUNK {
                break;
            }
            last = self.stream.read(&mut self.read)?.unwrap_or(0);
            self.unread = 0..last;
            total += last;
        }
        Ok(fed > 0)
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
        let to_write = switch.pending_output(self.id) > 0 && self.stream.queued() == 0;
        // What the switch had no room for waits here, and nothing else tells of it.
        let to_feed = !self.unread.is_empty() && switch.input_room(self.id) > 0;
        if self.broken.is_some() || to_write || to_feed {
            sleeper.ready();
        }
        sleeper.stream(self.stream.wait(self.unread.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use ovs_ofproto::ovs_dpif::NaiveDatapath;
    use ovs_ofproto::ovs_netdev::Registry;
    use ovs_ofproto::ovs_netdev::dummy::Dummies;
    use ovs_ofproto::{BridgeConfig, ConnectionKind, DesiredState, Limits, SwitchConfig};
    use ovs_stream::StreamConfig;

    use super::*;

    const NOW: Duration = Duration::from_secs(1);
    const HELLO: [u8; 8] = [4, 0, 0, 8, 0, 0, 0, 1];
    const ECHO: [u8; 8] = [4, 2, 0, 8, 0, 0, 0, 2];
    /// Longer than what is read in a turn, in whole requests.
    const REQUESTS: usize = 2 * TURN / ECHO.len();

    fn switch() -> Switch {
        let mut registry = Registry::new();
        registry.register_as("internal", Box::new(Dummies::new().factory("internal")));
        let dpif = NaiveDatapath::new("dp", "dummy", 1, 10);
        // A turn's bytes do not fit.
        let limits = Limits::default().input_buffer(TURN / 3);
        let mut switch = Switch::new(SwitchConfig::default().limits(limits), registry, Box::new(dpif));
        let plan = switch.plan(&DesiredState::default().bridge(BridgeConfig::new("br0")));
        switch.apply(plan, NOW);
        switch
    }

    /// A sleep that waits for a descriptor alone would last until something else happens.
    #[test]
    fn what_the_switch_had_no_room_for_is_fed_when_it_has() {
        let mut switch = switch();
        let (mut far, near) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let id = switch.open_connection("br0", ConnectionKind::Service, NOW).unwrap();
        let mut link = Link::new(Stream::from_socket(near.into(), "near", &StreamConfig::default()), id);
        let mut answers = far.try_clone().unwrap();
        let talker = std::thread::spawn(move || {
            far.write_all(&HELLO).unwrap();
            far.write_all(&ECHO.repeat(REQUESTS)).unwrap();
        });
        let listener = std::thread::spawn(move || {
            // The switch's hello is at least as long as a reply.
            let mut bytes = vec![0; ECHO.len() * REQUESTS];
            answers.read_exact(&mut bytes).unwrap();
        });
        let mut sleeper = Sleeper::default();
        while !listener.is_finished() {
            let _ = link.poll(&mut switch, &sleeper, NOW);
            while switch.poll(NOW, 100_000).more {}
            link.flush(&mut switch);
            sleeper.clear();
            link.waits(&switch, &mut sleeper);
            let held = !link.unread.is_empty() && switch.input_room(id) > 0;
            assert!(!held || sleeper.is_ready(), "{} bytes would wait for ever", link.unread.len());
            sleeper.ready();
            sleeper.sleep(NOW, Duration::ZERO);
        }
        talker.join().unwrap();
        listener.join().unwrap();
    }
}
