//! The last transactions of a database, for clients that come back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::database::{Change, ChangeSet};
use crate::schema::TableId;
use crate::value::Uuid;

/// Transactions by their identifiers, the newest last.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Identifies the state before the first transaction that is kept.
    base: Uuid,
    transactions: VecDeque<(Uuid, Arc<ChangeSet>)>,
    /// How many rows the transactions change together.
    rows: usize,
    /// How many transactions are kept, and [`ROWS`] times as many rows.
    limit: usize,
}

/// How many rows a transaction may change on the average, for all of them to be kept.
const ROWS: usize = 16;

impl History {
    /// No transactions yet; the present state is `base`.
    pub(super) fn new(base: Uuid, limit: usize) -> History {
        History { base, transactions: VecDeque::new(), rows: 0, limit }
    }

    /// Forgets everything; the present state is `base`.
    pub(super) fn restart(&mut self, base: Uuid) {
        *self = History::new(base, self.limit);
    }

    /// Identifies the present state.
    pub(super) fn last(&self) -> Uuid {
        self.transactions.back().map_or(self.base, |(id, _)| *id)
    }

    /// Adds the transaction that leads to the state `id`.
    pub(super) fn push(&mut self, id: Uuid, changes: Arc<ChangeSet>) {
        self.rows += changes.len();
        self.transactions.push_back((id, changes));
        while self.transactions.len() > self.limit || self.rows > self.limit.saturating_mul(ROWS) {
            let Some((id, changes)) = self.transactions.pop_front() else { return };
            self.rows -= changes.len();
            self.base = id;
        }
    }

    /// What changed since the state `id`, each row once; `None` if that is not known any more.
    pub(super) fn since(&self, id: Uuid) -> Option<ChangeSet> {
        let skip = if id == self.base {
            0
        } else {
            1 + self.transactions.iter().position(|(state, _)| *state == id)?
        };
        let mut rows: BTreeMap<(TableId, Uuid), Change> = BTreeMap::new();
        for change in self.transactions.iter().skip(skip).flat_map(|(_, changes)| changes.iter()) {
            rows.entry((change.table, change.uuid))
                .and_modify(|row| row.new.clone_from(&change.new))
                .or_insert_with(|| change.clone());
        }
        let real = |change: &Change| change.old.is_some() || change.new.is_some();
        Some(ChangeSet::new(rows.into_values().filter(real).collect()))
    }
}
