//! Buckets: chains of slots by hash.

use core::sync::atomic::{AtomicU32, Ordering};

use super::Flow;
use crate::flex_array::FlexArray;
use crate::rcu::{Guard, Link};

/// The end of a chain.
pub(super) const END: u32 = u32::MAX;

/// Where flows stand.
pub(super) type Slots<V> = FlexArray<Link<Flow<V>>>;

/// The flow in a slot, also one that was removed but may still be stood on.
#[inline]
pub(super) fn flow_at<'g, V>(slots: &'g Slots<V>, slot: u32, guard: &'g Guard<'_>) -> Option<&'g Flow<V>> {
    slots.get(slot as usize)?.load(guard)
}

/// One set of buckets. Which of a flow's two links it uses is its generation.
pub(super) struct Buckets {
    heads: FlexArray<Head>,
    last: usize,
    generation: usize,
}

struct Head(AtomicU32);

impl Default for Head {
    fn default() -> Self {
        Self(AtomicU32::new(END))
    }
}

impl Buckets {
    /// This many buckets, a power of two, for one of the two generations.
    pub(super) fn new(count: usize, generation: usize) -> Self {
        Self { heads: FlexArray::with_capacity(count), last: count - 1, generation }
    }

    pub(super) fn len(&self) -> usize {
        self.last + 1
    }

    pub(super) fn generation(&self) -> usize {
        self.generation
    }

    pub(super) fn bucket_of(&self, hash: u64) -> usize {
        hash as usize & self.last
    }

    /// The chain of a bucket.
    #[inline]
    pub(super) fn chain<'g, V>(
        &'g self,
        bucket: usize,
        slots: &'g Slots<V>,
        guard: &'g Guard<'_>,
    ) -> impl Iterator<Item = &'g Flow<V>> {
        let mut at = self.heads.get(bucket).map_or(END, |head| head.0.load(Ordering::Acquire));
        core::iter::from_fn(move || {
            let flow = flow_at(slots, at, guard)?;
            at = flow.links[self.generation].load(Ordering::Acquire);
            Some(flow)
        })
    }

    /// Puts a flow at the head of its chain.
    pub(super) fn link<V>(&self, flow: &Flow<V>) {
        let Some(head) = self.heads.get_or_make(self.bucket_of(flow.hash)) else { return };
        flow.links[self.generation].store(head.0.load(Ordering::Relaxed), Ordering::Release);
        head.0.store(flow.id.slot, Ordering::Release);
    }

    /// Takes a flow out of its chain; its own link stays for who stands on it.
    pub(super) fn unlink<V>(&self, flow: &Flow<V>, slots: &Slots<V>, guard: &Guard<'_>) {
        let bucket = self.bucket_of(flow.hash);
        let next = flow.links[self.generation].load(Ordering::Relaxed);
        let Some(head) = self.heads.get(bucket) else { return };
        if head.0.load(Ordering::Relaxed) == flow.id.slot {
            head.0.store(next, Ordering::Release);
            return;
        }
        let is_before = |f: &&Flow<V>| f.links[self.generation].load(Ordering::Relaxed) == flow.id.slot;
        if let Some(before) = self.chain(bucket, slots, guard).find(is_before) {
            before.links[self.generation].store(next, Ordering::Release);
        }
    }
}
