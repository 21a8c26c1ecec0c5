//! What the adapters that wait have in common: things to be done, each asked again whenever something happened.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ovs_stream::{OsError, Wait};

use super::connection::{Connection, Event};
use super::outcome::Outcome;
use super::retry::Retry;
use super::session::Session;
use super::transaction::Transaction;

/// Why waiting for a database came to nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The time is over. (Peer, or the caller's patience.)
    #[error("timed out")]
    TimedOut,
    /// The system cannot wait. (System.)
    #[error(transparent)]
    Os(#[from] OsError),
}

/// A pair of columns by which the readers of a configuration tell that they follow it: a writer increments the one, a
/// reader that has done what the configuration says sets the other to that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover<'a> {
    /// The table, of which the first row counts.
    pub table: &'a str,
    /// What writers increment.
    pub next: &'a str,
    /// What the reader sets.
    pub current: &'a str,
}

impl Handover<'static> {
    /// What `ovs-vswitchd` does.
    pub const OPEN_VSWITCH: Self = Handover { table: "Open_vSwitch", next: "next_cfg", current: "cur_cfg" };
}

/// How many events are kept for [`Work::take_events`]; of more the oldest are dropped.
const EVENTS: usize = 1024;

/// A connection with the time, and the events that nobody has taken.
pub(super) struct Work {
    pub(super) db: Connection,
    start: Instant,
    events: VecDeque<Event>,
}

impl Work {
    pub(super) fn new(connect: impl FnOnce(Duration) -> Connection) -> Work {
        let start = Instant::now();
        Work { db: connect(start.elapsed()), start, events: VecDeque::new() }
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// When `limit` from now will be.
    pub(super) fn end(&self, limit: Option<Duration>) -> Option<Duration> {
        limit.map(|limit| self.now().saturating_add(limit))
    }

    pub(super) fn waits(&self, end: Option<Duration>) -> [Wait<'_>; 3] {
        let [a, b] = self.db.waits();
        [a, b, end.map_or(Wait::Never, Wait::At)]
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// One turn: does what can be done at once, and asks whether the task is done.
    pub(super) fn turn<T>(&mut self, task: &mut impl Task<Done = T>) -> Option<T> {
        let events = self.db.poll(self.now());
        let done = task.step(&mut self.db, &events);
        self.events.extend(events);
        let extra = self.events.len().saturating_sub(EVENTS);
        self.events.drain(..extra);
        done
    }
}

/// Something to wait for.
pub(super) trait Task {
    type Done;
    /// Goes on after `events`; gives what came of it when it is done.
    fn step(&mut self, db: &mut Connection, events: &[Event]) -> Option<Self::Done>;
}

/// Waits until a look at the session gives something.
pub(super) struct Look<F>(pub(super) F);

impl<T, F: FnMut(&Session) -> Option<T>> Task for Look<F> {
    type Done = T;
    fn step(&mut self, db: &mut Connection, _: &[Event]) -> Option<T> {
        (self.0)(db.session())
    }
}

impl<F: FnMut(&Session, &mut Transaction)> Task for Retry<F> {
    type Done = Outcome;
    fn step(&mut self, db: &mut Connection, events: &[Event]) -> Option<Outcome> {
        Retry::step(self, db, events)
    }
}

/// Sends a transaction once.
pub(super) struct Once<'a> {
    txn: &'a Transaction,
    running: Option<super::outcome::TransactionId>,
}

impl<'a> Once<'a> {
    pub(super) fn new(txn: &'a Transaction) -> Once<'a> {
        Once { txn, running: None }
    }
}

impl Task for Once<'_> {
    type Done = Outcome;
    fn step(&mut self, db: &mut Connection, events: &[Event]) -> Option<Outcome> {
        let Some(running) = self.running else {
            self.running = db.session().is_synced().then(|| db.transact(self.txn));
            return None;
        };
        events.iter().find_map(|event| match event {
            Event::Done(id, outcome) if *id == running => Some(outcome.clone()),
            _ => None,
        })
    }
}

/// Commits a change of the configuration, and waits until its reader has followed it.
pub(super) struct HandOver<'a, F> {
    handover: Handover<'a>,
    commit: Retry<F>,
    /// What came of the commit, and the number that the reader has to come to.
    committed: Option<(Outcome, i64)>,
}

impl<F: FnMut(&Session, &mut Transaction)> Task for HandOver<'_, F> {
    type Done = Outcome;
    fn step(&mut self, db: &mut Connection, events: &[Event]) -> Option<Outcome> {
        if self.committed.is_none() {
            match Retry::step(&mut self.commit, db, events)? {
                Outcome::Committed { incremented: Some(number), inserted } => {
                    let outcome = Outcome::Committed { incremented: Some(number), inserted };
                    self.committed = Some((outcome, number));
                }
                outcome => return Some(outcome),
            }
        }
        let row = db.session().first(self.handover.table)?;
        let current = row.get_int(self.handover.current);
        self.committed.take_if(|(_, number)| current >= *number).map(|(outcome, _)| outcome)
    }
}

/// Adds the increment to what `build` makes.
pub(super) fn hand_over<F: FnMut(&Session, &mut Transaction)>(
    handover: Handover<'_>,
    mut build: F,
) -> HandOver<'_, impl FnMut(&Session, &mut Transaction)> {
    let commit = Retry::new(move |session: &Session, txn: &mut Transaction| {
        build(session, txn);
        if let Some(row) = session.first(handover.table) {
            txn.increment(handover.table, row.uuid(), handover.next);
        }
    });
    HandOver { handover, commit, committed: None }
}
