//! The index itself.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::mem::offset_of;

use ovs_flow::{FlowKey, FlowMask, Match, SparseKey};

use super::lookup::{BATCH, Lookup};
use super::port::Port;
use super::store::{Entry, Held, NONE, PortKey};
use super::table::Table;
use super::{MegaflowConfig, MegaflowError, MegaflowStats, budget};
use crate::classifier::tuple_mask::{MaskWord, words_of};
use crate::hash::SumHash;

/// Finds the megaflow for a packet. `H` is what the index gives out: a small handle of the owner's.
pub struct MegaflowIndex<H: Copy> {
    config: MegaflowConfig,
    hash: SumHash,
    ports: Ports,
    held: Held<H>,
    /// All megaflows, by their hash under their mask.
    table: Table,
    len: usize,
    stats: MegaflowStats,
    mask_words: Vec<MaskWord>,
    /// Of a batch being looked up.
    words: Vec<PortKey>,
}

impl<H: Copy> MegaflowIndex<H> {
    /// An empty index.
    pub fn new(config: MegaflowConfig) -> Self {
        Self {
            hash: SumHash::new(config.seed),
            ports: Ports::new(),
            held: Held::new(),
            table: Table::new(),
            len: 0,
            stats: MegaflowStats::default(),
            mask_words: Vec::new(),
            words: alloc::vec![PortKey::ZERO; BATCH],
            config,
        }
    }

    /// Megaflows held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it holds and has done.
    pub fn stats(&self) -> MegaflowStats {
        let masks = || self.ports.all.iter().map(|port| port.masks.len());
        MegaflowStats {
            flows: self.len,
            masks: masks().sum(),
            hashed_masks: self.ports.all.iter().map(|port| port.crowd.len()).sum(),
            most_masks: masks().max().unwrap_or(0),
            ..self.stats
        }
    }

    /// Steps that lookups have taken; cheaper than [`MegaflowIndex::stats`].
    pub fn probes(&self) -> u64 {
        self.stats.hit_probes + self.stats.miss_probes
    }

    /// The masks that megaflows from a port have.
    pub fn masks_of_port(&self, in_port: u32) -> usize {
        self.ports.by_number.get(&in_port).map_or(0, |port| self.ports.all[*port as usize].masks.len())
    }

    /// The mask under which a megaflow for `key`, for which `mask` would do, shall be inserted: `mask` itself while
    /// the port is within its budget, a wider one (a superset of its bits) after that.
    #[must_use]
    pub fn admit(&self, key: &FlowKey, mask: &FlowMask) -> FlowMask {
        let port = self.ports.find(key, mask).map(|port| &self.ports.all[port as usize]);
        port.map_or(*mask, |port| budget::admit(&port.masks, key, mask, self.config.masks_per_port))
    }

    /// Adds a megaflow; if there is one of the same match, it gets the new handle and the old one is returned.
    ///
    /// Megaflows that overlap must mean the same: which of them a lookup finds is not defined.
    pub fn insert(&mut self, matching: &Match, handle: H) -> Result<Option<H>, MegaflowError> {
        let known = self.insert_with(matching, || Ok::<H, MegaflowError>(handle))?;
        if known.is_some()
            && let Some(entry) = self.find(matching).and_then(|found| self.held.entries.get_mut(found.id))
        {
            entry.handle = handle;
        }
        Ok(known)
    }

    /// Adds a megaflow with the handle that `make` gives, unless there is one of the same match: its handle is
    /// returned then, and `make` is not called. If `make` fails, or the index does behind it, nothing is added.
    pub fn insert_with<E: From<MegaflowError>>(
        &mut self,
        matching: &Match,
        make: impl FnOnce() -> Result<H, E>,
    ) -> Result<Option<H>, E> {
        let mut mask = core::mem::take(&mut self.mask_words);
        words_of(&matching.mask, &mut mask);
        let result = self.insert_under(&mask, matching, make);
        self.mask_words = mask;
        result
    }

    fn insert_under<E: From<MegaflowError>>(
        &mut self,
        words: &[MaskWord],
        matching: &Match,
        make: impl FnOnce() -> Result<H, E>,
    ) -> Result<Option<H>, E> {
        let place = self.place_of(words, matching);
        if let Some(Place { hash, mask }) = place
            && let Some(id) = self.table.find(hash, |id| self.held.is(id, mask, &self.words[0]))
        {
            return Ok(self.held.entries.get(id).map(|entry| entry.handle));
        }
        if self.len >= self.config.max_flows {
            return Err(MegaflowError::Full { limit: self.config.max_flows }.into());
        }
        let handle = make()?;
        let place = place.unwrap_or_else(|| self.make_place(words, matching));
        let Self { hash, ports, held, table, words, .. } = self;
        let Some(mask) = held.masks.get(place.mask) else { return Ok(None) };
        let port = &mut ports.all[mask.port as usize];
        let id = held.entries.add(Entry::new(place.mask, mask, &words[0], handle));
        if table.insert(place.hash, id).is_err() {
            held.entries.take(id);
            self.drop_mask_if_unused(place.mask, matching);
            return Err(MegaflowError::Crowded.into());
        }
        port.add_flow(id, place.mask, held, hash);
        self.len += 1;
        Ok(None)
    }

    /// The mask of these words, if the port has it, and the hash of a match under it; its words are the first of
    /// [`MegaflowIndex::words`] then.
    fn place_of(&mut self, words: &[MaskWord], matching: &Match) -> Option<Place> {
        let port = &self.ports.all[self.ports.find(&matching.key, &matching.mask)? as usize];
        let mask = *port.masks.get(words)?;
        port.load(matching.key.words(), &mut self.words[0]);
        let hash = Port::hash_under(self.held.masks.get(mask)?, &self.words[0], &self.hash);
        Some(Place { hash, mask })
    }

    /// The same, of a mask that the port gets.
    fn make_place(&mut self, words: &[MaskWord], matching: &Match) -> Place {
        let Self { hash, ports, held, words: keys, .. } = self;
        let number = ports.take(matching);
        let port = &mut ports.all[number as usize];
        let mask = port.add_mask(number, words, held, hash);
        port.load(matching.key.words(), &mut keys[0]);
        let hash = held.masks.get(mask).map_or(0, |mask| Port::hash_under(mask, &keys[0], hash));
        Place { hash, mask }
    }

    /// Removes the megaflow of just this match; its handle, if there was one.
    pub fn remove(&mut self, matching: &Match) -> Option<H> {
        let Found { id, mask, hash } = self.find(matching)?;
        let port = self.held.masks.get(mask)?.port;
        self.table.remove(hash, id);
        self.ports.all[port as usize].remove_flow(id, mask, &mut self.held);
        self.len -= 1;
        let entry = self.held.entries.take(id)?;
        self.drop_mask_if_unused(mask, matching);
        Some(entry.handle)
    }

    /// The handle of the megaflow with just this match.
    pub fn get(&self, matching: &Match) -> Option<H> {
        let found = self.find(matching)?;
        self.held.entries.get(found.id).map(|entry| entry.handle)
    }

    /// Forgets all megaflows.
    pub fn clear(&mut self) {
        self.ports = Ports::new();
        self.held = Held::new();
        self.table = Table::new();
        self.len = 0;
    }

    /// The handle of a megaflow that matches a packet with this key.
    #[inline]
    pub fn lookup(&mut self, key: &SparseKey) -> Option<H> {
        let mut found = [None];
        self.lookup_batch(core::slice::from_ref(key), &mut found);
        found[0]
    }

    /// [`MegaflowIndex::lookup`] for several packets: what their lookups touch is fetched for all of them at once, 32 at a
    /// time. Looks up as many as the shorter slice has.
    pub fn lookup_batch<K: Borrow<SparseKey>>(&mut self, keys: &[K], found: &mut [Option<H>]) {
        for (keys, found) in keys.chunks(BATCH).zip(found.chunks_mut(BATCH)) {
            let count = keys.len().min(found.len());
            self.lookup_chunk(&keys[..count], found);
        }
    }

    fn lookup_chunk<K: Borrow<SparseKey>>(&mut self, keys: &[K], found: &mut [Option<H>]) {
        let mut ids = [NONE; BATCH];
        let cost = self.config.arch.run(Lookup {
            ports: &self.ports,
            held: &self.held,
            table: &self.table,
            factor: self.hash.factor(),
            keys,
            words: &mut self.words,
            found: &mut ids,
        });
        for (found, id) in found.iter_mut().zip(&ids[..keys.len()]) {
            *found = self.held.entries.get(*id).map(|entry| entry.handle);
        }
        self.stats.hits += cost.hits;
        self.stats.misses += keys.len() as u64 - cost.hits;
        self.stats.hit_probes += cost.hit_steps;
        self.stats.miss_probes += cost.miss_steps;
    }

    /// The megaflow of just this match.
    fn find(&self, matching: &Match) -> Option<Found> {
        let mut mask_words = Vec::new();
        words_of(&matching.mask, &mut mask_words);
        let port = &self.ports.all[self.ports.find(&matching.key, &matching.mask)? as usize];
        let mask_id = *port.masks.get(&*mask_words)?;
        let mask = self.held.masks.get(mask_id)?;
        let mut key = PortKey::ZERO;
        port.load(matching.key.words(), &mut key);
        let hash = Port::hash_under(mask, &key, &self.hash);
        let id = self.table.find(hash, |id| self.held.is(id, mask_id, &key))?;
        Some(Found { id, mask: mask_id, hash })
    }

    fn drop_mask_if_unused(&mut self, mask: u32, matching: &Match) {
        let Some(Ok(port)) =
            self.held.masks.get(mask).map(|mask| if mask.flows == 0 { Ok(mask.port) } else { Err(()) })
        else {
            return;
        };
        words_of(&matching.mask, &mut self.mask_words);
        self.ports.all[port as usize].remove_mask(mask, &self.mask_words, &mut self.held, &self.hash);
        self.ports.give_back(port, matching);
    }
}

/// Where a megaflow belongs: its hash, and its mask.
struct Place {
    hash: u32,
    mask: u32,
}

/// A megaflow, its mask and its hash.
struct Found {
    id: u32,
    mask: u32,
    hash: u32,
}

/// The ports of entry that have megaflows.
pub(super) struct Ports {
    by_number: BTreeMap<u32, u32>,
    /// The first is for megaflows whose mask does not have the whole port.
    all: Vec<Port>,
    free: Vec<u32>,
}

impl Ports {
    fn new() -> Self {
        Self { by_number: BTreeMap::new(), all: alloc::vec![Port::default()], free: Vec::new() }
    }

    /// Where megaflows of a mask stand, for a key.
    fn find(&self, key: &FlowKey, mask: &FlowMask) -> Option<u32> {
        if mask.fields.in_port == u32::MAX { self.by_number.get(&key.in_port).copied() } else { Some(0) }
    }

    /// The same, made if need be.
    fn take(&mut self, matching: &Match) -> u32 {
        self.find(&matching.key, &matching.mask).unwrap_or_else(|| {
            let number = self.free.pop().unwrap_or_else(|| {
                self.all.push(Port::default());
                (self.all.len() - 1) as u32
            });
            self.by_number.insert(matching.key.in_port, number);
            number
        })
    }

    /// Forgets a port that has no mask any more.
    fn give_back(&mut self, number: u32, matching: &Match) {
        let port = &mut self.all[number as usize];
        if port.masks.is_empty() {
            *port = Port::default();
            if number != 0 {
                self.by_number.remove(&matching.key.in_port);
                self.free.push(number);
            }
        }
    }

    /// A packet's port of entry.
    #[inline(always)]
    pub(super) fn of_key(key: &SparseKey) -> u32 {
        const AT: usize = offset_of!(FlowKey, in_port);
        let bytes = key.word(AT / 8).to_ne_bytes();
        u32::from_ne_bytes([bytes[AT % 8], bytes[AT % 8 + 1], bytes[AT % 8 + 2], bytes[AT % 8 + 3]])
    }

    /// Where megaflows of a port of entry stand.
    pub(super) fn get(&self, in_port: u32) -> Option<&Port> {
        self.by_number.get(&in_port).map(|port| &self.all[*port as usize])
    }

    #[inline(always)]
    pub(super) fn anywhere(&self) -> &Port {
        &self.all[0]
    }
}

impl<H: Copy> fmt::Debug for MegaflowIndex<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MegaflowIndex").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
