//! Keeping megaflows right: which there are, what each depends on, and translating them again after changes.
//!
//! ```text
//!   upcall ─▶ register ─▶ index: megaflow ◀─▶ what it depends on
//!                                             │ rules, addresses, ports change: dependents are dirty
//!                                             ▼
//!                         translate again ─▶ same: keep · other actions: modify · other bits: delete
//!   sweep (slow): counters ─▶ rules, ports, MAC refresh; idle ones are deleted
//! ```
//!
//! Counters are pushed before a megaflow's list of what it counts for changes, so that each packet counts for
//! the rules that forwarded it.

mod changes;
mod flow;
mod index;
mod pass;
mod sweep;

pub(crate) use sweep::Aging;

pub(crate) use changes::{Change, Changes};
pub(crate) use flow::Megaflow;
pub(crate) use index::Index;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use ovs_dpif::{FlowCursor, Ticket};
use ovs_flow::Ufid;

/// What is under way in the datapath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    Modify(Ufid),
    Delete(Ufid),
}

/// Counters of the revalidator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RevalidatorStats {
    pub kept: u64,
    pub modified: u64,
    pub deleted: u64,
    pub expired: u64,
    pub average: usize,
    pub most: usize,
    pub sweep_duration: Duration,
    /// How many megaflows the sweep has shown that it can look after.
    pub adapted_limit: usize,
}

impl Default for RevalidatorStats {
    fn default() -> Self {
        Self {
            kept: 0,
            modified: 0,
            deleted: 0,
            expired: 0,
            average: 0,
            most: 0,
            sweep_duration: Duration::ZERO,
            adapted_limit: 10_000,
        }
    }
}

impl RevalidatorStats {
    /// A sweep over `flows` megaflows has ended. One that was quick allows more of them, one that was slow fewer.
    pub fn swept(&mut self, flows: usize, duration: Duration) {
        self.most = self.most.max(flows);
        self.average = self.average.midpoint(flows);
        self.sweep_duration = duration;
        let millis = duration.as_millis().max(1) as usize;
        if millis > 2000 {
            self.adapted_limit /= millis / 1000;
        } else if millis > 1300 {
            self.adapted_limit = self.adapted_limit * 3 / 4;
        } else if millis < 1000 && self.adapted_limit < flows.saturating_mul(1000) / millis {
            self.adapted_limit += 1000;
        }
        self.adapted_limit = self.adapted_limit.max(1000);
    }
}

/// The megaflows, and what is to be done about them.
#[derive(Debug, Default)]
pub(crate) struct Revalidator {
    pub index: Index,
    /// To be translated again, in order.
    pub dirty: VecDeque<Ufid>,
    pub queued: BTreeSet<Ufid>,
    pub changes: Changes,
    pub pending: BTreeMap<Ticket, Pending>,
    pub sweep: Sweep,
    pub stats: RevalidatorStats,
}

/// Where the slow pass over all megaflows stands.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    pub cursor: Option<FlowCursor>,
    pub next: Duration,
    pub began: Duration,
    /// Counts passes.
    pub round: u64,
}

impl Revalidator {
    /// Marks a megaflow to be translated again.
    pub fn mark(&mut self, ufid: Ufid) {
        if self.queued.insert(ufid) {
            self.dirty.push_back(ufid);
        }
    }

    /// Marks all megaflows to be deleted.
    pub fn doom_all(&mut self) {
        let all: Vec<Ufid> = self.index.ufids().collect();
        for ufid in all {
            if let Some(flow) = self.index.get_mut(&ufid) {
                flow.doomed = true;
            }
            self.mark(ufid);
        }
    }

    /// Whether nothing is left to be done about changes so far.
    pub fn settled(&self) -> bool {
        self.dirty.is_empty() && self.changes.is_empty() && self.pending.is_empty()
    }
}
