//! The exact-match cache: from the hash of a whole key to the megaflow that it last hit.
//!
//! # What it is
//!
//! A key's 64-bit keyed hash is its *signature*; the cache remembers signature and handle, 16 bytes, four to a cache line,
//! and nothing of the key. So a million flows take 32 MB instead of some hundred, and a lookup touches one line:
//!
//! ```text
//!   hash ──▶ bucket (one cache line)   │ sig h │ sig h │ sig h │ sig h │
//!                                         └─ equal? ──▶ h
//! ```
//!
//! A handle given out was put in for a key of the same signature. Two keys share one with a probability of 2⁻⁵⁶ or less that
//! nobody can raise who does not know the hash's key; still, the owner compares the key with what the handle leads to before it
//! acts on it. It has to look there anyway, for the actions; and it must find out there whether the megaflow is still the one
//! that was put in (a handle with a generation), unless it forestalls that with [`ExactMatchCache::clear`].
//!
//! # What comes in
//!
//! A key is put into a place that is free or out of date, else into one of its bucket's by chance. Under traffic of very
//! many flows, inserting each would only throw out the others: of so many misses ([`CacheConfig::insert_one_in`]) one
//! is inserted, so that flows with many packets come in and others mostly do not.
//!
//! # Size and generation
//!
//! [`ExactMatchCache::fit`] makes the cache as large as the flows in use need, up to [`CacheConfig::entries`]. A bucket's number is
//! low bits of the hash, so a cache of twice the size is the old one twice over, less what does not belong into each
//! half. A generation takes the place of the last byte of all signatures, so that
//! forgetting everything is one addition; in a cache of 1024 places or more that byte is known from the bucket.
//!
//! One owner, no atomics, no lock. Insertion and lookup take the same time whatever is in the cache.

use alloc::vec::Vec;
use core::fmt;

use crate::arch::{Arch, Kernel, prefetch};

/// Places in a bucket: one cache line of 16-byte places.
const WAYS: usize = 4;

/// Size and rate of insertion of an [`ExactMatchCache`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheConfig {
    /// The most places; rounded up to a power of two, at least 4.
    pub entries: usize,
    /// [`ExactMatchCache::insert`] inserts one in so many; 1 inserts all, 0 none.
    pub insert_one_in: u32,
    /// Seed of the choice which.
    pub seed: u64,
    /// What the machine can do.
    pub arch: Arch,
}

impl Default for CacheConfig {
    /// 8192 places, one insertion in a hundred, no more instructions than every machine has.
    fn default() -> Self {
        Self { entries: 8192, insert_one_in: 100, seed: 0, arch: Arch::PORTABLE }
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

    /// For a machine that can do this.
    pub fn arch(mut self, arch: Arch) -> Self {
        self.arch = arch;
        self
    }
}

/// Remembers handles by hashes of whole keys. `H` is the owner's handle of a megaflow.
pub struct ExactMatchCache<H: Copy> {
    /// A power of two of them, or none before the first insertion.
    buckets: Vec<Bucket<H>>,
    /// How many there are to be.
    size: usize,
    config: CacheConfig,
    /// 1 to 255: the last byte of signatures that count.
    generation: u64,
    random: u64,
    thrown_out: usize,
}

/// Places that one hash can be in. With a handle of eight bytes, a cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Bucket<H> {
    /// The hash but for its last byte, which is a generation; 0 for a place never used.
    signatures: [u64; WAYS],
    handles: [H; WAYS],
}

/// Places that a cache begins with, unless it may only have fewer.
const FIRST: usize = 8192;
const GENERATION: u64 = 0xff;

impl<H: Copy> ExactMatchCache<H> {
    /// An empty cache, with 8192 places if it may have so many. Memory comes with the first insertion.
    pub fn new(config: CacheConfig) -> Self {
        Self {
            buckets: Vec::new(),
            size: buckets_for(config.entries.min(FIRST)),
            config,
            generation: 1,
            random: config.seed | 1,
            thrown_out: 0,
        }
    }

    /// Places in all.
    pub fn capacity(&self) -> usize {
        self.size * WAYS
    }

    /// Memory that lookups read, in bytes.
    pub fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket<H>>()
    }

    /// Keys remembered. Counts them, so not for every packet.
    pub fn len(&self) -> usize {
        let live = |signature: &&u64| **signature & GENERATION == self.generation;
        self.buckets.iter().flat_map(|bucket| &bucket.signatures).filter(live).count()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The handle put in for a key with this hash: a keyed hash of the whole key, the same as at insertion.
    #[inline]
    pub fn lookup(&self, hash: u64) -> Option<H> {
        find(&self.buckets, hash, self.signature(hash))
    }

    /// [`ExactMatchCache::lookup`] for several packets, as many as the shorter slice has: the places of all of them are
    /// fetched before the first is compared, so that the memory of all is under way at once.
    #[inline]
    pub fn lookup_batch(&self, hashes: &[u64], found: &mut [Option<H>]) {
        let Self { buckets, generation, .. } = self;
        self.config.arch.run(Lookup { buckets, generation: *generation, hashes, found });
    }

    /// Puts a handle in for a key, if it is this one's turn of [`CacheConfig::insert_one_in`].
    #[inline]
    pub fn insert(&mut self, hash: u64, handle: H) {
        let one_in = u64::from(self.config.insert_one_in);
        if one_in == 1 || (one_in > 1 && self.next_random().is_multiple_of(one_in)) {
            self.insert_always(hash, handle);
        }
    }

    /// Puts a handle in for a key.
    pub fn insert_always(&mut self, hash: u64, handle: H) {
        if self.buckets.is_empty() {
            let free = Bucket { signatures: [0; WAYS], handles: [handle; WAYS] };
            self.buckets = alloc::vec![free; self.size];
        }
        let signature = self.signature(hash);
        let chance = self.next_random() as usize % WAYS;
        let at = hash as usize & (self.size - 1);
        let bucket = &mut self.buckets[at];
        let same = bucket.signatures.iter().position(|other| *other == signature);
        let generation = self.generation;
        let free = || bucket.signatures.iter().position(|other| other & GENERATION != generation);
        let way = same.or_else(free).unwrap_or_else(|| {
            self.thrown_out += 1;
            chance
        });
        (bucket.signatures[way], bucket.handles[way]) = (signature, handle);
    }

    /// Forgets a key: the handle that was put in for it, if it was remembered.
    pub fn remove(&mut self, hash: u64) -> Option<H> {
        let signature = self.signature(hash);
        let bucket = self.buckets.get_mut(hash as usize & (self.size - 1))?;
        let way = bucket.signatures.iter().position(|other| *other == signature)?;
        bucket.signatures[way] = 0;
        Some(bucket.handles[way])
    }

    /// Forgets all keys: an addition, but for every 255th time.
    pub fn clear(&mut self) {
        self.generation += 1;
        if self.generation > GENERATION {
            self.generation = 1;
            self.buckets.iter_mut().for_each(|bucket| bucket.signatures = [0; WAYS]);
        }
    }

    /// Makes the cache as large as so many keys in use need, twice as many places, within [`CacheConfig::entries`]; it
    /// keeps what it knows, unless it becomes smaller: then it is empty. Takes a millisecond for some ten thousand places that are added.
    pub fn fit(&mut self, keys: usize) {
        let size = buckets_for(keys.saturating_mul(2).min(self.config.entries));
        if size == self.size {
            return;
        }
        self.size = size;
        while !self.buckets.is_empty() && self.buckets.len() < size {
            self.double();
        }
        if self.buckets.len() > size {
            // Its lower half may have older handles of keys that moved to the upper one.
            self.buckets.truncate(size);
            self.buckets.shrink_to_fit();
            self.clear();
        }
    }

    fn double(&mut self) {
        let half = self.buckets.len();
        self.buckets.extend_from_within(..);
        if half as u64 <= GENERATION {
            return;
        }
        // The signature has the bit that says which half is right, so the other can be freed.
        for (at, bucket) in self.buckets.iter_mut().enumerate() {
            for signature in &mut bucket.signatures {
                if (*signature & half as u64 != 0) != (at >= half) {
                    *signature = 0;
                }
            }
        }
    }

    /// Doubles the cache if, since it was last asked (or told that it [suffices](Self::suffices)), it had to throw out half
    /// as many keys as it has places. To be called
    /// now and then, such as once a turn; usually it is one comparison.
    #[inline]
    pub fn adapt(&mut self) {
        if self.thrown_out > self.capacity() / 2 {
            self.thrown_out = 0;
            self.fit(self.capacity());
        }
    }

    /// Says that what was thrown out so far was not missed: a cache that answers most lookups is large enough, however
    /// many keys have come and gone in it. To be called in place of [`ExactMatchCache::adapt`] then.
    pub fn suffices(&mut self) {
        self.thrown_out = 0;
    }

    /// What a key's place has if the key is remembered.
    #[inline(always)]
    fn signature(&self, hash: u64) -> u64 {
        hash & !GENERATION | self.generation
    }

    /// A step of xorshift64*: which insertions are made need not be unpredictable, only spread.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}

fn buckets_for(entries: usize) -> usize {
    entries.div_ceil(WAYS).max(1).next_power_of_two()
}

#[inline(always)]
fn find<H: Copy>(buckets: &[Bucket<H>], hash: u64, signature: u64) -> Option<H> {
    let bucket = buckets.get(hash as usize & buckets.len().wrapping_sub(1))?;
    let mut found = WAYS;
    for (way, other) in bucket.signatures.iter().enumerate() {
        // Without a branch: which way it is cannot be foreseen.
        found = if *other == signature { way } else { found };
    }
    bucket.handles.get(found).copied()
}

struct Lookup<'a, H: Copy> {
    buckets: &'a [Bucket<H>],
    generation: u64,
    hashes: &'a [u64],
    found: &'a mut [Option<H>],
}

impl<H: Copy> Kernel for Lookup<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { buckets, generation, hashes, found } = self;
        for hash in hashes {
            if let Some(bucket) = buckets.get(*hash as usize & buckets.len().wrapping_sub(1)) {
                prefetch(bucket);
            }
        }
        for (hash, found) in hashes.iter().zip(found) {
            *found = find(buckets, *hash, hash & !GENERATION | generation);
        }
    }
}

impl<H: Copy> fmt::Debug for ExactMatchCache<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactMatchCache").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
