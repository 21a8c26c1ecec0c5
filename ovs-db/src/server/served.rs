//! One database with its commits under way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::effect::SessionId;
use super::history::History;
use super::monitor::{View, Views};
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
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// A transaction whose record is being written.
    Commit {
        ticket: Ticket,
        stored: bool,
        /// Who gets the reply, if anybody.
        to: Option<(SessionId, Json)>,
        results: Vec<Json>,
        changes: Arc<ChangeSet>,
    },
    /// A transaction that has no record, and its reply.
    Unrecorded { to: Option<(SessionId, Json)>, results: Vec<Json>, changes: Arc<ChangeSet> },
    /// A database that is being converted to another schema, and who is told.
    Convert { ticket: Ticket, stored: bool, to: Option<(SessionId, Json)>, converted: Box<Database> },
}

/// A database that is served.
#[derive(Clone, Debug)]
pub(super) struct Served {
    /// The newest state, with what is pending.
    pub(super) db: Database,
    /// Whether transactions are written to a journal.
    pub(super) stored: bool,
    /// Transactions that write are handed on to another server.
    pub(super) relay: bool,
    /// It follows another server's, and nobody may write.
    pub(super) backup: bool,
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
    /// The rewriting of the journal that is under way.
    pub(super) compacting: Option<Ticket>,
    /// Bytes appended to the journal since it was last rewritten, or opened.
    pub(super) appended: u64,
    /// The length that it had then.
    pub(super) base_size: u64,
    /// What its monitors want to see.
    pub(super) views: Views,
}

impl Served {
    pub(super) fn new(db: Database, stored: bool, mut uuids: UuidSource, history: usize) -> Served {
        let base = uuids.generate();
        Served {
            db,
            stored,
            relay: false,
            backup: false,
            read_only: None,
            uuids,
            history: History::new(base, history),
            pending: VecDeque::new(),
            held: VecDeque::new(),
            waiting: Vec::new(),
            retry: false,
            retrying: false,
            next_ticket: 0,
            compacting: None,
            appended: 0,
            base_size: 0,
            views: Views::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.db.schema().name()
    }

    /// True while something is pending that nobody may see yet.
    pub(super) fn is_busy(&self) -> bool {
        !self.pending.is_empty()
    }

    /// True if the journal has grown enough to be worth rewriting: by `limit`, and to twice what it was.
    pub(super) fn has_grown(&self, limit: u64) -> bool {
        self.stored && self.compacting.is_none() && self.appended >= limit.max(self.base_size)
    }

    /// The text of all rows that `view` sees now.
    pub(super) fn initial(&mut self, view: &Arc<View>) -> Arc<String> {
        let state = self.history.last();
        self.views.initial(view, &self.db, state)
    }

    /// Begins a new history: clients that come back get everything.
    pub(super) fn forget_history(&mut self) {
        let base = self.uuids.generate();
        self.history.restart(base);
        self.views = Views::default();
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    pub(super) fn begin_replace(&mut self) -> Ticket {
        self.appended = 0;
        let ticket = self.ticket();
        self.compacting = Some(ticket);
        ticket
    }

    /// Notes that a write is done.
    pub(super) fn mark(&mut self, done: Ticket) {
        for pending in &mut self.pending {
            if let Pending::Commit { ticket, stored, .. } | Pending::Convert { ticket, stored, .. } = pending
            {
                *stored |= *ticket == done;
            }
        }
    }

    /// Takes the oldest pending thing off, if it may be seen now.
    pub(super) fn take_ready(&mut self) -> Option<Pending> {
        match self.pending.front()? {
            Pending::Commit { stored: false, .. } | Pending::Convert { stored: false, .. } => None,
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
