//! What a change makes of a group's buckets.

use std::collections::BTreeSet;

use ovs_openflow::{Bucket, GroupMod, GroupModCommand, OfError};

use super::{BucketState, Group};

/// Checks the numbers of buckets: none twice, none reserved.
pub(super) fn check_ids(ids: impl Iterator<Item = u32>) -> Result<(), OfError> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if id > Bucket::MAX_ID {
            return Err(OfError::GmfcBadBucket);
        }
        if !seen.insert(id) {
            return Err(OfError::GmfcBucketExists);
        }
    }
    Ok(())
}

/// The numbers that a change's buckets have.
pub(super) fn ids(change: &GroupMod) -> impl Iterator<Item = u32> {
    change.buckets.iter().filter_map(|bucket| bucket.id)
}

/// Gives numbers to buckets that have none: the lowest that are free.
pub(super) fn number(buckets: &mut [Bucket]) {
    let taken: BTreeSet<u32> = buckets.iter().filter_map(|bucket| bucket.id).collect();
    let mut free = (0..).filter(|id| !taken.contains(id));
    for bucket in buckets {
        bucket.id = bucket.id.or_else(|| free.next());
    }
}

impl Group {
    /// The buckets after an insertion or removal.
    pub(super) fn edited(&self, change: &GroupMod) -> Result<Vec<Bucket>, OfError> {
        let mut buckets: Vec<Bucket> = self.buckets.iter().map(|state| state.bucket.clone()).collect();
        if change.command == GroupModCommand::InsertBucket {
            let at = match change.command_bucket {
                GroupMod::BUCKET_FIRST => 0,
                GroupMod::BUCKET_LAST => buckets.len(),
                id => self.place(id)? + 1,
            };
            check_ids(self.buckets.iter().map(|state| state.id).chain(ids(change)))?;
            buckets.splice(at..at, change.buckets.iter().cloned());
            return Ok(buckets);
        }
        match change.command_bucket {
            GroupMod::BUCKET_ALL => buckets.clear(),
            // Nothing is taken from a group that has nothing.
            GroupMod::BUCKET_FIRST => drop(buckets.drain(..buckets.len().min(1))),
            GroupMod::BUCKET_LAST => drop(buckets.pop()),
            id => drop(buckets.remove(self.place(id)?)),
        }
        Ok(buckets)
    }

    fn place(&self, id: u32) -> Result<usize, OfError> {
        let found = self.buckets.iter().position(|state: &BucketState| state.id == id);
        found.ok_or(OfError::GmfcUnknownBucket)
    }
}
