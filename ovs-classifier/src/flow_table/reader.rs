//! Reading a flow table from any thread.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ovs_flow::{FlowKey, Match};

use super::buckets::{Buckets, Slots, flow_at};
use super::masks::{MaskList, TableMask};
use super::{Flow, FlowId};
use crate::classifier::tuple_mask::words_of;
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard, Link};

/// What the writer and the readers share.
pub(super) struct Shared<V: Send + Sync + 'static> {
    pub(super) domain: Domain,
    pub(super) hash: WordHash,
    pub(super) slots: Slots<V>,
    pub(super) buckets: Link<Buckets>,
    pub(super) masks: MaskList,
}

impl<V: Send + Sync + 'static> Shared<V> {
    pub(super) fn check(&self, guard: &Guard<'_>) {
        assert!(guard.is_of(&self.domain), "a guard of another domain");
    }

    /// The flow with an id.
    #[inline]
    pub(super) fn get<'g>(&'g self, id: FlowId, guard: &'g Guard<'_>) -> Option<&'g Flow<V>> {
        flow_at(&self.slots, id.slot, guard).filter(|flow| flow.id == id && flow.is_present())
    }

    /// The flow of just this mask whose values `key` has.
    pub(super) fn under<'g>(
        &'g self,
        mask: &TableMask,
        key: &FlowKey,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Flow<V>> {
        let buckets = self.buckets.load(guard)?;
        let hash = mask.hash(key, self.hash);
        buckets.chain(buckets.bucket_of(hash), &self.slots, guard).find(|flow| {
            flow.hash == hash
                && core::ptr::eq(&raw const *flow.mask, mask)
                && flow.is_present()
                && mask.matches(flow.values(), |at| key.words()[at])
        })
    }
}

/// A handle to read a flow table by; all of its methods panic if the guard belongs to another domain.
pub struct FlowTableReader<V: Send + Sync + 'static> {
    pub(super) shared: Arc<Shared<V>>,
}

impl<V: Send + Sync + 'static> FlowTableReader<V> {
    /// The flow with an id, if it is still there.
    pub fn get<'g>(&'g self, id: FlowId, guard: &'g Guard<'_>) -> Option<&'g Flow<V>> {
        self.shared.check(guard);
        self.shared.get(id, guard)
    }

    /// A flow that matches a key: of several, one in the mask that is first in the list.
    pub fn lookup<'g>(&'g self, key: &FlowKey, guard: &'g Guard<'_>) -> Option<&'g Flow<V>> {
        self.shared.check(guard);
        self.shared.masks.iter(guard).find_map(|mask| self.shared.under(mask, key, guard))
    }

    /// The flow of just this match.
    pub fn find<'g>(&'g self, matching: &Match, guard: &'g Guard<'_>) -> Option<&'g Flow<V>> {
        self.shared.check(guard);
        let mut words = Vec::new();
        words_of(&matching.mask, &mut words);
        let mask = self.shared.masks.iter(guard).find(|mask| mask.has_words(&words))?;
        self.shared.under(mask, &matching.key, guard)
    }

    /// Calls `f` with up to `max` flows from `cursor` on, in the order of their slots. Returns where to go
    /// on, `None` at the end. Begin with 0. Flows that are there all the while come once each.
    pub fn dump(
        &self,
        cursor: u32,
        max: usize,
        guard: &Guard<'_>,
        mut f: impl FnMut(&Flow<V>),
    ) -> Option<u32> {
        self.shared.check(guard);
        let mut left = max;
        let slots = &self.shared.slots;
        let mut slot = cursor as usize;
        while slot < slots.capacity() {
            if left == 0 {
                return Some(slot as u32);
            }
            let Some(link) = slots.get(slot) else {
                slot = (slot / slots.part_len() + 1) * slots.part_len();
                continue;
            };
            if let Some(flow) = link.load(guard).filter(|flow| flow.is_present()) {
                f(flow);
                left -= 1;
            }
            slot += 1;
        }
        None
    }
}

impl<V: Send + Sync + 'static> Clone for FlowTableReader<V> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<V: Send + Sync + 'static> fmt::Debug for FlowTableReader<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowTableReader").finish_non_exhaustive()
    }
}
