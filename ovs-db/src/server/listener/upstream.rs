//! Connections to the servers that this one follows.

use std::time::Duration;

use ovs_stream::{
    Action, Address, BackoffConfig, Reconnect, ReconnectConfig, State, StreamConfig, StreamError, Wait,
};

use super::{Event, Listener};
use crate::client::{Connector, StreamConnector, Transport, TransportError};
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::server::ServerError;
use crate::server::effect::{CloseReason, DatabaseId, Effect, Now, SessionId};
use crate::server::replica::{Excluded, Replica, ReplicaError};

/// How many messages of one source are handled in a turn.
const BUDGET: usize = 64;

/// Whose backup a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupConfig {
    /// The active server.
    pub source: Address,
    /// Tables, each with its database, that are not followed.
    pub excluded: Excluded,
    /// After how long a silence the active server is probed; `None` never does.
    pub probe_interval: Option<Duration>,
    /// The longest wait between attempts to connect, if not the usual one.
    pub max_backoff: Option<Duration>,
}

impl BackupConfig {
    /// A backup of everything at `source`, probed after a minute's silence.
    pub fn new(source: Address) -> BackupConfig {
        let probe_interval = Some(Duration::from_mins(1));
        BackupConfig { source, excluded: Excluded::new(), probe_interval, max_backoff: None }
    }

    /// Sets which tables, each with its database, are not followed.
    pub fn excluded(mut self, tables: Excluded) -> BackupConfig {
        self.excluded = tables;
        self
    }

    /// Sets the longest wait between attempts to connect.
    pub fn max_backoff(mut self, time: Option<Duration>) -> BackupConfig {
        self.max_backoff = time;
        self
    }

    /// Sets after how long a silence the active server is probed.
    pub fn probe_interval(mut self, interval: Option<Duration>) -> BackupConfig {
        self.probe_interval = interval;
        self
    }
}

/// What a relay's database is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelayConfig {
    /// Where its server may be reached: one address after the other is tried.
    pub sources: Vec<Address>,
    /// After how long a silence the server is probed; `None` never does.
    pub probe_interval: Option<Duration>,
    /// The longest wait between attempts to connect, if not the usual one.
    pub max_backoff: Option<Duration>,
}

impl RelayConfig {
    /// A relay of what is at any of `sources`, probed as is usual.
    pub fn new(sources: Vec<Address>) -> RelayConfig {
        let probe_interval = ReconnectConfig::default().probe_interval;
        RelayConfig { sources, probe_interval, max_backoff: None }
    }

    /// Sets after how long a silence the server is probed.
    pub fn probe_interval(mut self, interval: Option<Duration>) -> RelayConfig {
        self.probe_interval = interval;
        self
    }

    /// Sets the longest wait between attempts to connect.
    pub fn max_backoff(mut self, time: Option<Duration>) -> RelayConfig {
        self.max_backoff = time;
        self
    }
}

fn reconnect(probe_interval: Option<Duration>, max_backoff: Option<Duration>) -> ReconnectConfig {
    let config = ReconnectConfig::default().probe_interval(probe_interval);
    match max_backoff {
        Some(time) => config.backoff(BackoffConfig::default().max(time)),
        None => config,
    }
}

/// How following another server goes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpstreamStatus {
    /// The other server.
    pub source: String,
    /// The databases whose contents are the other's; none while it is being connected to.
    pub following: Vec<String>,
    /// Tables that are not followed.
    pub excluded: Excluded,
    /// Why following failed the last time, unless it goes well now.
    pub error: Option<ReplicaError>,
}

/// A server that is followed, perhaps reached by one of several addresses.
pub(super) struct Upstream {
    connectors: Vec<Box<dyn Connector>>,
    current: usize,
    transport: Option<Box<dyn Transport>>,
    up: bool,
    more: bool,
    fsm: Reconnect,
    probe: Option<Duration>,
    replica: Replica,
    error: Option<ReplicaError>,
}

impl Upstream {
    fn new(
        sources: Vec<Address>,
        replica: Replica,
        config: ReconnectConfig,
        streams: &StreamConfig,
        now: Duration,
    ) -> Upstream {
        let connector = |a| Box::new(StreamConnector::new(a, streams.clone())) as Box<dyn Connector>;
        let connectors: Vec<_> = sources.into_iter().map(connector).collect();
        Upstream {
            current: connectors.len().saturating_sub(1),
            connectors,
            transport: None,
            up: false,
            more: false,
            probe: config.probe_interval,
            fsm: Reconnect::new(config, now),
            replica,
            error: None,
        }
    }

    fn source(&self) -> String {
        self.connectors.get(self.current).map(|connector| connector.name()).unwrap_or_default()
    }

    pub(super) fn waits(&self) -> impl Iterator<Item = Wait<'_>> {
        let transport = match &self.transport {
            _ if self.more => Some(Wait::Ready),
            Some(transport) => Some(transport.wait()),
            None => None,
        };
        let timer = if self.connectors.is_empty() { None } else { self.fsm.deadline().map(Wait::At) };
        transport.into_iter().chain(timer)
    }
}

/// What a turn with a source came to.
enum Broken {
    Transport(TransportError),
    Replica(ReplicaError),
}

impl From<TransportError> for Broken {
    fn from(error: TransportError) -> Broken {
        Broken::Transport(error)
    }
}

impl From<ReplicaError> for Broken {
    fn from(error: ReplicaError) -> Broken {
        Broken::Replica(error)
    }
}

/// The name of the backup's upstream: no database has it.
const BACKUP: &str = "";

impl Listener {
    /// Makes this server another one's backup: nobody can write to it, and its databases follow the other's. `None`
    /// makes it an active server again. Either way clients have to connect again.
    pub fn set_backup(&mut self, config: Option<BackupConfig>, now: Now) {
        let was = self.drop_upstream(BACKUP);
        self.server.set_backup(config.is_some());
        let is = config.is_some();
        if let Some(config) = config {
            let replica = Replica::backup(None, config.excluded);
            let (streams, at) = (&self.config.stream, now.monotonic);
            let fsm = reconnect(config.probe_interval, config.max_backoff);
            let upstream = Upstream::new(vec![config.source], replica, fsm, streams, at);
            self.upstreams.insert(BACKUP.to_owned(), upstream);
        }
        if was || is {
            self.reconnect(now);
        }
    }

    /// Makes one database another server's backup, whatever the others are: nobody can write to it here. `None` makes it
    /// active again. Either way clients that do not expect such a change have to connect again.
    pub fn set_database_backup(
        &mut self,
        database: &str,
        config: Option<BackupConfig>,
        now: Now,
    ) -> Result<(), ServerError> {
        self.server.set_database_backup(database, config.is_some())?;
        self.drop_upstream(database);
        if let Some(config) = config {
            let replica = Replica::backup(Some(database.to_owned()), config.excluded);
            let (streams, at) = (&self.config.stream, now.monotonic);
            let fsm = reconnect(config.probe_interval, config.max_backoff);
            let upstream = Upstream::new(vec![config.source], replica, fsm, streams, at);
            self.upstreams.insert(database.to_owned(), upstream);
        }
        let effects = self.server.close_unaware(CloseReason::RoleChanged);
        self.carry_out(effects);
        self.settle(now);
        Ok(())
    }

    /// Serves `database` as a relay in front of a server.
    pub fn add_relay(
        &mut self,
        database: &str,
        config: RelayConfig,
        now: Now,
    ) -> Result<DatabaseId, ServerError> {
        let (id, effects) = self.server.add_relay(database, now)?;
        self.carry_out(effects);
        let RelayConfig { sources, probe_interval, max_backoff } = config;
        let fsm = reconnect(probe_interval, max_backoff);
        let (streams, at) = (&self.config.stream, now.monotonic);
        let upstream = Upstream::new(sources, Replica::relay(database), fsm, streams, at);
        self.upstreams.insert(database.to_owned(), upstream);
        self.settle(now);
        Ok(id)
    }

    /// How being a backup goes; `None` if this is an active server.
    pub fn backup_status(&self) -> Option<UpstreamStatus> {
        self.upstream_status(BACKUP)
    }

    /// How following the source of a relay's database goes; `None` if it is no relay's.
    pub fn relay_status(&self, database: &str) -> Option<UpstreamStatus> {
        let is_relay = self.upstreams.get(database).is_some_and(|upstream| upstream.replica.is_relay());
        self.upstream_status(database).filter(|_| is_relay)
    }

    /// How following the active server of one database goes; `None` if it is not a backup by itself.
    pub fn database_backup_status(&self, database: &str) -> Option<UpstreamStatus> {
        let is_relay = self.upstreams.get(database).is_some_and(|upstream| upstream.replica.is_relay());
        self.upstream_status(database).filter(|_| database != BACKUP && !is_relay)
    }

    fn upstream_status(&self, name: &str) -> Option<UpstreamStatus> {
        let upstream = self.upstreams.get(name)?;
        Some(UpstreamStatus {
            source: upstream.source(),
            following: upstream.replica.following().iter().cloned().collect(),
            excluded: upstream.replica.excluded(),
            error: upstream.error.clone(),
        })
    }

    /// Ends following; true if there was something to end.
    pub(super) fn drop_upstream(&mut self, name: &str) -> bool {
        let Some(mut upstream) = self.upstreams.remove(name) else { return false };
        let effects = upstream.replica.disconnected(&mut self.server);
        self.carry_out(effects);
        true
    }

    /// Hands a transaction on to the source of a relay's database.
    pub(super) fn forward(
        &mut self,
        database: DatabaseId,
        session: SessionId,
        id: Json,
        params: Vec<Json>,
    ) -> Option<Effect> {
        let name = self.server.database(database)?.schema().name().to_owned();
        match self.upstreams.get_mut(&name) {
            Some(upstream) => {
                upstream.more = true;
                upstream.replica.forward(session, id, params)
            }
            None => Some(Effect::Send { session, message: Message::error("canceled", id) }),
        }
    }

    /// Gives each source its turn.
    pub(super) fn poll_upstreams(&mut self, now: Now) {
        for name in self.upstreams.keys().cloned().collect::<Vec<_>>() {
            // Taken out, as what comes of it goes to this listener.
            let Some(mut upstream) = self.upstreams.remove(&name) else { continue };
            self.upstream_turn(&mut upstream, now);
            while let Some((level, notice)) = upstream.fsm.take_notice() {
                self.events.push(Event::Upstream { server: upstream.source(), level, notice });
            }
            self.upstreams.insert(name, upstream);
        }
    }

    fn upstream_turn(&mut self, upstream: &mut Upstream, now: Now) {
        if let Err(broken) = self.run_upstream(upstream, now) {
            self.lose_upstream(upstream, broken, now);
        }
        let asked =
            if upstream.connectors.is_empty() { Action::None } else { upstream.fsm.poll(now.monotonic) };
        match asked {
            Action::Connect => {
                upstream.current = (upstream.current + 1) % upstream.connectors.len().max(1);
                let Some(connector) = upstream.connectors.get_mut(upstream.current) else { return };
                upstream.fsm.set_probe_interval(upstream.probe.filter(|_| connector.wants_probes()));
                let attempt = connector.connect();
                upstream.fsm.connecting(now.monotonic);
                match attempt {
                    Ok(transport) => {
                        upstream.transport = Some(transport);
                        upstream.more = true;
                    }
                    Err(error) => self.lose_upstream(upstream, Broken::Transport(error), now),
                }
            }
            Action::Disconnect => {
                self.end_upstream(upstream);
                upstream.fsm.dropped_by_us(now.monotonic);
            }
            Action::Probe => {
                let probe = Message::request("echo", Vec::new(), "echo");
                if let Some(Err(error)) = upstream.transport.as_mut().map(|transport| transport.send(&probe))
                {
                    self.lose_upstream(upstream, Broken::Transport(error), now);
                }
            }
            Action::None => {}
        }
    }

    fn run_upstream(&mut self, upstream: &mut Upstream, now: Now) -> Result<(), Broken> {
        upstream.more = false;
        let Some(transport) = &mut upstream.transport else { return Ok(()) };
        if !upstream.up {
            if !transport.poll_connect()? {
                return Ok(());
            }
            upstream.up = true;
            upstream.fsm.connected(now.monotonic);
            upstream.replica.connected();
        }
        let mut budget = BUDGET;
        while let Some(message) = transport.receive()? {
            upstream.fsm.received(now.monotonic);
            let effects = upstream.replica.receive(message, &mut self.server, now)?;
            self.carry_out(effects);
            budget -= 1;
            if budget == 0 {
                upstream.more = true;
                break;
            }
        }
        if !upstream.replica.following().is_empty() {
            upstream.error = None;
        }
        for message in upstream.replica.take_output() {
            transport.send(&message)?;
        }
        Ok(transport.flush()?)
    }

    fn lose_upstream(&mut self, upstream: &mut Upstream, broken: Broken, now: Now) {
        self.end_upstream(upstream);
        let error = match broken {
            Broken::Transport(TransportError::Stream(error)) => error,
            Broken::Transport(error) => {
                self.events.push(Event::UpstreamGarbage { server: upstream.source(), error });
                StreamError::Closed
            }
            Broken::Replica(error) => {
                // Said once, until something else is wrong.
                if upstream.error.as_ref() != Some(&error) {
                    self.events.push(Event::Replica { server: upstream.source(), error: error.clone() });
                }
                upstream.error = Some(error);
                StreamError::Closed
            }
        };
        if upstream.fsm.state() != State::Void {
            upstream.fsm.failed(&error, now.monotonic);
        }
    }

    fn end_upstream(&mut self, upstream: &mut Upstream) {
        upstream.transport = None;
        upstream.up = false;
        let effects = upstream.replica.disconnected(&mut self.server);
        self.carry_out(effects);
    }
}
