//! What has changed since the dependents were marked last.

use std::collections::{BTreeMap, BTreeSet};

use ovs_flow::{Match, TableId};

use super::Revalidator;
use crate::snapshot::BridgeId;
use crate::translate::Dep;

/// Matches of one table that are compared one by one; with more, all its dependents are marked.
const MATCHES: usize = 64;

/// One change.
#[derive(Debug)]
pub(crate) enum Change {
    /// A rule with this match came, went or got other actions.
    Rule { bridge: BridgeId, table: TableId, matching: Box<Match> },
    /// An address of a MAC table is elsewhere.
    Mac { bridge: BridgeId, key: u64 },
    /// A group came, went or got other buckets.
    Group { bridge: BridgeId, group: u32 },
    /// A meter came or went.
    Meter { bridge: BridgeId, meter: u32 },
    /// A neighbour is known by another address, or not any more.
    Neighbor(u64),
    /// The configuration.
    Everything,
}

/// Matches that changed in one table; `None` for too many to tell apart.
type Matches = Option<Vec<Box<Match>>>;

/// Changes that have not been worked on.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    rules: BTreeMap<(BridgeId, TableId), Matches>,
    macs: BTreeSet<(BridgeId, u64)>,
    /// Groups, meters, neighbours.
    named: BTreeSet<Dep>,
    everything: bool,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.macs.is_empty() && self.named.is_empty() && !self.everything
    }

    pub fn note(&mut self, change: Change) {
        match change {
            Change::Rule { bridge, table, matching } => {
                let matches = self.rules.entry((bridge, table)).or_insert_with(|| Some(Vec::new()));
                match matches {
                    Some(list) if list.len() < MATCHES => list.push(matching),
                    _ => *matches = None,
                }
            }
            Change::Mac { bridge, key } => {
                self.macs.insert((bridge, key));
            }
            Change::Group { bridge, group } => {
                self.named.insert(Dep::Group(bridge, group));
            }
            Change::Meter { bridge, meter } => {
                self.named.insert(Dep::Meter(bridge, meter));
            }
            Change::Neighbor(key) => {
                self.named.insert(Dep::Neighbor(key));
            }
            Change::Everything => self.everything = true,
        }
    }

    /// Whether another rule of this table need not be told in detail.
    pub fn is_wide(&self, bridge: BridgeId, table: TableId) -> bool {
        matches!(self.rules.get(&(bridge, table)), Some(None))
    }
}

impl Revalidator {
    /// Marks the dependents of all changes noted so far.
    pub fn mark_dependents(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        let changes = std::mem::take(&mut self.changes);
        let mut marked = Vec::new();
        if changes.everything {
            marked.extend(self.index.ufids());
        }
        for (bridge, key) in &changes.macs {
            marked.extend(self.index.dependents(Dep::Mac(*bridge, *key)));
        }
        for dep in &changes.named {
            marked.extend(self.index.dependents(*dep));
        }
        for ((bridge, table), matches) in &changes.rules {
            marked.extend(self.index.dependents(Dep::ChangedKey(*bridge, *table)));
            let direct = self.index.dependents(Dep::Table(*bridge, *table));
            match matches {
                None => marked.extend(direct),
                Some(matches) => marked.extend(direct.filter(|ufid| {
                    self.index
                        .get(ufid)
                        .is_some_and(|flow| matches.iter().any(|matching| flow.meets(matching)))
                })),
            }
        }
        for ufid in marked {
            self.mark(ufid);
        }
    }
}
