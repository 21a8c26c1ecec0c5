//! Where clients come from: sockets to listen on, and addresses to connect to.

use std::time::Duration;

use ovs_stream::{
    Action, Address, BackoffConfig, ListenError, Reconnect, ReconnectConfig, Remote as RemoteAddress, Stream,
    StreamConfig, StreamError, Wait,
};

use super::connection::Connection;
use super::{Event, Listener, ListenerConfig};
use crate::server::effect::{Now, SessionId};
use crate::server::{LockCounts, SessionOptions};

/// How many connections of one remote are accepted in a turn.
const ACCEPT_BUDGET: usize = 16;

/// What an operator may say about a remote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// The longest time between attempts to connect; `None` leaves it at eight seconds.
    pub max_backoff: Option<Duration>,
    /// After how long a silence clients are probed; `Some(None)` never does, `None` leaves it to the listener.
    pub probe_interval: Option<Option<Duration>>,
    /// Nothing may be written by this remote.
    pub read_only: bool,
    /// The role of its clients; empty for none.
    pub role: String,
}

impl RemoteOptions {
    /// Sets the longest time between attempts to connect.
    pub fn max_backoff(mut self, time: Option<Duration>) -> RemoteOptions {
        self.max_backoff = time;
        self
    }

    /// Sets after how long a silence clients are probed.
    pub fn probe_interval(mut self, interval: Option<Option<Duration>>) -> RemoteOptions {
        self.probe_interval = interval;
        self
    }

    /// Sets whether nothing may be written.
    pub fn read_only(mut self, read_only: bool) -> RemoteOptions {
        self.read_only = read_only;
        self
    }

    /// Sets the role of its clients.
    pub fn role(mut self, role: impl Into<String>) -> RemoteOptions {
        self.role = role.into();
        self
    }

    pub(super) fn session(&self) -> SessionOptions {
        SessionOptions::default().read_only(self.read_only).role(self.role.clone())
    }
}

/// What there is to say about a remote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteStatus {
    /// Whether a client is connected.
    pub is_connected: bool,
    /// For a remote that is connected to: what it is at, as `ovs-vswitchd.conf.db(5)` names it.
    pub state: Option<&'static str>,
    /// Why the last attempt, or the last connection, failed.
    pub last_error: Option<String>,
    /// How long the connection has been standing.
    pub since_connect: Option<Duration>,
    /// How long ago the last connection ended.
    pub since_disconnect: Option<Duration>,
    /// How many clients are connected.
    pub connections: usize,
    /// The port that a passive TCP remote is bound to.
    pub bound_port: Option<u16>,
    /// The locks of the remote's only client.
    pub locks: LockCounts,
}

/// One remote.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) options: RemoteOptions,
    end: End,
    last_error: Option<String>,
    /// When the last connection ended.
    lost: Option<Duration>,
}

#[derive(Debug)]
enum End {
    Passive(ovs_stream::Listener),
    Active(Box<Active>),
}

/// A remote that is connected to.
#[derive(Debug)]
pub(super) struct Active {
    address: Address,
    reconnect: Reconnect,
    /// The attempt under way.
    attempt: Option<Stream>,
    /// The session over the connection that stands.
    session: Option<SessionId>,
}

impl Remote {
    pub(super) fn open(
        address: &RemoteAddress,
        options: RemoteOptions,
        config: &ListenerConfig,
        now: Duration,
    ) -> Result<Remote, ListenError> {
        let end = match address {
            RemoteAddress::Passive(address) => {
                End::Passive(ovs_stream::Listener::bind(address, &config.stream)?)
            }
            RemoteAddress::Active(address) => {
                let reconnect = Reconnect::new(reconnect_config(&options), now);
                let active = Active { address: address.clone(), reconnect, attempt: None, session: None };
                End::Active(Box::new(active))
            }
        };
        Ok(Remote { options, end, last_error: None, lost: None })
    }

    /// The address that is listened on.
    pub(super) fn bound(&self) -> Option<String> {
        if let End::Passive(listener) = &self.end { Some(listener.address().to_string()) } else { None }
    }

    /// What to sleep on.
    pub(super) fn waits(&self) -> impl Iterator<Item = Wait<'_>> {
        let waits = match &self.end {
            End::Passive(listener) => [Some(listener.wait()), None],
            End::Active(active) => [
                active.attempt.as_ref().map(|stream| stream.wait(true)),
                active.reconnect.deadline().map(Wait::At),
            ],
        };
        waits.into_iter().flatten()
    }
}

/// Probing is done by the connection, once it stands.
fn reconnect_config(options: &RemoteOptions) -> ReconnectConfig {
    let config = ReconnectConfig::default().probe_interval(None);
    match options.max_backoff {
        Some(time) => config.backoff(BackoffConfig::default().max(time)),
        None => config,
    }
}

impl Active {
    /// Goes on with connecting; gives the stream once it stands.
    fn poll(&mut self, config: &StreamConfig, now: Duration) -> Result<Option<Stream>, StreamError> {
        match self.reconnect.poll(now) {
            Action::Connect => {
                self.reconnect.connecting(now);
                self.attempt = Some(Stream::connect(&self.address, config)?);
            }
            Action::Disconnect => {
                self.attempt = None;
                self.reconnect.dropped_by_us(now);
            }
            Action::None | Action::Probe => {}
        }
        if let Some(stream) = &mut self.attempt
            && stream.poll_connect()?
        {
            self.reconnect.connected(now);
            return Ok(self.attempt.take());
        }
        Ok(None)
    }
}

impl Listener {
    /// Accepts and makes connections.
    pub(super) fn poll_remotes(&mut self, now: Now) {
        let mut streams = Vec::new();
        for (name, remote) in &mut self.remotes {
            match &mut remote.end {
                End::Passive(listener) => {
                    for _ in 0..ACCEPT_BUDGET {
                        match listener.accept() {
                            Ok(Some(stream)) => streams.push((name.clone(), stream)),
                            Ok(None) => break,
                            Err(error) => {
                                self.events.push(Event::Accept { remote: name.clone(), error });
                                break;
                            }
                        }
                    }
                }
                End::Active(active) => match active.poll(&self.config.stream, now.monotonic) {
                    Ok(stream) => streams.extend(stream.map(|stream| (name.clone(), stream))),
                    Err(error) => {
                        active.attempt = None;
                        active.reconnect.failed(&error, now.monotonic);
                        remote.last_error = Some(error.to_string());
                        self.events.push(Event::ConnectFailed { remote: name.clone(), error });
                    }
                },
            }
        }
        for (name, stream) in streams {
            let session = self.admit(stream, &name, now);
            if let Some(Remote { end: End::Active(active), .. }) = self.remotes.get_mut(&name) {
                active.session = session;
                if session.is_none() {
                    active.reconnect.failed(&StreamError::Closed, now.monotonic);
                }
            }
        }
    }

    /// Makes the remote of a connection that broke connect again.
    pub(super) fn remote_lost(&mut self, session: SessionId, connection: &Connection, now: Duration) {
        let Some(remote) = self.remotes.get_mut(&connection.remote) else { return };
        remote.lost = Some(now);
        if let End::Active(active) = &mut remote.end
            && active.session == Some(session)
        {
            active.session = None;
            active.reconnect.failed(&StreamError::Closed, now);
        }
    }

    /// Lets the clients of a remote have its new options.
    pub(super) fn apply_options(&mut self, remote: &str) {
        let Some(known) = self.remotes.get(remote) else { return };
        for (session, client) in self.connections.iter().filter(|(_, c)| c.remote == remote) {
            self.server.set_session_options(*session, client.session(&known.options));
        }
    }

    /// What there is to say about a remote; `None` if there is no such remote.
    pub fn remote_status(&self, name: &str, now: Now) -> Option<RemoteStatus> {
        let remote = self.remotes.get(name)?;
        let clients = || self.connections.iter().filter(|(_, c)| c.remote == name);
        let mut status = RemoteStatus {
            connections: clients().count(),
            last_error: remote.last_error.clone(),
            since_disconnect: remote.lost.map(|at| now.monotonic.saturating_sub(at)),
            ..RemoteStatus::default()
        };
        status.is_connected = status.connections > 0;
        if let Some((session, client)) = clients().next() {
            status.since_connect = Some(now.monotonic.saturating_sub(client.since));
            if status.connections == 1 {
                status.locks = self.server.lock_counts(*session);
            }
        }
        match &remote.end {
            End::Passive(listener) => {
                status.bound_port =
                    listener.address().to_string().split(':').nth(1).and_then(|p| p.parse().ok());
            }
            End::Active(active) => {
                status.state = Some(match (active.session, &active.attempt) {
                    (Some(_), _) => "ACTIVE",
                    (None, Some(_)) => "CONNECTING",
                    (None, None) => "BACKOFF",
                });
            }
        }
        Some(status)
    }
}
