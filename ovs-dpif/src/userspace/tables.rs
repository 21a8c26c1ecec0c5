//! The megaflows of one worker: what it looks up in, and the view that the control side reads.
//!
//! ```text
//!   key ─▶ hash ─▶ ExactMatchCache ──┐
//!             miss └▶ MegaflowIndex ─┴─▶ FlowId ─▶ FlowTable ─▶ identity, actions, counters
//!                                                     ▲
//!                    TableView (control side) ────────┘ under a guard
//! ```
//!
//! Cache and index are the worker's alone. The table is read by others too; what is taken out of it is
//! dropped by the control side, never here.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::Arc;

use ovs_classifier::rcu::{Cell, Domain, Guard};
use ovs_classifier::{
    Arch, CacheConfig, ExactMatchCache, Flow, FlowId, FlowTable, FlowTableConfig, FlowTableReader, MatchPlan,
    MegaflowConfig, MegaflowError, MegaflowIndex,
};
use ovs_flow::hash::HashKey;
use ovs_flow::{FlowKey, FlowMask, Match, SparseKey, Ufid};
use ovs_packet::BATCH_MAX;

use super::fate::Fate;
use crate::{Actions, DpifError, FlowPut, FlowStats, FlowView, PutMode, UserspaceConfig, WorkerId};

/// A megaflow in the table.
pub(super) type Megaflow = Flow<Entry>;

/// What a megaflow is beside its match and its counters.
pub(super) struct Entry {
    pub ufid: Ufid,
    actions: Cell<Actions>,
}

impl Entry {
    pub fn actions<'g>(&'g self, guard: &'g Guard<'_>) -> &'g Actions {
        self.actions.load(guard)
    }
}

/// The worker's side.
pub(super) struct Tables {
    domain: Domain,
    table: FlowTable<Entry>,
    index: MegaflowIndex<FlowId>,
    cache: ExactMatchCache<FlowId>,
    hash: HashKey,
    hashes: [u64; BATCH_MAX],
    by_ufid: HashMap<Ufid, FlowId, ahash::RandomState>,
    recent: Recent,
    /// Packets that the cache answered.
    pub cache_hits: u64,
    /// Packets of batches that were all like the batch before.
    pub alike_hits: u64,
    /// Packets looked up in the present window, and those of them that the cache did not know.
    window: (usize, usize),
}

/// Packets after which it is judged whether the cache is large enough.
const WINDOW: usize = 1 << 16;
/// It is if fewer than one in so many of them missed it.
const MISSED: usize = 32;

/// Megaflows that the table can take at all; the limit that is asked for can change, this cannot.
const MOST_FLOWS: usize = 1 << 20;

impl Tables {
    /// Empty tables whose hashes are keyed by the configuration's seed.
    pub fn new(config: &UserspaceConfig, worker: WorkerId, domain: &Domain) -> (Self, TableView) {
        let seed = [config.seed, u64::from(worker.0) + 1];
        let most = MOST_FLOWS.max(config.flow_limit as usize);
        let table = FlowTable::new(domain, FlowTableConfig::default().seed(seed).max_flows(most));
        let view = TableView { reader: table.reader() };
        let arch = Arch::detect();
        let index = MegaflowConfig::default().seed(seed).max_flows(most).arch(arch);
        let cache = CacheConfig::default()
            .entries(config.cache_entries)
            .insert_one_in(config.cache_insert_one_in)
            .arch(arch)
            .seed(config.seed);
        let [a, b] = seed.map(|word| word ^ 0x6f76_732d_6470_6966);
        let tables = Self {
            domain: domain.clone(),
            table,
            index: MegaflowIndex::new(index),
            cache: ExactMatchCache::new(cache),
            hash: HashKey::from_seed(config.seed ^ seed[1] << 32),
            hashes: [0; BATCH_MAX],
            by_ufid: HashMap::with_hasher(ahash::RandomState::with_seeds(a, b, seed[0], seed[1])),
            recent: Recent { ids: [None; RECENT], count: 0 },
            cache_hits: 0,
            alike_hits: 0,
            window: (0, 0),
        };
        (tables, view)
    }

    /// Megaflows held.
    pub fn flows(&self) -> usize {
        self.table.len()
    }

    /// Different masks held.
    pub fn masks(&self) -> usize {
        self.table.masks()
    }

    /// Hash tables of the index that lookups have probed.
    pub fn probes(&self) -> u64 {
        self.index.probes()
    }

    /// Whether all keys of a batch match one megaflow: that which the whole batch before has hit, say. Megaflows that
    /// a packet matches have the same actions, so whichever is found is right, and nothing need be hashed.
    #[inline]
    pub fn all_match(&mut self, keys: &[SparseKey], flow: FlowId, guard: &Guard<'_>) -> bool {
        let alike = self.table.get(flow, guard).is_some_and(|flow| flow.matches_all(keys));
        self.alike_hits += if alike { keys.len() as u64 } else { 0 };
        alike
    }

    /// Looks up a batch of keys, of which there are at most [`BATCH_MAX`].
    #[inline]
    pub fn lookup(&mut self, keys: &[SparseKey], found: &mut [Option<FlowId>], guard: &Guard<'_>) {
        let count = keys.len().min(BATCH_MAX);
        for (hash, key) in self.hashes.iter_mut().zip(keys) {
            *hash = self.hash.sparse(key);
        }
        self.cache.lookup_batch(&self.hashes[..count], found);
        self.cache.see(&self.hashes[..count]);
        self.table.prefetch(found[..count].iter().flatten().copied(), guard);
        let mut missed = [0; BATCH_MAX];
        let mut misses = 0;
        let mut plan = MatchPlan::default();
        for index in 0..count {
            // The cache may remember a megaflow that is gone, or, by its hash alone, one that is another's.
            let flow = found[index].and_then(|flow| self.table.get(flow, guard));
            if flow.is_some_and(|flow| flow.matches_by(&keys[index], &mut plan)) {
                self.cache_hits += 1;
            } else {
                missed[misses] = index;
                misses += 1;
            }
        }
        self.window = (self.window.0 + count, self.window.1 + misses);
        if misses > 0 {
            self.search(keys, &missed[..misses], found);
            self.table.prefetch(missed[..misses].iter().filter_map(|index| found[*index]), guard);
        }
    }

    /// Lets the cache grow if packets miss it that it could know. Keys that come once and go do not make it grow.
    fn fit_cache(&mut self) {
        let (packets, missed) = self.window;
        if packets < WINDOW {
            return;
        }
        self.window = (0, 0);
        if missed * MISSED >= packets { self.cache.adapt() } else { self.cache.suffices() }
    }

    /// Looks up the keys that the cache does not know.
    fn search(&mut self, keys: &[SparseKey], missed: &[usize], found: &mut [Option<FlowId>]) {
        let mut asked = [&keys[0]; BATCH_MAX];
        for (place, index) in asked.iter_mut().zip(missed) {
            *place = &keys[*index];
        }
        let mut flows = [None; BATCH_MAX];
        self.index.lookup_batch(&asked[..missed.len()], &mut flows);
        for (index, flow) in missed.iter().zip(flows) {
            found[*index] = flow;
            if let Some(flow) = flow {
                self.cache.insert(self.hashes[*index], flow);
            }
        }
    }

    /// The megaflow that a lookup has found.
    #[inline]
    pub fn get<'g>(&'g self, flow: FlowId, guard: &'g Guard<'_>) -> Option<&'g Megaflow> {
        self.table.get(flow, guard)
    }

    /// Adds the megaflow that an upcall asks for. Beyond the budget of masks it may get a wider mask than it
    /// asks for, which is still right.
    pub fn install(
        &mut self,
        ufid: Ufid,
        key: &FlowKey,
        mask: &FlowMask,
        actions: Actions,
        guard: &Guard<'_>,
    ) -> Result<(), DpifError> {
        let mask = self.index.admit(key, mask);
        self.add(ufid, &Match::new(key, mask), actions, guard)
    }

    fn add(
        &mut self,
        ufid: Ufid,
        matching: &Match,
        actions: Actions,
        guard: &Guard<'_>,
    ) -> Result<(), DpifError> {
        let Self { domain, table, index, by_ufid, recent, .. } = self;
        let Place::Vacant(place) = by_ufid.entry(ufid) else { return Err(DpifError::FlowExists) };
        let (mark, mut made) = (Fate::of(&actions).mark_of(&matching.mask), None);
        let added = index.insert_with(matching, || {
            let entry = Entry { ufid, actions: Cell::new(domain, Arc::new(actions)) };
            let none = ovs_classifier::FlowStats::default();
            // The index has the same megaflows, and has just not found it.
            let id = table.insert_new(matching, entry, none, guard).map_err(|_| NoRoom)?;
            made = Some(id);
            Ok(id)
        });
        match (added, made) {
            (Ok(None), Some(id)) => {
                if let Some(flow) = table.get(id, guard) {
                    flow.set_mark(mark);
                }
                place.insert(id);
                recent.push(id);
                Ok(())
            }
            (Ok(_), _) => Err(DpifError::FlowExists),
            (Err(NoRoom), made) => {
                if let Some(id) = made {
                    table.remove(id, guard);
                }
                Err(DpifError::FlowLimit)
            }
        }
    }

    /// How many megaflows have been added so far, modulo 2^32: packets do not wait for so many.
    pub fn added(&self) -> u32 {
        self.recent.count as u32
    }

    /// Looks a key up again that no megaflow matched when so many had been added.
    pub fn look_up_again(&mut self, key: &SparseKey, added: u32, guard: &Guard<'_>) -> Option<FlowId> {
        if let Some(recent) = self.recent.since(added) {
            let mut plan = MatchPlan::default();
            return recent
                .filter_map(|id| self.table.get(id, guard))
                .find(|flow| flow.matches_by(key, &mut plan))
                .map(Megaflow::id);
        }
        let mut found = [None];
        self.lookup(std::slice::from_ref(key), &mut found, guard);
        found[0]
    }

    /// Puts a flow as the control side asks; gives the counters of a flow that was changed.
    pub fn put(
        &mut self,
        ufid: Ufid,
        put: FlowPut,
        limit: usize,
        guard: &Guard<'_>,
    ) -> Result<Option<FlowStats>, DpifError> {
        let found = self.by_ufid.get(&ufid).and_then(|id| self.table.get(*id, guard));
        match (found, put.mode) {
            (Some(_), PutMode::Create) => Err(DpifError::FlowExists),
            (None, PutMode::Modify) => Err(DpifError::NoFlow),
            (None, _) if self.table.len() >= limit => Err(DpifError::FlowLimit),
            (None, _) => self.add(ufid, &Match::new(&put.key, *put.mask), put.actions, guard).map(|()| None),
            (Some(flow), _) => {
                flow.set_mark(Fate::of(&put.actions).mark_after(flow.mark()));
                flow.value().actions.replace(Arc::new(put.actions));
                Ok(Some(stats(flow)))
            }
        }
    }

    /// Removes a flow and gives its counters.
    pub fn remove(&mut self, ufid: Ufid, guard: &Guard<'_>) -> Option<FlowStats> {
        let id = self.by_ufid.remove(&ufid)?;
        let flow = self.table.get(id, guard)?;
        let (matching, stats) = (flow.to_match(), stats(flow));
        self.index.remove(&matching);
        self.table.remove(id, guard);
        Some(stats)
    }

    /// Identities of up to `max` flows, from `cursor` on; moves it on, and sets it to `None` at the end.
    pub fn some(&self, cursor: &mut Option<u32>, max: usize, guard: &Guard<'_>) -> Vec<Ufid> {
        let mut ufids = Vec::new();
        if let Some(at) = *cursor {
            *cursor = self.table.reader().dump(at, max, guard, |flow| ufids.push(flow.value().ufid));
        }
        ufids
    }

    /// Makes room that removed flows have left, as far as no reader stands on them any more.
    pub fn tidy(&mut self) {
        self.fit_cache();
        self.cache.tidy();
        self.table.tidy(BATCH_MAX);
    }
}

/// The table or the index takes no more megaflows.
struct NoRoom;

impl From<MegaflowError> for NoRoom {
    fn from(_: MegaflowError) -> Self {
        Self
    }
}

/// The megaflows that were added last: a packet that missed when its batch was looked up can match no others.
struct Recent {
    ids: [Option<FlowId>; RECENT],
    count: u64,
}

/// With more than that, a lookup costs less than comparing with each.
const RECENT: usize = 16;

impl Recent {
    fn push(&mut self, id: FlowId) {
        self.ids[self.count as usize % RECENT] = Some(id);
        self.count += 1;
    }

    /// Those that came after the first `count`, unless they are too many.
    fn since(&self, count: u32) -> Option<impl Iterator<Item = FlowId> + '_> {
        let new = u64::from((self.count as u32).wrapping_sub(count));
        let all = (self.count.saturating_sub(new)..self.count).map(|at| self.ids[at as usize % RECENT]);
        (new <= RECENT as u64).then(|| all.flatten())
    }
}

fn stats(flow: &Megaflow) -> FlowStats {
    let ovs_classifier::FlowStats { packets, bytes, used, tcp_flags } = flow.stats();
    FlowStats { packets, bytes, used, tcp_flags }
}

/// The control side's view of a worker's flows.
pub(super) struct TableView {
    reader: FlowTableReader<Entry>,
}

impl TableView {
    /// Shows up to `max` flows from `position` on, and says where to go on, if there may be more.
    pub fn dump(
        &self,
        position: u64,
        max: usize,
        worker: WorkerId,
        guard: &Guard<'_>,
        show: &mut dyn FnMut(FlowView<'_>),
    ) -> Option<u64> {
        let next = self.reader.dump(position as u32, max, guard, |flow| view(flow, worker, guard, show));
        next.map(u64::from)
    }

    /// Shows the flow with an identity: by a walk, or by its match if that is known.
    pub fn get(
        &self,
        ufid: Ufid,
        matching: Option<&Match>,
        worker: WorkerId,
        guard: &Guard<'_>,
        show: &mut dyn FnMut(FlowView<'_>),
    ) {
        if let Some(matching) = matching {
            if let Some(flow) = self.reader.find(matching, guard).filter(|flow| flow.value().ufid == ufid) {
                view(flow, worker, guard, show);
            }
            return;
        }
        self.reader.dump(0, usize::MAX, guard, |flow| {
            if flow.value().ufid == ufid {
                view(flow, worker, guard, show);
            }
        });
    }
}

fn view(flow: &Megaflow, worker: WorkerId, guard: &Guard<'_>, show: &mut dyn FnMut(FlowView<'_>)) {
    let matching = flow.to_match();
    show(FlowView {
        ufid: flow.value().ufid,
        key: &matching.key,
        mask: &matching.mask,
        actions: flow.value().actions(guard),
        stats: stats(flow),
        worker,
    });
}
