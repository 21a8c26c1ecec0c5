//! Connected clients.

use std::time::Duration;

use ovs_stream::{Action, Reconnect, ReconnectConfig, Stream, StreamError, Wait};

use super::{Event, Listener, ListenerConfig};
use crate::json::{Framer, Json};
use crate::jsonrpc::Message;
use crate::server::effect::{CloseReason, Effect, Now, SessionId};

/// How many bytes of one client are taken in a turn.
const READ_BUDGET: usize = 256 << 10;

/// How many requests of one client are handled in a turn.
const REQUEST_BUDGET: usize = 64;

/// One client.
#[derive(Debug)]
pub(super) struct Connection {
    /// The remote that it came by.
    pub(super) remote: String,
    stream: Stream,
    framer: Framer,
    /// Watches over silence.
    watch: Reconnect,
    /// Whole messages may be left in the framer.
    more: bool,
    /// The peer will send nothing more, or is not listened to any more; what is queued is still sent.
    ended: bool,
    /// Sending failed.
    broken: Option<StreamError>,
}

/// What a turn with a client came to.
enum Turn {
    Message(Message),
    Nothing,
    Over(Event),
}

impl Connection {
    pub(super) fn new(stream: Stream, remote: &str, config: &ListenerConfig, now: Duration) -> Connection {
        let probes = config.probe_interval.filter(|_| !stream.name().starts_with("unix"));
        let mut watch = Reconnect::new(ReconnectConfig::default().probe_interval(probes), now);
        watch.connected(now);
        Connection {
            remote: remote.to_owned(),
            stream,
            framer: Framer::new(config.max_message),
            watch,
            more: false,
            ended: false,
            broken: None,
        }
    }

    /// Sends what is queued; true once nothing is, or nothing can be sent.
    pub(super) fn flush(&mut self) -> bool {
        self.stream.flush().unwrap_or(true)
    }

    /// What to sleep on.
    pub(super) fn waits(&self, config: &ListenerConfig) -> impl Iterator<Item = Wait<'_>> {
        let heeded = !self.ended && self.stream.queued() <= config.patience;
        let over = self.broken.is_some() || (self.ended && self.stream.queued() == 0);
        let first = if (self.more && heeded) || over { Wait::Ready } else { self.stream.wait(heeded) };
        [Some(first), self.watch.deadline().map(Wait::At)].into_iter().flatten()
    }

    fn peer(&self) -> String {
        self.stream.name().to_owned()
    }

    fn send(&mut self, message: &Message) {
        if self.broken.is_none() {
            self.broken = self.stream.send(&message.to_bytes()).err();
        }
    }

    /// Writes, probes and reads; must come once a turn before [`Connection::next`].
    fn begin_turn(&mut self, config: &ListenerConfig, now: Duration) -> Turn {
        if let Some(error) = self.broken.take().or_else(|| self.stream.flush().err()) {
            return self.over(error);
        }
        if self.ended && self.stream.queued() == 0 {
            return Turn::Over(Event::Disconnected { peer: self.peer() });
        }
        if self.ended || self.stream.queued() > config.patience {
            return Turn::Nothing;
        }
        let mut chunk = [0; 16 << 10];
        let mut taken = 0;
        while taken < READ_BUDGET && !self.more {
            match self.stream.read(&mut chunk) {
                Ok(Some(n)) => {
                    taken += n;
                    self.framer.push(&chunk[..n]);
                    self.watch.received(now);
                }
                Ok(None) => break,
                // What came before the end is still handled.
                Err(StreamError::Closed) if taken > 0 => break,
                Err(error) => return self.over(error),
            }
        }
        self.more |= taken > 0;
        match self.watch.poll(now) {
            Action::Probe => {
                let probe = Message::request("echo", Vec::new(), "echo");
                self.send(&probe);
            }
            Action::Disconnect => return Turn::Over(Event::NoResponse { peer: self.peer() }),
            Action::None | Action::Connect => {}
        }
        Turn::Nothing
    }

    /// The next whole message.
    fn next(&mut self, config: &ListenerConfig) -> Turn {
        if self.ended || !self.more || self.stream.queued() > config.patience {
            return Turn::Nothing;
        }
        match self.framer.next_message() {
            Ok(None) => {
                self.more = false;
                Turn::Nothing
            }
            Ok(Some(json)) => self.parse(json),
            Err(error) => Turn::Over(Event::BadJson { peer: self.peer(), error }),
        }
    }

    fn parse(&mut self, json: Json) -> Turn {
        match Message::from_json(json) {
            Ok(message) => Turn::Message(message),
            Err(error) => Turn::Over(Event::BadMessage { peer: self.peer(), error }),
        }
    }

    fn over(&self, error: StreamError) -> Turn {
        let peer = self.peer();
        Turn::Over(match error {
            StreamError::Closed => Event::Disconnected { peer },
            error => Event::Dropped { peer, error },
        })
    }
}

impl Listener {
    /// Takes a new client in.
    pub(super) fn admit(&mut self, stream: Stream, remote: &str, now: Now) -> Option<SessionId> {
        let peer = stream.name().to_owned();
        if self.connections.len() >= self.config.max_connections {
            self.events.push(Event::TooMany { peer });
            return None;
        }
        let session = self.server.open_session();
        let connection = Connection::new(stream, remote, &self.config, now.monotonic);
        self.connections.insert(session, connection);
        self.events.push(Event::Connected { peer });
        Some(session)
    }

    /// Gives each client its turn.
    pub(super) fn poll_connections(&mut self, now: Now) {
        let sessions: Vec<SessionId> = self.connections.keys().copied().collect();
        for session in sessions {
            let Some(connection) = self.connections.get_mut(&session) else { continue };
            if let Turn::Over(event) = connection.begin_turn(&self.config, now.monotonic) {
                self.events.push(event);
                self.drop_connection(session, now);
                continue;
            }
            for _ in 0..REQUEST_BUDGET {
                let Some(connection) = self.connections.get_mut(&session) else { break };
                match connection.next(&self.config) {
                    Turn::Nothing => break,
                    Turn::Message(message) => {
                        let effects = self.server.handle(session, message, now);
                        self.carry_out(effects, now);
                    }
                    Turn::Over(event) => {
                        self.events.push(event);
                        self.drop_connection(session, now);
                        break;
                    }
                }
            }
        }
    }

    /// Sends a message to a session.
    pub(super) fn deliver(&mut self, session: SessionId, message: Message) {
        if let Some(connection) = self.connections.get_mut(&session) {
            connection.send(&message);
        } else {
            self.deliver_local(session, message);
        }
    }

    /// Closes a session that the server wants closed, once what was sent to it is out.
    pub(super) fn close(&mut self, session: SessionId, reason: CloseReason) -> Vec<Effect> {
        if let Some(connection) = self.connections.get_mut(&session) {
            connection.ended = true;
            self.events.push(Event::Closed { peer: connection.peer(), reason });
            Vec::new()
        } else {
            self.end_local(session);
            self.server.close_session(session)
        }
    }

    pub(super) fn drop_connection(&mut self, session: SessionId, now: Now) {
        if self.connections.remove(&session).is_some() {
            self.remote_lost(session, now.monotonic);
            let effects = self.server.close_session(session);
            self.carry_out(effects, now);
        }
    }
}
