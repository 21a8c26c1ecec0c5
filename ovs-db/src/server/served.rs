//! One database with its commits under way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::effect::SessionId;
use super::history::History;
use crate::database::{ChangeSet, Database};
use crate::json::Json;
use crate::jsonrpc::Message;
use crate::storage::Ticket;
use crate::value::UuidSource;

/// A transaction that came and has no reply yet.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) session: SessionId,
    pub(super) id: Json,
    pub(super) operations: Arc<[Json]>,
    /// When it came.
    pub(super) since: Duration,
    /// How long it may wait; known once it waits.
    pub(super) timeout: Option<Duration>,
}

/// Something that must not be seen before the writes ahead of it are done.
#[derive(Debug)]
pub(super) enum Pending {
    /// A transaction whose record is being written.
    Commit {
        ticket: Ticket,
        stored: bool,
        session: SessionId,
        id: Json,
        results: Vec<Json>,
        changes: Arc<ChangeSet>,
    },
    /// A transaction that has no record, and its reply.
    Unrecorded { session: SessionId, id: Json, results: Vec<Json>, changes: Arc<ChangeSet> },
    /// A journal that is being replaced.
    Replace { ticket: Ticket, stored: bool },
}

/// A database that is served.
#[derive(Debug)]
pub(super) struct Served {
    /// The newest state, with what is pending.
    pub(super) db: Database,
    /// Whether transactions are written to a journal.
    pub(super) stored: bool,
    /// Why it cannot be changed, if so.
    pub(super) read_only: Option<String>,
    pub(super) uuids: UuidSource,
    pub(super) history: History,
    pub(super) pending: VecDeque<Pending>,
    /// Messages that must see a state in which nothing is pending, and what came behind them.
    pub(super) held: VecDeque<(SessionId, Message)>,
    /// Transactions whose `wait` is not true yet.
    pub(super) waiting: Vec<Request>,
    /// The waiting transactions are to be executed again.
    pub(super) retry: bool,
    /// That is being done.
    pub(super) retrying: bool,
    next_ticket: u64,
    /// Bytes appended to the journal since it was last rewritten, or opened.
    pub(super) appended: u64,
}

impl Served {
    pub(super) fn new(db: Database, stored: bool, mut uuids: UuidSource, history: usize) -> Served {
        let base = uuids.generate();
        Served {
            db,
            stored,
            read_only: None,
            uuids,
            history: History::new(base, history),
            pending: VecDeque::new(),
            held: VecDeque::new(),
            waiting: Vec::new(),
            retry: false,
            retrying: false,
            next_ticket: 0,
            appended: 0,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.db.schema().name()
    }

    /// True while writes are under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    pub(super) fn begin_replace(&mut self) -> Ticket {
        self.appended = 0;
        let ticket = self.ticket();
        self.pending.push_back(Pending::Replace { ticket, stored: false });
        ticket
    }

    /// Notes that a write is done.
    pub(super) fn mark(&mut self, done: Ticket) {
        for pending in &mut self.pending {
            if let Pending::Commit { ticket, stored, .. } | Pending::Replace { ticket, stored } = pending {
                *stored |= *ticket == done;
            }
        }
    }

    /// Takes the oldest pending thing off, if it may be seen now.
    pub(super) fn take_ready(&mut self) -> Option<Pending> {
        match self.pending.front()? {
            Pending::Commit { stored: false, .. } | Pending::Replace { stored: false, .. } => None,
            _ => self.pending.pop_front(),
        }
    }

    /// Drops what a session waits for. What it committed stays.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.waiting.retain(|request| request.session != session);
        self.held.retain(|(owner, _)| *owner != session);
    }

    /// When the first waiting transaction times out.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let ends = self.waiting.iter().filter_map(|r| Some(r.since.saturating_add(r.timeout?)));
        ends.min()
    }
}
