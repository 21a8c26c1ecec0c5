//! The exact-match cache: from the hash of a whole key to the megaflow that it last hit.
//!
//! A hash has two places, chosen by different bits of it. A key is put into the place that is free or out of
//! date, else into the one whose turn it is. What is found is compared in full, so a handle given out was
//! put in for this very key; whether the megaflow behind the handle is still there is the owner's to
//! check (a handle with a generation), or to forestall with [`ExactMatchCache::clear`], which is one addition.
//!
//! Under traffic of very many flows, inserting each would only throw out the others: of so many misses
//! ([`CacheConfig::insert_one_in`]) one is inserted, so that flows with many packets come in and others mostly
//! do not.
//!
//! One owner, no atomics. A lookup touches one or two places and, if the hash is there, the key's words.

use alloc::vec::Vec;
use core::fmt;

use ovs_flow::{SparseKey, WordMap};

/// Size and rate of insertion of an [`ExactMatchCache`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheConfig {
    /// Places; rounded up to a power of two, at least 2.
    pub entries: usize,
    /// [`ExactMatchCache::insert`] inserts one in so many; 1 inserts all, 0 none.
    pub insert_one_in: u32,
    /// Seed of the choice which.
    pub seed: u64,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { entries: 8192, insert_one_in: 100, seed: 0 }
    }
}

impl CacheConfig {
    /// With this many places.
    pub fn entries(mut self, entries: usize) -> Self {
        self.entries = entries;
        self
    }

    /// With one insertion in so many.
    pub fn insert_one_in(mut self, n: u32) -> Self {
        self.insert_one_in = n;
        self
    }

    /// With this seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// Remembers handles by whole keys. `H` is the owner's handle of a megaflow.
pub struct ExactMatchCache<H: Copy> {
    /// A power of two.
    places: Vec<Place<H>>,
    config: CacheConfig,
    /// Places of another generation are free.
    generation: u64,
    random: u64,
}

struct Place<H> {
    hash: u64,
    /// 0 for a place never used.
    generation: u64,
    handle: Option<H>,
    map: WordMap,
    /// Keeps its memory when the place is used again.
    values: Vec<u64>,
}

impl<H: Copy> ExactMatchCache<H> {
    /// An empty cache. Memory for keys comes with their first insertion.
    pub fn new(config: CacheConfig) -> Self {
        let free = || Place { hash: 0, generation: 0, handle: None, map: [0; 2], values: Vec::new() };
        let size = config.entries.max(2).next_power_of_two();
        Self {
            places: core::iter::repeat_with(free).take(size).collect(),
            config,
            generation: 1,
            random: config.seed | 1,
        }
    }

    /// Places in all.
    pub fn capacity(&self) -> usize {
        self.places.len()
    }

    /// Keys remembered. Counts them, so not for every packet.
    pub fn len(&self) -> usize {
        self.places.iter().filter(|place| place.is_live(self.generation)).count()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The two places of a hash.
    #[inline]
    fn homes(&self, hash: u64) -> [usize; 2] {
        let last = self.places.len() - 1;
        [hash as usize & last, (hash >> 32) as usize & last]
    }

    /// The handle put in for `key`. `hash` is a keyed hash of the whole key, the same as at insertion.
    #[inline]
    pub fn lookup(&self, hash: u64, key: &SparseKey) -> Option<H> {
        let places = self.homes(hash).map(|at| &self.places[at]);
        places.into_iter().find(|place| place.is_of(hash, key, self.generation))?.handle
    }

    /// [`ExactMatchCache::lookup`] for several packets: all places are touched before the first is compared,
    /// so that the memory of all of them is under way at once.
    pub fn lookup_batch(&self, hashes: &[u64], keys: &[SparseKey], found: &mut [Option<H>]) {
        let touched =
            hashes.iter().filter(|hash| self.homes(**hash).iter().any(|at| self.places[*at].hash == **hash));
        core::hint::black_box(touched.count());
        for ((hash, key), found) in hashes.iter().zip(keys).zip(found) {
            *found = self.lookup(*hash, key);
        }
    }

    /// Puts a handle in for a key, if it is this one's turn of [`CacheConfig::insert_one_in`].
    pub fn insert(&mut self, hash: u64, key: &SparseKey, handle: H) {
        let one_in = u64::from(self.config.insert_one_in);
        if one_in == 1 || (one_in > 1 && self.next_random().is_multiple_of(one_in)) {
            self.insert_always(hash, key, handle);
        }
    }

    /// Puts a handle in for a key.
    pub fn insert_always(&mut self, hash: u64, key: &SparseKey, handle: H) {
        let homes = self.homes(hash);
        let generation = self.generation;
        let same = homes.into_iter().find(|at| self.places[*at].is_of(hash, key, generation));
        let free = || homes.into_iter().find(|at| !self.places[*at].is_live(generation));
        let at = same.or_else(free).unwrap_or_else(|| homes[(self.next_random() & 1) as usize]);
        let place = &mut self.places[at];
        (place.hash, place.generation, place.handle, place.map) = (hash, generation, Some(handle), key.map());
        place.values.clear();
        place.values.extend_from_slice(key.values());
    }

    /// Forgets a key: the handle that was put in for it, if it was remembered.
    pub fn remove(&mut self, hash: u64, key: &SparseKey) -> Option<H> {
        let generation = self.generation;
        let mut found = None;
        for at in self.homes(hash) {
            let place = &mut self.places[at];
            if place.is_of(hash, key, generation) {
                found = place.handle.take().or(found);
            }
        }
        found
    }

    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.generation += 1;
    }

    /// A step of xorshift64*: which insertions are made need not be unpredictable, only spread.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}

impl<H> Place<H> {
    #[inline]
    fn is_live(&self, generation: u64) -> bool {
        self.generation == generation && self.handle.is_some()
    }

    #[inline]
    fn is_of(&self, hash: u64, key: &SparseKey, generation: u64) -> bool {
        self.hash == hash
            && self.is_live(generation)
            && self.map == key.map()
            && self.values.as_slice() == key.values()
    }
}

impl<H: Copy> fmt::Debug for ExactMatchCache<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactMatchCache").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
