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
//! The cache grows to what the flows in use need, up to [`CacheConfig::entries`], and becomes smaller when they are fewer
//! ([`ExactMatchCache::adapt`], [`ExactMatchCache::see`], [`ExactMatchCache::fit`]). A bucket's number is low bits of the hash, so a
//! cache of twice the size is the old one twice over, less what does not belong into each half; and one of half the size has two buckets
//! in one. The new buckets are made in order, some with each insertion and each [`ExactMatchCache::tidy`], and a key's place is in
//! the new ones as soon as its number is reached, until then in the old ones (linear hashing: Litwin, VLDB 1980): no call makes a pause.
//!
//! ```text
//!   old   │ 0 │ 1 │ 2 │ 3 │              hash … 0 0 1 ──▶ new bucket 1
//!   new   │ 0 │ 1 │ 2 │ ·   ·   ·   ·   ·      hash … 1 0 1 ──▶ old bucket 1, as new bucket 5 is not made yet
//! ```
//!
//! A generation takes the place of the last byte of all signatures, so that
//! forgetting everything is one addition; in a cache of 1024 places or more that byte is known from the bucket.
//!
//! One owner, no atomics, no lock. Insertion and lookup take the same time whatever is in the cache.

use alloc::vec::Vec;
use core::fmt;

use crate::arch::{Arch, Kernel, Vectors, prefetch};

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
    /// While the size changes, the new buckets that are made already; and how many there are to be, else 0.
    next: Vec<Bucket<H>>,
    next_size: usize,
    /// How many buckets there are to be in the end: a power of two.
    size: usize,
    config: CacheConfig,
    /// 1 to 255: the last byte of signatures that count.
    generation: u64,
    random: u64,
    thrown_out: usize,
    seen: Seen,
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
/// A cache of fewer buckets than this changes its size in one go. Their numbers are in the byte that a generation takes.
const SMALL: usize = 256;
/// Buckets that an insertion makes while the size changes, and those that a turn makes.
const STEP: usize = 4;
const TURN: usize = 64;
const GENERATION: u64 = 0xff;
/// Buckets of so many bytes are usually in the second cache.
const NEAR: usize = 1 << 20;

impl<H: Copy> ExactMatchCache<H> {
    /// An empty cache, with 8192 places if it may have so many. Memory comes with the first insertion.
    pub fn new(config: CacheConfig) -> Self {
        Self {
            buckets: Vec::new(),
            next: Vec::new(),
            next_size: 0,
            size: buckets_for(config.entries.min(FIRST)),
            config,
            generation: 1,
            random: config.seed | 1,
            thrown_out: 0,
            seen: Seen::default(),
        }
    }

    /// Places in all; while the size changes, those that there will be.
    pub fn capacity(&self) -> usize {
        self.size * WAYS
    }

    /// Memory that lookups read, in bytes.
    pub fn bytes(&self) -> usize {
        (self.buckets.len() + self.next.len()) * size_of::<Bucket<H>>()
    }

    /// Keys remembered. Counts them, so not for every packet.
    pub fn len(&self) -> usize {
        let old = self.buckets.iter().enumerate().flat_map(|(at, bucket)| {
            let upper = if self.next_size > self.buckets.len() { self.buckets.len() as u64 } else { 0 };
            let new = move |signature: &u64| {
                (at as u64 | signature & upper) & self.next_size.wrapping_sub(1) as u64
            };
            bucket.signatures.iter().filter(move |signature| new(signature) >= self.next.len() as u64)
        });
        let live = |signature: &&u64| **signature & GENERATION == self.generation;
        old.chain(self.next.iter().flat_map(|bucket| &bucket.signatures)).filter(live).count()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The handle put in for a key with this hash: a keyed hash of the whole key, the same as at insertion.
    #[inline]
    pub fn lookup(&self, hash: u64) -> Option<H> {
        find(bucket_of(&self.buckets, (&self.next, self.next_size), hash)?, self.signature(hash))
    }

    /// [`ExactMatchCache::lookup`] for several packets, as many as the shorter slice has: the places of all of them are
    /// fetched before the first is compared, so that the memory of all is under way at once.
    #[inline]
    pub fn lookup_batch(&self, hashes: &[u64], found: &mut [Option<H>]) {
        let Self { buckets, generation, .. } = self;
        let next = (&*self.next, self.next_size);
        self.config.arch.run(Lookup { buckets, next, generation: *generation, hashes, found });
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
            self.buckets = alloc::vec![free; self.size.min(FIRST / WAYS)];
        }
        self.go_on(STEP);
        let signature = self.signature(hash);
        let chance = self.next_random() as usize % WAYS;
        let generation = self.generation;
        let Some(bucket) = self.bucket_of_mut(hash) else { return };
        let same = bucket.signatures.iter().position(|other| *other == signature);
        let free = || bucket.signatures.iter().position(|other| other & GENERATION != generation);
        let found = same.or_else(free);
        let way = found.unwrap_or(chance);
        (bucket.signatures[way], bucket.handles[way]) = (signature, handle);
        self.thrown_out += usize::from(found.is_none());
    }

    /// Forgets a key: the handle that was put in for it, if it was remembered.
    pub fn remove(&mut self, hash: u64) -> Option<H> {
        let signature = self.signature(hash);
        let bucket = self.bucket_of_mut(hash)?;
        let way = bucket.signatures.iter().position(|other| *other == signature)?;
        bucket.signatures[way] = 0;
        Some(bucket.handles[way])
    }

    /// Forgets all keys: an addition, and every 255th time it begins anew with little memory.
    pub fn clear(&mut self) {
        self.generation += 1;
        if self.generation > GENERATION {
            self.generation = 1;
            (self.buckets, self.next, self.next_size) = (Vec::new(), Vec::new(), 0);
        }
    }

    /// Makes the cache as large as so many keys in use need, twice as many places, within [`CacheConfig::entries`]. It
    /// keeps what it knows and still has a place for, unless it gets fewer than 1024 places: then it is empty. The next insertions
    /// and calls of [`ExactMatchCache::tidy`] do the work.
    pub fn fit(&mut self, keys: usize) {
        let size = buckets_for(keys.saturating_mul(2).min(self.config.entries));
        if size == self.size {
            return;
        }
        self.size = size;
        if size < SMALL && self.buckets.len().max(self.next_size) > size {
            (self.next, self.next_size) = (Vec::new(), 0);
            // Its lower half may have older handles of keys that moved to the upper one.
            self.buckets.truncate(size);
            self.buckets.shrink_to_fit();
            self.clear();
        }
        while !self.buckets.is_empty() && self.buckets.len() < size.min(SMALL) {
            self.go_on(SMALL);
        }
    }

    /// Goes on with a change of size, by a bounded number of buckets; to be called once a turn, such as after each batch.
    /// Whether there is more to do; usually there is nothing, and it is a comparison.
    #[inline]
    pub fn tidy(&mut self) -> bool {
        let changes = !self.buckets.is_empty() && self.buckets.len() != self.size;
        if changes {
            self.go_on(TURN);
        }
        changes
    }

    /// Makes so many of the new buckets.
    fn go_on(&mut self, count: usize) {
        let len = self.buckets.len();
        if self.next_size == 0 {
            if len == self.size {
                return;
            }
            self.next_size = if self.size > len { len * 2 } else { len / 2 };
            self.next = Vec::with_capacity(self.next_size);
        }
        for _ in 0..count.min(self.next_size - self.next.len()) {
            let at = self.next.len();
            let bucket = if self.next_size > len {
                self.buckets[at % len].half(at, len)
            } else {
                self.buckets[at].with(&self.buckets[at + self.next_size], self.generation)
            };
            self.next.push(bucket);
        }
        if self.next.len() == self.next_size {
            self.buckets = core::mem::take(&mut self.next);
            self.next_size = 0;
        }
    }

    /// Doubles the cache if, since it was last asked (or told that it [suffices](Self::suffices)), it had to throw out an eighth
    /// as many keys as it has places. To be called
    /// now and then, such as once a turn; usually it is one comparison.
    #[inline]
    pub fn adapt(&mut self) {
        if self.thrown_out > self.capacity() / 8 {
            self.thrown_out = 0;
            if self.buckets.len() == self.size {
                self.fit(self.capacity());
            }
        }
    }

    /// Says that what was thrown out so far was not missed: a cache that answers most lookups is large enough, however
    /// many keys have come and gone in it. To be called in place of [`ExactMatchCache::adapt`] then.
    pub fn suffices(&mut self) {
        self.thrown_out = 0;
    }

    /// Tells the hashes of a batch of packets. If the keys in use have no need for half of the cache, as some million
    /// packets show, it becomes half as large, but not smaller than it began.
    #[inline]
    pub fn see(&mut self, hashes: &[u64]) {
        self.seen.add(hashes);
        if self.seen.packets > self.capacity() * 16 {
            let keys = core::mem::take(&mut self.seen).keys();
            let first = buckets_for(self.config.entries.min(FIRST));
            if keys * 4 <= self.capacity() && self.size > first && self.buckets.len() == self.size {
                self.fit(self.capacity() / 4);
            }
        }
    }

    /// What a key's place has if the key is remembered.
    #[inline(always)]
    fn signature(&self, hash: u64) -> u64 {
        hash & !GENERATION | self.generation
    }

    fn bucket_of_mut(&mut self, hash: u64) -> Option<&mut Bucket<H>> {
        let new = hash as usize & self.next_size.wrapping_sub(1);
        if new < self.next.len() {
            return self.next.get_mut(new);
        }
        let old = hash as usize & self.buckets.len().wrapping_sub(1);
        self.buckets.get_mut(old)
    }

    /// A step of xorshift64*: which insertions are made need not be unpredictable, only spread.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}

impl<H: Copy> Bucket<H> {
    /// What of this one of `len` buckets belongs into bucket `at` of twice as many.
    fn half(&self, at: usize, len: usize) -> Self {
        let mut half = *self;
        // A signature has the bit that says which half is right, unless a generation has its place: then both
        // halves are right for it, and only one is asked.
        if len as u64 > GENERATION {
            for signature in &mut half.signatures {
                if (*signature & len as u64 != 0) != (at >= len) {
                    *signature = 0;
                }
            }
        }
        half
    }

    /// What this bucket and another know, as far as there is room.
    fn with(&self, other: &Self, generation: u64) -> Self {
        let mut both = *self;
        let lives = |signature: u64| signature & GENERATION == generation;
        for (signature, handle) in other.signatures.iter().zip(&other.handles).filter(|(s, _)| lives(**s)) {
            if let Some(way) = both.signatures.iter().position(|signature| !lives(*signature)) {
                (both.signatures[way], both.handles[way]) = (*signature, *handle);
            }
        }
        both
    }
}

/// Counts different keys, from a sample: by the bits that their hashes set among so many.
struct Seen {
    packets: usize,
    bits: [u64; SEEN_BITS / 64],
}

const SEEN_BITS: usize = 4096;
/// Of so many hashes, one is in the sample.
const SAMPLE: usize = 64;

impl Default for Seen {
    fn default() -> Self {
        Self { packets: 0, bits: [0; SEEN_BITS / 64] }
    }
}

impl Seen {
    #[inline]
    fn add(&mut self, hashes: &[u64]) {
        self.packets += hashes.len();
        // The highest bits say who is in the sample, the next ones which bit is set.
        let in_sample = |hash: u64| hash >> (64 - SAMPLE.ilog2()) == 0;
        if !hashes.iter().fold(false, |any, hash| any | in_sample(*hash)) {
            return;
        }
        for hash in hashes.iter().filter(|hash| in_sample(**hash)) {
            let bit = (hash >> 40) as usize % SEEN_BITS;
            self.bits[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// About how many keys there were. Beyond the count that sets half of the bits it says too few: but that is more keys than
    /// a cache of half a million places is too large for.
    fn keys(&self) -> usize {
        let bits = self.bits.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        (bits + bits * bits / (2 * SEEN_BITS) + bits * bits / SEEN_BITS * bits / (3 * SEEN_BITS)) * SAMPLE
    }
}

fn buckets_for(entries: usize) -> usize {
    entries.div_ceil(WAYS).max(1).next_power_of_two()
}

/// Where a hash's key is remembered, among the new buckets or the old.
#[inline(always)]
fn bucket_of<'a, H>(
    buckets: &'a [Bucket<H>],
    (next, next_size): (&'a [Bucket<H>], usize),
    hash: u64,
) -> Option<&'a Bucket<H>> {
    match next.get(hash as usize & next_size.wrapping_sub(1)) {
        None => buckets.get(hash as usize & buckets.len().wrapping_sub(1)),
        new => new,
    }
}

#[inline(always)]
fn find<H: Copy>(bucket: &Bucket<H>, signature: u64) -> Option<H> {
    bucket.signatures.iter().position(|other| *other == signature).map(|way| bucket.handles[way])
}

/// The same without a branch for each way: which one it is cannot be foreseen.
#[inline(always)]
fn find_among<H: Copy, V: Vectors>(bucket: &Bucket<H>, signature: u64, vectors: V) -> Option<H> {
    let equal = vectors.equal(&bucket.signatures, signature);
    bucket.handles.get(equal.trailing_zeros() as usize).copied()
}

struct Lookup<'a, H: Copy> {
    buckets: &'a [Bucket<H>],
    next: (&'a [Bucket<H>], usize),
    generation: u64,
    hashes: &'a [u64],
    found: &'a mut [Option<H>],
}

impl<H: Copy> Kernel for Lookup<'_, H> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) {
        let Self { buckets, next, generation, hashes, found } = self;
        if next.0.is_empty() {
            // What is near comes soon enough by itself.
            if size_of_val(buckets) > NEAR {
                for hash in hashes {
                    if let Some(bucket) = buckets.get(*hash as usize & buckets.len().wrapping_sub(1)) {
                        prefetch(bucket);
                    }
                }
            }
            for (hash, found) in hashes.iter().zip(found) {
                *found = match buckets.get(*hash as usize & buckets.len().wrapping_sub(1)) {
                    Some(bucket) => find_among(bucket, hash & !GENERATION | generation, vectors),
                    None => None,
                };
            }
            return;
        }
        for hash in hashes {
            if let Some(bucket) = bucket_of(buckets, next, *hash) {
                prefetch(bucket);
            }
        }
        for (hash, found) in hashes.iter().zip(found) {
            // No closure: it would be compiled for the baseline.
            *found = match bucket_of(buckets, next, *hash) {
                Some(bucket) => find_among(bucket, hash & !GENERATION | generation, vectors),
                None => None,
            };
        }
    }
}

impl<H: Copy> fmt::Debug for ExactMatchCache<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactMatchCache").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
