//! The client for programs that may wait.

use std::time::Duration;

use ovs_stream::{Address, StreamConfig, sleep};

use super::config::SessionConfig;
use super::connection::{Connection, Event};
use super::outcome::Outcome;
use super::retry::Retry;
use super::session::Session;
use super::transaction::Transaction;
use super::transport::Connector;
use super::work::{ClientError, Handover, Look, Once, Task, Work, hand_over};

/// A client whose calls wait: for a snapshot, for the outcome of a transaction, for anything that the snapshot may show.
///
/// It works only inside its calls: between them the snapshot stands still, and a server that probes gets no answer. Every
/// call takes the longest time to wait, `None` for ever; while it waits, it reconnects as needed.
///
/// ```no_run
/// use std::time::Duration;
/// use ovs_db::client::{BlockingClient, Handover, Outcome, SessionConfig};
/// use ovs_stream::{Address, Role, StreamConfig};
///
/// let config = SessionConfig::new("Open_vSwitch")
///     .table("Open_vSwitch", ["bridges", "next_cfg", "cur_cfg"])
///     .table("Bridge", ["name", "other_config"]);
/// let remote = Address::parse("unix:/var/run/openvswitch/db.sock", Role::Ovsdb)?;
/// let mut db = BlockingClient::new(config, vec![remote], &StreamConfig::default());
/// let limit = Some(Duration::from_secs(5));
/// db.sync(limit)?;
/// let outcome = db.commit_and_wait(Handover::OPEN_VSWITCH, limit, |session, txn| {
///     for bridge in session.rows("Bridge").values() {
///         txn.verify(bridge, "other_config");
///         txn.set(bridge, "other_config", ovs_db::value::Datum::empty_map());
///     }
/// })?;
/// assert!(matches!(outcome, Outcome::Committed { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BlockingClient {
    work: Work,
}

impl BlockingClient {
    /// A client of any of `remotes`, tried in turn. The first connection is begun by the first call that waits.
    pub fn new(config: SessionConfig, remotes: Vec<Address>, streams: &StreamConfig) -> Self {
        BlockingClient { work: Work::new(|now| Connection::new(config, remotes, streams, now)) }
    }

    /// A client over transports that the given connectors make, tried in turn.
    pub fn with_connectors(config: SessionConfig, connectors: Vec<Box<dyn Connector>>) -> Self {
        BlockingClient { work: Work::new(|now| Connection::with_connectors(config, connectors, now)) }
    }

    /// The session: snapshot, schema, lock.
    pub fn session(&self) -> &Session {
        self.work.db.session()
    }

    /// The connection: conditions, locks, changes.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.work.db
    }

    /// What happened since this was last asked (of very much, the latest). The outcomes of transactions and all notices are
    /// there too.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.work.take_events()
    }

    /// Takes in what has come, without waiting.
    pub fn poll(&mut self) {
        self.work.turn(&mut Look(|_: &Session| None::<()>));
    }

    /// Waits until the snapshot is complete and follows a server.
    pub fn sync(&mut self, limit: Option<Duration>) -> Result<(), ClientError> {
        self.wait_for(limit, |session| session.is_synced().then_some(()))
    }

    /// Waits until a look at the session gives something.
    pub fn wait_for<T>(
        &mut self,
        limit: Option<Duration>,
        look: impl FnMut(&Session) -> Option<T>,
    ) -> Result<T, ClientError> {
        self.run(Look(look), limit)
    }

    /// Waits until the snapshot is for the conditions as of the numbered change; see [`Session::set_condition`].
    pub fn wait_for_conditions(&mut self, change: u64, limit: Option<Duration>) -> Result<(), ClientError> {
        self.wait_for(limit, |session| session.conditions_met(change).then_some(()))
    }

    /// Waits until the lock that the configuration wants is held.
    pub fn wait_for_lock(&mut self, limit: Option<Duration>) -> Result<(), ClientError> {
        self.wait_for(limit, |session| (session.is_synced() && session.has_lock()).then_some(()))
    }

    /// Sends a transaction once there is a snapshot, and waits for its outcome. After [`ClientError::TimedOut`] it may still be
    /// carried out.
    pub fn commit(&mut self, txn: &Transaction, limit: Option<Duration>) -> Result<Outcome, ClientError> {
        self.run(Once::new(txn), limit)
    }

    /// Builds a transaction from the snapshot and sends it, again and again from a newer snapshot while its outcome is
    /// [`Outcome::TryAgain`].
    pub fn commit_with(
        &mut self,
        limit: Option<Duration>,
        build: impl FnMut(&Session, &mut Transaction),
    ) -> Result<Outcome, ClientError> {
        self.run(Retry::new(build), limit)
    }

    /// As [`commit_with`](Self::commit_with), and then waits until whoever acts on the database has followed the change.
    pub fn commit_and_wait(
        &mut self,
        handover: Handover<'_>,
        limit: Option<Duration>,
        build: impl FnMut(&Session, &mut Transaction),
    ) -> Result<Outcome, ClientError> {
        self.run(hand_over(handover, build), limit)
    }

    fn run<T>(&mut self, mut task: impl Task<Done = T>, limit: Option<Duration>) -> Result<T, ClientError> {
        let end = self.work.end(limit);
        loop {
            if let Some(done) = self.work.turn(&mut task) {
                return Ok(done);
            }
            let now = self.work.now();
            if end.is_some_and(|end| end <= now) {
                return Err(ClientError::TimedOut);
            }
            sleep(&self.work.waits(end), now, None)?;
        }
    }
}
