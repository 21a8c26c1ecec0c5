//! The index itself.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ovs_flow::{FlowKey, FlowMask, Match, SparseKey};

use super::dense::Dense;
use super::masks::{PortMasks, SharedMask};
use super::nodes::Search;
use super::table::NONE;
use crate::classifier::tuple_mask::{MaskWord, words_of};
use crate::hash::WordHash;

/// Seed and limits of a [`MegaflowIndex`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MegaflowConfig {
    /// Secret from which the keys of the hash tables derive.
    pub seed: [u64; 2],
    /// The most megaflows.
    pub max_flows: usize,
    /// The masks that [`MegaflowIndex::admit`] lets each port of entry have, beside up to 32 that are exact.
    pub masks_per_port: usize,
}

impl Default for MegaflowConfig {
    fn default() -> Self {
        Self { seed: [0; 2], max_flows: 1 << 20, masks_per_port: 256 }
    }
}

impl MegaflowConfig {
    /// With this seed.
    pub fn seed(mut self, seed: [u64; 2]) -> Self {
        self.seed = seed;
        self
    }

    /// With at most this many megaflows.
    pub fn max_flows(mut self, flows: usize) -> Self {
        self.max_flows = flows;
        self
    }

    /// With this many masks a port.
    pub fn masks_per_port(mut self, masks: usize) -> Self {
        self.masks_per_port = masks;
        self
    }
}

/// Why a megaflow is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MegaflowError {
    /// There are as many as the configuration allows.
    #[error("the megaflow index is full: {limit} megaflows")]
    Full {
        /// [`MegaflowConfig::max_flows`]
        limit: usize,
    },
}

/// What an index holds and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MegaflowStats {
    /// Megaflows held.
    pub flows: usize,
    /// Masks held; the same mask under two ports counts twice.
    pub masks: usize,
    /// The most masks that one port has, to compare with [`MegaflowConfig::masks_per_port`].
    pub most_masks: usize,
    /// Lookups that found a megaflow.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Hash tables looked into by those that found one.
    pub hit_probes: u64,
    /// Hash tables looked into by those that found none.
    pub miss_probes: u64,
}

/// Finds the megaflow for a packet. `H` is what the index gives out: a small handle of the owner's.
pub struct MegaflowIndex<H: Copy> {
    config: MegaflowConfig,
    hash: WordHash,
    /// By port of entry.
    ports: BTreeMap<u32, PortMasks>,
    /// Megaflows whose mask does not have the whole port of entry.
    anywhere: PortMasks,
    entries: Vec<Option<Entry<H>>>,
    free: Vec<u32>,
    stats: MegaflowStats,
    scratch: Vec<MaskWord>,
    dense: Dense,
}

struct Entry<H> {
    mask: Arc<SharedMask>,
    values: Box<[u64]>,
    /// The next entry with the same hash in the same node, or [`NONE`].
    next: u32,
    handle: H,
}

impl<H: Copy> MegaflowIndex<H> {
    /// An empty index.
    pub fn new(config: MegaflowConfig) -> Self {
        Self {
            hash: WordHash::new(config.seed),
            ports: BTreeMap::new(),
            anywhere: PortMasks::new(),
            entries: Vec::new(),
            free: Vec::new(),
            stats: MegaflowStats::default(),
            scratch: Vec::new(),
            dense: Dense::new(),
            config,
        }
    }

    /// Megaflows held.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it holds and has done.
    pub fn stats(&self) -> MegaflowStats {
        let masks = || self.ports.values().chain([&self.anywhere]).map(PortMasks::len);
        MegaflowStats {
            flows: self.len(),
            masks: masks().sum(),
            most_masks: masks().max().unwrap_or(0),
            ..self.stats
        }
    }

    /// Hash tables that lookups have looked into; cheaper than [`MegaflowIndex::stats`].
    pub fn probes(&self) -> u64 {
        self.stats.hit_probes + self.stats.miss_probes
    }

    /// The masks that megaflows from a port have.
    pub fn masks_of_port(&self, in_port: u32) -> usize {
        self.ports.get(&in_port).map_or(0, PortMasks::len)
    }

    /// The mask under which a megaflow for `key`, for which `mask` would do, shall be inserted: `mask` itself while
    /// the port is within its budget, a wider one (a superset of its bits) after that.
    #[must_use]
    pub fn admit(&self, key: &FlowKey, mask: &FlowMask) -> FlowMask {
        let port =
            if mask.fields.in_port == u32::MAX { self.ports.get(&key.in_port) } else { Some(&self.anywhere) };
        port.map_or(*mask, |port| port.admit(key, mask, self.config.masks_per_port))
    }

    /// Adds a megaflow; if there is one of the same match, it gets the new handle and the old one is returned.
    ///
    /// Megaflows that overlap must mean the same: which of them a lookup finds is not defined.
    pub fn insert(&mut self, matching: &Match, handle: H) -> Result<Option<H>, MegaflowError> {
        if let Some(entry) = self.find(matching).and_then(|(id, _)| self.entries[id as usize].as_mut()) {
            return Ok(Some(core::mem::replace(&mut entry.handle, handle)));
        }
        if self.len() >= self.config.max_flows {
            return Err(MegaflowError::Full { limit: self.config.max_flows });
        }
        words_of(&matching.mask, &mut self.scratch);
        let port = port_of(matching, &mut self.ports, &mut self.anywhere);
        let mask = port.take(&matching.mask, &self.scratch);
        let words = matching.key.words();
        let values = mask.values(|at| words[at]);
        let id = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as u32
        });
        let next = port.tree.add_flow(&mask.path, id, |at| words[at], self.hash);
        self.entries[id as usize] = Some(Entry { mask, values, next, handle });
        Ok(None)
    }

    /// Removes the megaflow of just this match; its handle, if there was one.
    pub fn remove(&mut self, matching: &Match) -> Option<H> {
        let (id, before) = self.find(matching)?;
        let entry = self.entries[id as usize].take()?;
        self.free.push(id);
        if let Some(before) = self.entries.get_mut(before as usize).and_then(Option::as_mut) {
            before.next = entry.next;
        }
        let port = port_of(matching, &mut self.ports, &mut self.anywhere);
        let word = |at| entry.mask.word_in(&entry.values, at);
        port.tree.remove_flow(&entry.mask.path, (id, entry.next), word, self.hash);
        port.give_back(&entry.mask);
        if matching.mask.fields.in_port == u32::MAX && port.len() == 0 {
            self.ports.remove(&matching.key.in_port);
        }
        Some(entry.handle)
    }

    /// The handle of the megaflow with just this match.
    pub fn get(&self, matching: &Match) -> Option<H> {
        let (id, _) = self.find(matching)?;
        self.entries[id as usize].as_ref().map(|entry| entry.handle)
    }

    /// Forgets all megaflows.
    pub fn clear(&mut self) {
        self.ports.clear();
        self.anywhere = PortMasks::new();
        self.entries.clear();
        self.free.clear();
    }

    /// The handle of a megaflow that matches a packet with this key.
    #[inline]
    pub fn lookup(&mut self, key: &SparseKey) -> Option<H> {
        let entries = &self.entries;
        let words = self.dense.load(key);
        let accept =
            |first| chain(entries, first).find(|(_, e)| e.mask.matches(&e.values, words)).map(|(id, _)| id);
        let mut search = Search { key: words, hash: self.hash, probes: 0, accept };
        let in_port = Dense::in_port(words);
        let mut found = self.ports.get(&in_port).and_then(|port| port.tree.search(&mut search));
        if found.is_none() && self.anywhere.len() > 0 {
            found = self.anywhere.tree.search(&mut search);
        }
        let probes = u64::from(search.probes);
        let stats = &mut self.stats;
        let (count, sum) = match found {
            Some(_) => (&mut stats.hits, &mut stats.hit_probes),
            None => (&mut stats.misses, &mut stats.miss_probes),
        };
        *count += 1;
        *sum += probes;
        self.entries[found? as usize].as_ref().map(|entry| entry.handle)
    }

    /// [`MegaflowIndex::lookup`] for several packets.
    pub fn lookup_batch(&mut self, keys: &[SparseKey], found: &mut [Option<H>]) {
        for (key, found) in keys.iter().zip(found) {
            *found = self.lookup(key);
        }
    }

    /// The entry of just this match, and the one chained before it ([`NONE`] if it is the first).
    fn find(&self, matching: &Match) -> Option<(u32, u32)> {
        let mut words = Vec::new();
        words_of(&matching.mask, &mut words);
        let exact = matching.mask.fields.in_port == u32::MAX;
        let port = if exact { self.ports.get(&matching.key.in_port)? } else { &self.anywhere };
        let mask = port.get(&words)?;
        let key = matching.key.words();
        let values = mask.values(|at| key[at]);
        let first = port.tree.spot(&mask.path, |at| key[at], self.hash)?.first;
        let mut before = NONE;
        chain(&self.entries, first)
            .find(|(id, entry)| {
                let found = Arc::ptr_eq(&entry.mask, mask) && entry.values == values;
                if !found {
                    before = *id;
                }
                found
            })
            .map(|(id, _)| id)
            .map(|id| (id, before))
    }
}

/// The entries chained from `first` on.
fn chain<H>(entries: &[Option<Entry<H>>], first: u32) -> impl Iterator<Item = (u32, &Entry<H>)> {
    let mut at = first;
    core::iter::from_fn(move || {
        let entry = entries.get(at as usize)?.as_ref()?;
        let id = core::mem::replace(&mut at, entry.next);
        Some((id, entry))
    })
}

/// Where megaflows with this match belong.
fn port_of<'a>(
    matching: &Match,
    ports: &'a mut BTreeMap<u32, PortMasks>,
    anywhere: &'a mut PortMasks,
) -> &'a mut PortMasks {
    if matching.mask.fields.in_port == u32::MAX {
        ports.entry(matching.key.in_port).or_insert_with(PortMasks::new)
    } else {
        anywhere
    }
}

impl<H: Copy> fmt::Debug for MegaflowIndex<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MegaflowIndex").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
