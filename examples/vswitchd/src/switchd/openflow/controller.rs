//! A controller that the bridge connects to, and connects to again.

use std::time::Duration;

use ovs_ofproto::ovs_openflow::Role;
use ovs_ofproto::{ConnectionKind, Switch};
use ovs_stream::{
    Action, Address, BackoffConfig, NoticeLevel, Reconnect, ReconnectConfig, State, Stream, StreamConfig,
    StreamError,
};

use super::super::sleep::Sleeper;
use super::link::Link;

/// What the database shows of a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerState {
    /// Whether the connection stands.
    pub connected: bool,
    /// The controller's role, while it stands.
    pub role: Option<&'static str>,
    /// The state's name (`ACTIVE`, `BACKOFF` …).
    pub state: &'static str,
    /// Seconds since it was last connected; `None` if it never was.
    pub since_connect: Option<u64>,
    /// Seconds since it was last disconnected; `None` if it never was.
    pub since_disconnect: Option<u64>,
}

/// A role as the database has it.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Primary => "master",
        Role::Secondary => "slave",
        _ => "other",
    }
}

/// The active side of a connection.
pub struct Controller {
    name: String,
    address: Address,
    reconnect: Reconnect,
    attempt: Option<Stream>,
    link: Option<Link>,
    lost: Option<Duration>,
}

impl Controller {
    /// Of `bridge`, at `address`; connects at the first poll.
    pub fn new(bridge: &str, address: Address, now: Duration) -> Self {
        // A silent peer is probed by the OpenFlow connection itself, which knows how.
        let config = ReconnectConfig::default().backoff(BackoffConfig::default()).probe_interval(None);
        let name = format!("{bridge}<->{address}");
        Self { name, address, reconnect: Reconnect::new(config, now), attempt: None, link: None, lost: None }
    }

    /// What the database shows.
    pub fn state(&self, switch: &Switch, now: Duration) -> ControllerState {
        let ago = |at: Option<Duration>| at.map(|at| now.saturating_sub(at).as_secs());
        ControllerState {
            connected: self.link.is_some(),
            role: self.link.as_ref().and_then(|link| switch.connection_role(link.id())).map(role_name),
            state: self.reconnect.state().name(),
            since_connect: ago(self.reconnect.connected_at()),
            since_disconnect: ago(self.lost),
        }
    }

    /// Goes on connecting, reading and writing. Returns whether the switch has got anything to handle by it.
    pub fn poll(
        &mut self,
        bridge: &str,
        config: &StreamConfig,
        switch: &mut Switch,
        slept: &Sleeper,
        now: Duration,
    ) -> bool {
        let mut fed = false;
        if let Some(link) = &mut self.link {
            match link.poll(switch, slept, now) {
                Ok(received) => {
                    fed = received;
                    if received {
                        self.reconnect.received(now);
                    }
                }
                Err(error) => self.drop_link(switch, &error, now),
            }
        }
        match self.reconnect.poll(now) {
            Action::Connect => self.connect(config, now),
            Action::Disconnect => {
                self.close(switch, now);
                self.reconnect.dropped_by_us(now);
            }
            Action::Probe | Action::None => {}
        }
        self.complete(bridge, switch, now);
        self.tell();
        fed
    }

    /// What carries the connection while it stands.
    pub fn link_mut(&mut self) -> Option<&mut Link> {
        self.link.as_mut()
    }

    fn connect(&mut self, config: &StreamConfig, now: Duration) {
        self.reconnect.connecting(now);
        match Stream::connect(&self.address, config) {
            Ok(stream) => self.attempt = Some(stream),
            Err(error) => self.reconnect.failed(&error, now),
        }
    }

    fn complete(&mut self, bridge: &str, switch: &mut Switch, now: Duration) {
        let Some(mut stream) = self.attempt.take() else { return };
        match stream.poll_connect() {
            Ok(false) if self.reconnect.state() == State::Connecting => self.attempt = Some(stream),
            Ok(false) => {}
            Ok(true) => match switch.open_connection(bridge, ConnectionKind::Controller, now) {
                Ok(id) => {
                    self.reconnect.connected(now);
                    self.link = Some(Link::new(stream, id));
                }
                Err(error) => {
                    tracing::warn!(target: "connmgr", "{}: {error}", self.name);
                    self.reconnect.failed(&StreamError::Closed, now);
                }
            },
            Err(error) => self.reconnect.failed(&error, now),
        }
    }

    fn drop_link(&mut self, switch: &mut Switch, error: &StreamError, now: Duration) {
        self.close(switch, now);
        self.reconnect.failed(error, now);
    }

    /// Drops the connection; the next poll makes a new one.
    pub fn reconnect(&mut self, switch: &mut Switch, now: Duration) {
        self.close(switch, now);
        self.reconnect.force(now);
    }

    /// Drops the connection.
    pub fn close(&mut self, switch: &mut Switch, now: Duration) {
        self.attempt = None;
        if let Some(link) = self.link.take() {
            switch.close_connection(link.id(), now);
            self.lost = Some(now);
        }
    }

    /// Logs what happened, in the original's words.
    fn tell(&mut self) {
        while let Some((level, notice)) = self.reconnect.take_notice() {
            let name = &self.name;
            match level {
                NoticeLevel::Debug => tracing::debug!(target: "rconn", "{name}: {notice}"),
                NoticeLevel::Info => tracing::info!(target: "rconn", "{name}: {notice}"),
                NoticeLevel::Warn => tracing::warn!(target: "rconn", "{name}: {notice}"),
                NoticeLevel::Error => tracing::error!(target: "rconn", "{name}: {notice}"),
            }
        }
    }

    /// What to sleep on.
    pub fn waits(&self, switch: &Switch, sleeper: &mut Sleeper) {
        if let Some(link) = &self.link {
            link.waits(switch, sleeper);
        }
        if let Some(stream) = &self.attempt {
            sleeper.stream(stream.wait(false));
        }
        if let Some(at) = self.reconnect.deadline() {
            sleeper.until(at);
        }
    }
}
