//! Writing a flow table.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering;

use ovs_flow::Match;

use super::buckets::{Buckets, Slots, flow_at};
use super::masks::{MaskList, MaskUsers};
use super::reader::Shared;
use super::{Flow, FlowId, FlowStats, FlowTableReader};
use crate::arch::{prefetch, prefetch_rest};
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard, Link, Stamp};

/// Seed and limits of a [`FlowTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowTableConfig {
    /// Secret from which the keys of the hash derive.
    pub seed: [u64; 2],
    /// The most flows.
    pub max_flows: usize,
    /// The most different masks.
    pub max_masks: usize,
}

impl Default for FlowTableConfig {
    fn default() -> Self {
        Self { seed: [0; 2], max_flows: 1 << 20, max_masks: 1 << 16 }
    }
}

impl FlowTableConfig {
    /// With this seed.
    pub fn seed(mut self, seed: [u64; 2]) -> Self {
        self.seed = seed;
        self
    }

    /// With at most this many flows (no more than 2^31).
    pub fn max_flows(mut self, flows: usize) -> Self {
        self.max_flows = flows;
        self
    }

    /// With at most this many masks.
    pub fn max_masks(mut self, masks: usize) -> Self {
        self.max_masks = masks;
        self
    }
}

/// Why a flow is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowTableError {
    /// There is a flow of the same match.
    #[error("the flow exists")]
    Exists(FlowId),
    /// There are as many flows as the configuration allows.
    #[error("the flow table is full: {limit} flows")]
    Full {
        /// [`FlowTableConfig::max_flows`]
        limit: usize,
    },
    /// Too many flows were removed while a reader has not left: no slot can be used again yet.
    #[error("all slots of the flow table wait for a reader")]
    Waiting,
    /// The flow's mask would be one more than the configuration allows.
    #[error("the flow table has {limit} different masks already")]
    TooManyMasks {
        /// [`FlowTableConfig::max_masks`]
        limit: usize,
    },
}

/// Flows by masked key, written by its owner; see the module's head. Methods panic if the guard belongs to
/// another domain.
pub struct FlowTable<V: Send + Sync + 'static> {
    config: FlowTableConfig,
    shared: Arc<Shared<V>>,
    masks: MaskUsers,
    live: usize,
    next_slot: u32,
    next_serial: u32,
    free: Vec<u32>,
    /// Removed flows on which readers may stand, by the time of their removal.
    leaving: VecDeque<(Stamp, u32)>,
    growth: Growth,
    countdown: u32,
}

/// Where the table is in growing.
enum Growth {
    /// Buckets changed at this time: the other generation's links may still be read.
    Settling(Stamp),
    /// The other generation is free.
    Idle,
    /// These buckets have the flows of the old buckets below `moved`.
    Moving { fresh: Arc<Buckets>, moved: usize },
}

const FIRST_BUCKETS: usize = 64;
/// Buckets moved with each insertion: all are moved long before the table has doubled again.
const MOVES: usize = 4;
/// Insertions and removals between two looks at what readers have left.
const TIDY_EVERY: u32 = 32;

impl<V: Send + Sync + 'static> FlowTable<V> {
    /// An empty table whose readers enter `domain`.
    pub fn new(domain: &Domain, config: FlowTableConfig) -> Self {
        let slots = config.max_flows.min(1 << 31);
        let shared = Shared {
            domain: domain.clone(),
            hash: WordHash::new(config.seed),
            slots: Slots::with_capacity(slots + slots / 4 + 64),
            buckets: Link::new(Some(Arc::new(Buckets::new(FIRST_BUCKETS, 0)))),
            masks: MaskList::new(config.max_masks),
        };
        Self {
            config,
            shared: Arc::new(shared),
            masks: MaskUsers::default(),
            live: 0,
            next_slot: 0,
            next_serial: 0,
            free: Vec::new(),
            leaving: VecDeque::new(),
            growth: Growth::Idle,
            countdown: TIDY_EVERY,
        }
    }

    /// A handle for other threads.
    pub fn reader(&self) -> FlowTableReader<V> {
        FlowTableReader { shared: Arc::clone(&self.shared) }
    }

    /// Flows.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Different masks.
    pub fn masks(&self) -> usize {
        self.masks.len()
    }

    /// Adds a flow, with counters that begin at `stats`.
    pub fn insert(
        &mut self,
        matching: &Match,
        value: V,
        stats: FlowStats,
        guard: &Guard<'_>,
    ) -> Result<FlowId, FlowTableError> {
        if let Some(flow) = self.find(matching, guard) {
            return Err(FlowTableError::Exists(flow.id));
        }
        self.insert_new(matching, value, stats, guard)
    }

    /// [`FlowTable::insert`] for a caller who knows, by an index of its own, that there is no flow of the same match: this
    /// is not looked up. If there is one, both are in the table.
    pub fn insert_new(
        &mut self,
        matching: &Match,
        value: V,
        stats: FlowStats,
        guard: &Guard<'_>,
    ) -> Result<FlowId, FlowTableError> {
        if self.live >= self.config.max_flows {
            return Err(FlowTableError::Full { limit: self.config.max_flows });
        }
        self.pass_time(guard);
        let slot = self.take_slot().ok_or(FlowTableError::Waiting)?;
        let Shared { domain, masks, hash, .. } = &*self.shared;
        let Some(mask) = self.masks.take(&matching.mask, masks, domain) else {
            self.free.push(slot);
            return Err(FlowTableError::TooManyMasks { limit: self.config.max_masks });
        };
        let id = FlowId { slot, serial: self.next_serial };
        self.next_serial = self.next_serial.wrapping_add(1);
        let flow = Arc::new(Flow::new(id, mask, &matching.key, *hash, stats, value));
        self.place(&flow, guard);
        self.live += 1;
        self.grow(guard);
        Ok(id)
    }

    /// A slot whose part is there.
    fn take_slot(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        self.shared.slots.get_or_make(self.next_slot as usize)?;
        self.next_slot += 1;
        Some(self.next_slot - 1)
    }

    /// Makes a flow known: in its slot first, then in the chains.
    fn place(&self, flow: &Arc<Flow<V>>, guard: &Guard<'_>) {
        let Shared { domain, slots, buckets, .. } = &*self.shared;
        if let Some(link) = slots.get(flow.id.slot as usize) {
            link.replace(Some(Arc::clone(flow)), domain);
        }
        let Some(buckets) = buckets.load(guard) else { return };
        buckets.link(&**flow);
        if let Growth::Moving { fresh, moved } = &self.growth
            && buckets.bucket_of(flow.hash) < *moved
        {
            fresh.link(&**flow);
        }
    }

    /// Removes a flow. Says whether it was there. Its value is dropped on the control side, when no reader of
    /// now is left, after a later insertion, removal or [`FlowTable::tidy`] has seen that.
    pub fn remove(&mut self, id: FlowId, guard: &Guard<'_>) -> bool {
        let shared = Arc::clone(&self.shared);
        shared.check(guard);
        let Some(flow) = shared.get(id, guard) else { return false };
        flow.removed.store(true, Ordering::Release);
        if let Some(buckets) = shared.buckets.load(guard) {
            buckets.unlink(flow, &shared.slots, guard);
            if let Growth::Moving { fresh, moved } = &self.growth
                && buckets.bucket_of(flow.hash) < *moved
            {
                fresh.unlink(flow, &shared.slots, guard);
            }
        }
        self.masks.give_back(&flow.mask, &shared.masks, &shared.domain);
        self.leaving.push_back((shared.domain.stamp(), id.slot));
        self.live -= 1;
        self.pass_time(guard);
        true
    }

    /// The flow with an id.
    #[inline]
    pub fn get<'g>(&'g self, id: FlowId, guard: &'g Guard<'_>) -> Option<&'g Flow<V>> {
        self.shared.check(guard);
        self.shared.get(id, guard)
    }

    /// Begins to fetch flows that are asked for soon: the slots of all, then what stands in them.
    pub fn prefetch(&self, ids: impl Iterator<Item = FlowId> + Clone, guard: &Guard<'_>) {
        self.shared.check(guard);
        let slots = ids.filter_map(|id| self.shared.slots.get(id.slot as usize));
        slots.clone().for_each(prefetch);
        for flow in slots.filter_map(|slot| slot.load(guard)) {
            prefetch(flow);
            prefetch_rest(flow);
        }
    }

    /// The flow of just this match.
    pub fn find<'g>(&'g self, matching: &Match, guard: &'g Guard<'_>) -> Option<&'g Flow<V>> {
        self.shared.check(guard);
        self.shared.under(self.masks.get(&matching.mask)?, &matching.key, guard)
    }

    /// Begins a new set of buckets: as many as the flows need, chained anew bit by bit if they are kept; at once
    /// and without flows if not.
    pub fn rebuild(&mut self, keep_flows: bool, guard: &Guard<'_>) {
        self.shared.check(guard);
        if keep_flows {
            if self.can_move() {
                let count = self.live.next_power_of_two().max(FIRST_BUCKETS);
                self.begin_move(count, guard);
            }
            return;
        }
        let ids: Vec<FlowId> = (0..self.next_slot)
            .filter_map(|slot| flow_at(&self.shared.slots, slot, guard))
            .filter(|flow| flow.is_present())
            .map(|flow| flow.id)
            .collect();
        for id in ids {
            self.remove(id, guard);
        }
    }

    /// Takes the slots of up to `max` removed flows that no reader can stand on any more, and hands their values to
    /// the domain; says how many. Inserting and removing do this now and then too.
    pub fn tidy(&mut self, max: usize) -> usize {
        let Shared { domain, slots, .. } = &*self.shared;
        if self.leaving.is_empty() && !matches!(self.growth, Growth::Settling(_)) {
            return 0;
        }
        let oldest = domain.oldest_stamp();
        if matches!(self.growth, Growth::Settling(since) if since < oldest) {
            self.growth = Growth::Idle;
        }
        let mut done = 0;
        while done < max
            && let Some((_, slot)) = self.leaving.pop_front_if(|(since, _)| *since < oldest)
        {
            if let Some(link) = slots.get(slot as usize) {
                link.replace(None, domain);
            }
            self.free.push(slot);
            done += 1;
        }
        done
    }

    fn pass_time(&mut self, guard: &Guard<'_>) {
        self.shared.check(guard);
        self.countdown -= 1;
        if self.countdown == 0 {
            self.countdown = TIDY_EVERY;
            self.tidy(2 * TIDY_EVERY as usize);
        }
    }

    fn can_move(&self) -> bool {
        matches!(self.growth, Growth::Idle)
    }

    fn begin_move(&mut self, count: usize, guard: &Guard<'_>) {
        if let Some(old) = self.shared.buckets.load(guard) {
            let fresh = Arc::new(Buckets::new(count, 1 - old.generation()));
            self.growth = Growth::Moving { fresh, moved: 0 };
        }
    }

    /// Goes on growing, or begins to.
    fn grow(&mut self, guard: &Guard<'_>) {
        let shared = Arc::clone(&self.shared);
        let Some(old) = shared.buckets.load(guard) else { return };
        if self.live > old.len() && self.can_move() {
            self.begin_move(old.len() * 2, guard);
        }
        let Growth::Moving { fresh, moved } = &mut self.growth else { return };
        let end = (*moved + MOVES).min(old.len());
        for bucket in *moved..end {
            for flow in old.chain(bucket, &shared.slots, guard) {
                fresh.link(flow);
            }
        }
        *moved = end;
        if end == old.len() {
            let fresh = Arc::clone(fresh);
            shared.buckets.replace(Some(fresh), &shared.domain);
            self.growth = Growth::Settling(shared.domain.stamp());
        }
    }
}

impl<V: Send + Sync + 'static> fmt::Debug for FlowTable<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowTable")
            .field("flows", &self.live)
            .field("masks", &self.masks())
            .finish_non_exhaustive()
    }
}
