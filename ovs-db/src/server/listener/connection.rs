//! Connected clients.

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use ovs_stream::{Action, Interest, Reconnect, ReconnectConfig, Stream, StreamError, Wait};

use super::outbox::Outbox;
use super::poller::Poller;
use super::remote::RemoteOptions;
use super::{Event, Listener, ListenerConfig};
use crate::json::{Framer, Json};
use crate::jsonrpc::Message;
use crate::server::SessionOptions;
use crate::server::effect::{CloseReason, Effect, Now, SessionId, Written};

/// How many bytes of one client are taken in a turn.
const READ_BUDGET: usize = 256 << 10;

/// How many requests of one client are handled in a turn.
const REQUEST_BUDGET: usize = 64;

/// How much is read at a time.
pub(super) const CHUNK: usize = 16 << 10;

/// One client.
#[derive(Debug)]
pub(super) struct Connection {
    /// The remote that it came by.
    pub(super) remote: String,
    /// When it came.
    pub(super) since: Duration,
    stream: Stream,
    outbox: Outbox,
    framer: Framer,
    /// Who the client proved to be is known to the server, as far as it ever will be.
    identified: bool,
    /// Watches over silence.
    watch: Reconnect,
    /// What the poller watches for.
    watched: Option<Interest>,
    /// Something was sent to it, or it had its turn, since it was last flushed.
    pub(super) dirty: bool,
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
    pub(super) fn new(
        stream: Stream,
        remote: &str,
        options: &RemoteOptions,
        config: &ListenerConfig,
        now: Duration,
    ) -> Connection {
        let by_default = config.probe_interval.filter(|_| !stream.name().starts_with("unix"));
        let probes = options.probe_interval.unwrap_or(by_default);
        let mut watch = Reconnect::new(ReconnectConfig::default().probe_interval(probes), now);
        watch.connected(now);
        Connection {
            remote: remote.to_owned(),
            since: now,
            stream,
            outbox: Outbox::new(config.stream.send_limit),
            framer: Framer::new(config.max_message),
            identified: false,
            watch,
            watched: None,
            dirty: false,
            more: false,
            ended: false,
            broken: None,
        }
    }

    /// Sends what is queued; true once nothing is, or nothing can be sent.
    pub(super) fn flush(&mut self) -> bool {
        if self.broken.is_some() {
            return true;
        }
        match self.outbox.flush(&mut self.stream) {
            Ok(done) => done,
            Err(error) => {
                self.broken = Some(error);
                true
            }
        }
    }

    /// How many bytes wait to be sent.
    fn queued(&self) -> usize {
        self.outbox.len() + self.stream.queued()
    }

    fn heeded(&self, config: &ListenerConfig) -> bool {
        !self.ended && self.queued() <= config.patience
    }

    /// Whether its turn is to come without anything happening at the socket.
    pub(super) fn is_due(&self, config: &ListenerConfig) -> bool {
        let over = self.broken.is_some() || (self.ended && self.queued() == 0);
        ((self.more || self.stream.is_buffered()) && self.heeded(config)) || over
    }

    /// When silence is to be looked at.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.watch.deadline()
    }

    /// What to sleep on, where no poller does that.
    pub(super) fn wait(&self, config: &ListenerConfig) -> Wait<'_> {
        if self.is_due(config) {
            return Wait::Ready;
        }
        match self.interest(config) {
            Some(interest) => Wait::Fd(self.stream.as_fd(), interest),
            None => Wait::Never,
        }
    }

    fn interest(&self, config: &ListenerConfig) -> Option<Interest> {
        if !self.stream.is_ready() {
            return self.stream.interest(true);
        }
        match (self.heeded(config), self.queued() > 0) {
            (true, true) => Some(Interest::Both),
            (true, false) => Some(Interest::Read),
            (false, true) => Some(Interest::Write),
            (false, false) => None,
        }
    }

    /// Makes the poller watch for what is wanted now.
    pub(super) fn update_watch(&mut self, poller: &Poller, session: SessionId, config: &ListenerConfig) {
        let interest = self.interest(config);
        if interest != self.watched {
            poller.watch(self.stream.as_fd(), session, self.watched, interest);
            self.watched = interest;
        }
    }

    /// What the server is to know of the client: what its remote says, and who it proved to be.
    pub(super) fn session(&self, options: &RemoteOptions) -> SessionOptions {
        options.session().client(self.stream.peer_name())
    }

    /// Whether the client has proved who it is since the last call.
    fn is_newly_identified(&mut self) -> bool {
        let before = std::mem::replace(&mut self.identified, self.stream.is_ready());
        !before && self.identified && self.stream.peer_name().is_some()
    }

    fn peer(&self) -> String {
        self.stream.name().to_owned()
    }

    pub(super) fn send(&mut self, message: &Message) {
        if self.broken.is_none() {
            self.broken = self.outbox.push(message).err();
        }
    }

    pub(super) fn send_written(&mut self, text: &Written) {
        if self.broken.is_none() {
            self.broken = self.outbox.push_written(text).err();
        }
    }

    /// Sends a text at once, if nothing waits before it; true if all of it is out.
    pub(super) fn tell(&mut self, text: &Arc<String>) -> bool {
        if self.queued() > 0 || !self.stream.is_ready() {
            self.send_written(&Written::whole(Arc::clone(text)));
            return false;
        }
        if self.broken.is_some() {
            return false;
        }
        match self.stream.write(text.as_bytes()) {
            Ok(taken) if taken == text.len() => self.stream.queued() == 0,
            Ok(taken) => {
                self.outbox.push_rest(Arc::clone(text), taken);
                false
            }
            Err(error) => {
                self.broken = Some(error);
                false
            }
        }
    }

    /// Writes, probes and reads; must come once a turn before [`Connection::next`].
    fn begin_turn(&mut self, config: &ListenerConfig, chunk: &mut [u8], now: Duration) -> Turn {
        self.flush();
        if let Some(error) = self.broken.take() {
            return self.over(error);
        }
        if self.ended && self.queued() == 0 {
            return Turn::Over(Event::Disconnected { peer: self.peer() });
        }
        if !self.heeded(config) {
            return Turn::Nothing;
        }
        let mut taken = 0;
        while taken < READ_BUDGET && !self.more {
            match self.stream.read(chunk) {
                Ok(Some(n)) => {
                    taken += n;
                    self.framer.push(&chunk[..n]);
                    self.watch.received(now);
                    // A short read took everything that was there.
                    if n < chunk.len() {
                        break;
                    }
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
        if !self.more || !self.heeded(config) {
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
        let options = self.remotes.get(remote).map(|remote| remote.options.clone()).unwrap_or_default();
        let session = self.server.open_session_with(options.session());
        let connection = Connection::new(stream, remote, &options, &self.config, now.monotonic);
        self.connections.insert(session, connection);
        self.due.insert(session);
        self.events.push(Event::Connected { peer });
        Some(session)
    }

    /// Gives each client that has something to do its turn.
    pub(super) fn poll_connections(&mut self, now: Now) {
        let mut turn = std::mem::take(&mut self.due);
        match self.poller.ready() {
            Some(ready) => turn.extend(ready),
            None => turn.extend(self.connections.keys()),
        }
        if self.silence.is_some_and(|at| at <= now.monotonic) {
            let silent = |c: &Connection| c.deadline().is_some_and(|at| at <= now.monotonic);
            turn.extend(self.connections.iter().filter(|(_, c)| silent(c)).map(|(id, _)| *id));
        }
        for session in &turn {
            self.connection_turn(*session, now);
        }
        for session in turn {
            self.mark_dirty(session);
        }
    }

    fn connection_turn(&mut self, session: SessionId, now: Now) {
        let Some(connection) = self.connections.get_mut(&session) else { return };
        if let Turn::Over(event) = connection.begin_turn(&self.config, &mut self.chunk, now.monotonic) {
            self.events.push(event);
            self.drop_connection(session, now);
            return;
        }
        if connection.is_newly_identified() {
            let options = self.remotes.get(&connection.remote).map(|remote| remote.options.clone());
            let options = connection.session(&options.unwrap_or_default());
            self.server.set_session_options(session, options);
        }
        for _ in 0..REQUEST_BUDGET {
            let Some(connection) = self.connections.get_mut(&session) else { return };
            match connection.next(&self.config) {
                Turn::Nothing => return,
                Turn::Message(message) => {
                    if !self.logged.is_empty() {
                        let peer = connection.peer();
                        self.log_operations(&peer, &message);
                    }
                    let effects = self.server.handle(session, message, now);
                    self.carry_out(effects);
                }
                Turn::Over(event) => {
                    self.events.push(event);
                    self.drop_connection(session, now);
                    return;
                }
            }
        }
    }

    /// Reports the operations of a transaction that the operator wants to see.
    fn log_operations(&mut self, peer: &str, message: &Message) {
        let Message::Request { method, params, .. } = message else { return };
        let Some((Json::String(database), operations)) = params.split_first() else { return };
        if method != "transact" {
            return;
        }
        for operation in operations {
            let Some(table) = operation.get("table").and_then(Json::as_str) else { continue };
            if self.logged.contains(&(database.clone(), table.to_owned())) {
                let (database, table) = (database.clone(), table.to_owned());
                let (peer, operation) = (peer.to_owned(), operation.to_string());
                self.events.push(Event::Operation { peer, database, table, operation });
            }
        }
    }

    /// Looks whether clients that were answered last have already asked for more, and does what they ask; true if one
    /// had. A program that does not sleep at once calls this meanwhile; whatever else happens waits for
    /// [`poll`](Listener::poll), or says so by [`is_ready`](Listener::is_ready). What others are told of changes waits
    /// for `poll`, too: they are then told of several at once.
    pub fn poll_recent(&mut self, now: Now) -> bool {
        let before = self.server.counters().messages;
        let recent = std::mem::take(&mut self.recent);
        for session in &recent {
            self.connection_turn(*session, now);
        }
        if self.server.counters().messages == before {
            self.recent = recent;
            return false;
        }
        self.commit(now);
        self.flush_answered();
        for session in recent {
            self.flush_touched(session);
        }
        true
    }

    /// Whether there are clients that were just answered.
    pub fn has_recent(&self) -> bool {
        !self.recent.is_empty()
    }

    /// Whether a client has something to do, or a turn is due anyway. Does not say what else there may be to do, such
    /// as telling others what [`poll_recent`](Listener::poll_recent) left to be told.
    pub fn is_ready(&self) -> bool {
        !self.due.is_empty() || self.poller.is_ready()
    }

    /// When the first client's silence is to be looked at.
    pub(super) fn next_silence(&self) -> Option<Duration> {
        self.connections.values().filter_map(Connection::deadline).min()
    }

    /// Closes a session that the server wants closed, once what was sent to it is out.
    pub(super) fn close(&mut self, session: SessionId, reason: CloseReason) -> Vec<Effect> {
        if let Some(connection) = self.connections.get_mut(&session) {
            connection.ended = true;
            self.events.push(Event::Closed { peer: connection.peer(), reason });
            self.mark_dirty(session);
            Vec::new()
        } else {
            self.end_local(session);
            self.server.close_session(session)
        }
    }

    pub(super) fn drop_connection(&mut self, session: SessionId, now: Now) {
        if let Some(connection) = self.connections.remove(&session) {
            self.remote_lost(session, &connection, now.monotonic);
            let effects = self.server.close_session(session);
            self.carry_out(effects);
        }
    }

    /// As [`Server::disable_monitor_cond`](crate::server::Server::disable_monitor_cond), and makes every client connect
    /// again.
    pub fn disable_monitor_cond(&mut self, now: Now) {
        self.server.disable_monitor_cond();
        self.reconnect(now);
    }

    /// Makes every client connect again; connections that this side makes are made again.
    pub fn reconnect(&mut self, now: Now) {
        let sessions: BTreeSet<SessionId> = self.connections.keys().copied().collect();
        for session in sessions {
            if let Some(connection) = self.connections.get(&session) {
                let reason = CloseReason::Operator;
                self.events.push(Event::Closed { peer: connection.peer(), reason });
            }
            self.drop_connection(session, now);
        }
        self.settle(now);
    }
}
