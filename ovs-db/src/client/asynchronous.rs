//! The client for programs on tokio.

use std::os::fd::BorrowedFd;
use std::task::Poll;
use std::time::Duration;

use ovs_stream::{Address, Interest as Readiness, OsError, StreamConfig, Wait};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::config::SessionConfig;
use super::connection::{Connection, Event};
use super::outcome::Outcome;
use super::retry::Retry;
use super::session::Session;
use super::transaction::Transaction;
use super::transport::Connector;
use super::work::{ClientError, Handover, Look, Once, Task, Work, hand_over};

/// A client whose calls wait as futures of tokio (feature `tokio`; the runtime needs `enable_io` and `enable_time`).
///
/// It is the twin of [`BlockingClient`](super::BlockingClient), and like it works only while one of its futures is polled.
/// Dropping a future gives up waiting; a transaction that was sent may still be carried out.
pub struct AsyncClient {
    work: Work,
}

impl AsyncClient {
    /// A client of any of `remotes`, tried in turn. The first connection is begun by the first call that waits.
    pub fn new(config: SessionConfig, remotes: Vec<Address>, streams: &StreamConfig) -> Self {
        AsyncClient { work: Work::new(|now| Connection::new(config, remotes, streams, now)) }
    }

    /// A client over transports that the given connectors make, tried in turn.
    pub fn with_connectors(config: SessionConfig, connectors: Vec<Box<dyn Connector>>) -> Self {
        AsyncClient { work: Work::new(|now| Connection::with_connectors(config, connectors, now)) }
    }

    /// The session: snapshot, schema, lock.
    pub fn session(&self) -> &Session {
        self.work.db.session()
    }

    /// The connection: conditions, locks, changes.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.work.db
    }

    /// What happened since this was last asked (of very much, the latest).
    pub fn take_events(&mut self) -> Vec<Event> {
        self.work.take_events()
    }

    /// Waits until the snapshot is complete and follows a server.
    pub async fn sync(&mut self, limit: Option<Duration>) -> Result<(), ClientError> {
        self.wait_for(limit, |session| session.is_synced().then_some(())).await
    }

    /// Waits until the snapshot is not as it was at `seqno` ([`Snapshot::seqno`](super::Snapshot::seqno)).
    pub async fn changed(&mut self, seqno: u64, limit: Option<Duration>) -> Result<u64, ClientError> {
        let newer = |session: &Session| Some(session.snapshot().seqno()).filter(|now| *now != seqno);
        self.wait_for(limit, newer).await
    }

    /// Waits until a look at the session gives something.
    pub async fn wait_for<T>(
        &mut self,
        limit: Option<Duration>,
        look: impl FnMut(&Session) -> Option<T>,
    ) -> Result<T, ClientError> {
        self.run(Look(look), limit).await
    }

    /// Sends a transaction once there is a snapshot, and waits for its outcome.
    pub async fn commit(
        &mut self,
        txn: &Transaction,
        limit: Option<Duration>,
    ) -> Result<Outcome, ClientError> {
        self.run(Once::new(txn), limit).await
    }

    /// Builds a transaction from the snapshot and sends it, again and again from a newer snapshot while its outcome is
    /// [`Outcome::TryAgain`].
    pub async fn commit_with(
        &mut self,
        limit: Option<Duration>,
        build: impl FnMut(&Session, &mut Transaction),
    ) -> Result<Outcome, ClientError> {
        self.run(Retry::new(build), limit).await
    }

    /// As [`commit_with`](Self::commit_with), and then waits until whoever acts on the database has followed the change.
    pub async fn commit_and_wait(
        &mut self,
        handover: Handover<'_>,
        limit: Option<Duration>,
        build: impl FnMut(&Session, &mut Transaction),
    ) -> Result<Outcome, ClientError> {
        self.run(hand_over(handover, build), limit).await
    }

    async fn run<T>(
        &mut self,
        mut task: impl Task<Done = T>,
        limit: Option<Duration>,
    ) -> Result<T, ClientError> {
        let end = self.work.end(limit);
        loop {
            if let Some(done) = self.work.turn(&mut task) {
                return Ok(done);
            }
            let now = self.work.now();
            if end.is_some_and(|end| end <= now) {
                return Err(ClientError::TimedOut);
            }
            wait(self.work.waits(end), now).await?;
        }
    }
}

/// Sleeps until one of `waits` is due. One of them at most is for a descriptor.
async fn wait(waits: [Wait<'_>; 3], now: Duration) -> Result<(), OsError> {
    let mut timeout: Option<Duration> = None;
    let mut ready = None;
    for wait in waits {
        match wait {
            Wait::Ready => {
                // A turn is bounded, but turns after one another must not keep other tasks away.
                yield_once().await;
                return Ok(());
            }
            Wait::Fd(fd, readiness) => {
                let interest = match readiness {
                    Readiness::Read => Interest::READABLE,
                    Readiness::Write => Interest::WRITABLE,
                    Readiness::Both => Interest::READABLE | Interest::WRITABLE,
                };
                ready = Some((register(fd, interest)?, interest));
            }
            Wait::At(at) => {
                let left = at.saturating_sub(now);
                timeout = Some(timeout.map_or(left, |t| t.min(left)));
            }
            Wait::Never => {}
        }
    }
    let readiness = async {
        match &ready {
            Some((fd, interest)) => fd.ready(*interest).await.map(|_| ()),
            None => std::future::pending().await,
        }
    };
    match timeout {
        // That the time is over is as good a reason to look as any.
        Some(timeout) => match tokio::time::timeout(timeout, readiness).await {
            Ok(result) => result.map_err(|e| os_error(&e)),
            Err(_) => Ok(()),
        },
        None => readiness.await.map_err(|e| os_error(&e)),
    }
}

/// Registers a descriptor for one wait. A new registration tells what is ready already, so nothing is missed.
#[expect(
    deprecated,
    reason = "its unsafe successor asks that the descriptor stays open while registered, as a BorrowedFd does"
)]
fn register(fd: BorrowedFd<'_>, interest: Interest) -> Result<AsyncFd<BorrowedFd<'_>>, OsError> {
    AsyncFd::with_interest(fd, interest).map_err(|e| os_error(&e))
}

/// Lets the runtime's other tasks have a turn.
async fn yield_once() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn os_error(error: &std::io::Error) -> OsError {
    rustix::io::Errno::from_io_error(error).unwrap_or(rustix::io::Errno::IO).into()
}
