//! Groups: what a bridge keeps of them, and what translation reads.
//!
//! A group never changes: a modification puts a new one in its place, so that a snapshot that has the old one goes on
//! with it. Counters are shared by nobody but the translations that go through the group.

mod choose;
mod edit;
mod table;

pub(crate) use choose::Chooser;
pub(crate) use table::{GroupIndex, Groups};

use std::sync::Arc;
use std::time::Duration;

use ovs_openflow::{Action, Bucket, GroupDesc, GroupStats, GroupType, Selection};

use crate::rule::RuleStats;
use crate::translate::execution_order;

/// A bucket, with what it has counted.
#[derive(Debug)]
pub(crate) struct BucketState {
    /// Its number within the group.
    pub id: u32,
    pub bucket: Bucket,
    /// Its actions in the order of an action set.
    pub actions: Vec<Action>,
    pub stats: Arc<RuleStats>,
}

/// A group.
#[derive(Debug)]
pub(crate) struct Group {
    pub id: u32,
    pub kind: GroupType,
    pub selection: Selection,
    pub buckets: Vec<BucketState>,
    /// How it chooses, worked out from the selection and the weights.
    pub chooser: Chooser,
    pub stats: Arc<RuleStats>,
    pub created: Duration,
}

impl Group {
    /// A group whose buckets have numbers. Its counters begin at zero.
    pub fn new(
        id: u32,
        kind: GroupType,
        selection: Selection,
        buckets: Vec<Bucket>,
        created: Duration,
    ) -> Self {
        let buckets: Vec<BucketState> = buckets
            .into_iter()
            .map(|bucket| BucketState {
                id: bucket.id.unwrap_or_default(),
                actions: execution_order(&bucket.actions),
                bucket,
                stats: Arc::default(),
            })
            .collect();
        let chooser = Chooser::of(kind, &selection, &buckets);
        Self { id, kind, selection, buckets, chooser, stats: Arc::default(), created }
    }

    /// Takes over the counters of buckets that it shares with the group that it was made of.
    pub fn keep_counters(mut self, old: &Self) -> Self {
        for state in &mut self.buckets {
            if let Some(before) = old.buckets.iter().find(|before| before.id == state.id) {
                state.stats = Arc::clone(&before.stats);
            }
        }
        self
    }

    /// As it is described to controllers.
    pub fn describe(&self) -> GroupDesc {
        GroupDesc {
            group: self.id,
            kind: self.kind,
            buckets: self.buckets.iter().map(|state| state.bucket.clone()).collect(),
            selection: self.selection.clone(),
        }
    }

    /// What it has counted; `references` is how many flows name it.
    pub fn count(&self, references: u32, now: Duration) -> GroupStats {
        let (packets, bytes) = self.stats.counts();
        GroupStats {
            group: self.id,
            references,
            packets,
            bytes,
            duration: Some(now.saturating_sub(self.created)),
            buckets: self.buckets.iter().map(|state| state.stats.counts()).collect(),
        }
    }
}
