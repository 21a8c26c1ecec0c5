//! The hash table of all megaflows: from a 32-bit hash to numbers of megaflows.
//!
//! ```text
//!   hash: │ top bits: directory │ … │ tag (8) │ bucket (8) │
//!
//!   directory ─▶ segment of 256 buckets:   tags   │ t t t t t t t +n │   8 bytes a bucket
//!                                          slots  │ 7 × hash, 7 × id │   one cache line a bucket
//! ```
//!
//! A bucket's seven tags and a count lie in one word, and the words of a segment lie together: most probes for what
//! is not there end after that one word, which is usually in the first cache. An entry whose bucket is full goes
//! to the next; the count says how many have gone past a bucket, so that a search knows when to stop and nothing
//! has to be moved when an entry goes.
//!
//! A segment that is nearly full is split in two, and only its directory entries change: the table grows by some
//! microseconds' work now and then, never by a pause (extendible hashing: Fagin et al., TODS 1979).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hint::black_box;

use crate::arch::prefetch;

/// Buckets in a segment.
const BUCKETS: usize = 256;
/// Slots in a bucket.
const SLOTS: usize = 7;
/// A segment with so many entries is split.
const CROWDED: usize = BUCKETS * SLOTS * 5 / 8;
/// The most bits of a hash that the directory goes by: those that choose neither bucket nor tag.
const MOST_BITS: u32 = 16;

const LOW: u64 = 0x0001_0101_0101_0101;
const HIGH: u64 = 0x0080_8080_8080_8080;
/// One entry that went past a bucket.
const PASSED: u64 = 1 << 56;

/// The table has no room for a hash that too many share. Only who knows the secret can bring that about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crowded;

/// Numbers by hash; a hash may have several.
pub(super) struct Table {
    /// By the top `bits` bits of a hash: its segment.
    directory: Vec<u32>,
    bits: u32,
    segments: Vec<Box<Segment>>,
    len: usize,
}

struct Segment {
    /// The top bits that all of its hashes share.
    depth: u32,
    used: usize,
    tags: [u64; BUCKETS],
    slots: [Bucket; BUCKETS],
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Bucket {
    hashes: [u32; SLOTS],
    ids: [u32; SLOTS],
}

impl Table {
    pub(super) fn new() -> Self {
        Self { directory: alloc::vec![0], bits: 0, segments: alloc::vec![Segment::new(0)], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn segment_of(&self, hash: u32) -> usize {
        self.directory[(u64::from(hash) >> (32 - self.bits)) as usize] as usize
    }

    /// The first number under a hash that `accept` takes.
    #[inline(always)]
    pub(super) fn find(&self, hash: u32, accept: impl FnMut(u32) -> bool) -> Option<u32> {
        self.segments[self.segment_of(hash)].find(hash, accept)
    }

    /// The first number under a hash.
    #[inline(always)]
    pub(super) fn first(&self, hash: u32) -> Option<u32> {
        self.segments[self.segment_of(hash)].find(hash, accept_any)
    }

    /// Fetches the tags of a hash.
    #[inline(always)]
    pub(super) fn prefetch_tags(&self, hash: u32) {
        prefetch(&self.segments[self.segment_of(hash)].tags[home(hash)]);
    }

    /// Under which of the first `count` hashes something may be, as bits: by one word of memory for each.
    #[inline(always)]
    pub(super) fn may_have_any<const N: usize>(&self, hashes: &[u32; N], count: usize) -> u32 {
        if count == 1 {
            return u32::from(may_have(self.tags(hashes[0]), hashes[0]) != 0);
        }
        let mut tags = [0; N];
        for (tags, hash) in tags.iter_mut().zip(hashes) {
            *tags = self.tags(*hash);
        }
        // All at once: opaque, so that the compiler makes vectors of what follows.
        let tags = black_box(tags);
        let mut found = [0; N];
        for (n, found) in found.iter_mut().enumerate() {
            let may = may_have(tags[n], hashes[n]);
            *found = ((may | may.wrapping_neg()) >> 63) << n;
        }
        let found = black_box(found).iter().fold(0, |all, found| all | found);
        found as u32 & ((1_u32 << count) - 1)
    }

    #[inline(always)]
    fn tags(&self, hash: u32) -> u64 {
        self.segments[self.segment_of(hash)].tags[home(hash)]
    }

    /// Fetches the slots of a hash.
    #[inline(always)]
    pub(super) fn prefetch_slots(&self, hash: u32) {
        prefetch(&self.segments[self.segment_of(hash)].slots[home(hash)]);
    }

    /// Adds a number under a hash.
    pub(super) fn insert(&mut self, hash: u32, id: u32) -> Result<(), Crowded> {
        loop {
            let at = self.segment_of(hash);
            let segment = &mut self.segments[at];
            if segment.used < CROWDED && segment.insert(hash, id) {
                self.len += 1;
                return Ok(());
            }
            self.split(at)?;
        }
    }

    /// Takes out a number that is there under this hash.
    pub(super) fn remove(&mut self, hash: u32, id: u32) {
        let at = self.segment_of(hash);
        if self.segments[at].remove(hash, id) {
            self.len -= 1;
        }
        if self.len == 0 && self.bits > 0 {
            *self = Self::new();
        }
    }

    fn split(&mut self, at: usize) -> Result<(), Crowded> {
        let depth = self.segments[at].depth;
        if depth == MOST_BITS {
            return Err(Crowded);
        }
        if depth == self.bits {
            self.directory = self.directory.iter().flat_map(|segment| [*segment; 2]).collect();
            self.bits += 1;
        }
        let old = core::mem::replace(&mut self.segments[at], Segment::new(depth + 1));
        let mut new = Segment::new(depth + 1);
        for (hash, id) in old.entries() {
            let upper = hash >> (31 - depth) & 1 == 1;
            let half = if upper { &mut new } else { &mut self.segments[at] };
            // A half has room for all: it has as many buckets, and each entry went past as many before.
            let placed = half.insert(hash, id);
            debug_assert!(placed);
        }
        let number = self.segments.len() as u32;
        self.segments.push(new);
        let upper_bit = 1 << (self.bits - depth - 1);
        let entries = self.directory.iter_mut().enumerate();
        for (_, entry) in entries.filter(|(place, entry)| **entry as usize == at && place & upper_bit != 0) {
            *entry = number;
        }
        Ok(())
    }
}

impl Segment {
    fn new(depth: u32) -> Box<Self> {
        let empty = Bucket { hashes: [0; SLOTS], ids: [0; SLOTS] };
        Box::new(Self { depth, used: 0, tags: [0; BUCKETS], slots: [empty; BUCKETS] })
    }

    #[inline(always)]
    fn find(&self, hash: u32, mut accept: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = home(hash);
        for _ in 0..BUCKETS {
            let tags = self.tags[at];
            let mut same = same_tags(tags, hash);
            while same != 0 {
                let slot = same.trailing_zeros() as usize / 8;
                let bucket = &self.slots[at];
                if slot < SLOTS && bucket.hashes[slot] == hash && accept(bucket.ids[slot]) {
                    return Some(bucket.ids[slot]);
                }
                same &= same - 1;
            }
            if tags < PASSED {
                return None;
            }
            at = (at + 1) % BUCKETS;
        }
        None
    }

    /// Adds an entry, unless there is no room or too many have gone past a bucket.
    fn insert(&mut self, hash: u32, id: u32) -> bool {
        let first = home(hash);
        let free = |at: usize| (0..SLOTS).find(|slot| self.tag_in(at, *slot) == 0);
        let mut at = first;
        let slot = loop {
            if let Some(slot) = free(at) {
                break slot;
            }
            if self.tags[at] >= PASSED * 255 {
                return false;
            }
            at = (at + 1) % BUCKETS;
            if at == first {
                return false;
            }
        };
        let mut passed = first;
        while passed != at {
            self.tags[passed] += PASSED;
            passed = (passed + 1) % BUCKETS;
        }
        self.tags[at] |= tag(hash) << (slot * 8);
        (self.slots[at].hashes[slot], self.slots[at].ids[slot]) = (hash, id);
        self.used += 1;
        true
    }

    fn remove(&mut self, hash: u32, id: u32) -> bool {
        let first = home(hash);
        let is_it = |at: usize, slot: &usize| {
            self.tag_in(at, *slot) == tag(hash)
                && self.slots[at].hashes[*slot] == hash
                && self.slots[at].ids[*slot] == id
        };
        let places = (0..BUCKETS).map(|n| (first + n) % BUCKETS);
        let found =
            places.flat_map(|at| (0..SLOTS).map(move |slot| (at, slot))).find(|(at, s)| is_it(*at, s));
        let Some((at, slot)) = found else { return false };
        self.tags[at] &= !(0xff << (slot * 8));
        let mut passed = first;
        while passed != at {
            self.tags[passed] -= PASSED;
            passed = (passed + 1) % BUCKETS;
        }
        self.used -= 1;
        true
    }

    fn tag_in(&self, bucket: usize, slot: usize) -> u64 {
        self.tags[bucket] >> (slot * 8) & 0xff
    }

    fn entries(&self) -> impl Iterator<Item = (u32, u32)> {
        self.tags.iter().zip(&self.slots).flat_map(|(tags, bucket)| {
            let there = (0..SLOTS).filter(move |slot| tags >> (slot * 8) & 0xff != 0);
            there.map(|slot| (bucket.hashes[slot], bucket.ids[slot]))
        })
    }
}

/// A function and no closure, which would be compiled for the baseline.
#[inline(always)]
fn accept_any(_: u32) -> bool {
    true
}

#[inline(always)]
fn home(hash: u32) -> usize {
    hash as usize % BUCKETS
}

/// What a slot in use has in its bucket's word; not 0.
#[inline(always)]
fn tag(hash: u32) -> u64 {
    u64::from((hash >> 8 & 0xff).max(1))
}

/// The high bits of the bytes that are this hash's tag, and of no others: a place that is free may still have its hash.
#[inline(always)]
fn same_tags(tags: u64, hash: u32) -> u64 {
    let half = tag(hash) * 0x0101_0101;
    let differ = (tags ^ (half | half << 32)) & (LOW * 0xff);
    !(((differ & (HIGH - LOW)) + (HIGH - LOW)) | differ) & HIGH
}

/// Not 0 if a bucket with these tags may have a hash, or it may have gone past it.
#[inline(always)]
fn may_have(tags: u64, hash: u32) -> u64 {
    same_tags(tags, hash) | tags >> 56
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn all_under(table: &Table, hash: u32) -> BTreeSet<u32> {
        let mut all = BTreeSet::new();
        table.find(hash, |id| {
            all.insert(id);
            false
        });
        all
    }

    proptest! {
        #[test]
        fn is_a_multimap(ops in prop::collection::vec((0u32..600, 0u32..30, 0u8..10), 1..3000)) {
            let (mut table, mut model) = (Table::new(), BTreeSet::new());
            // Few buckets and tags, so that buckets run over; all of the directory's bits.
            let spread = |n: u32| n.wrapping_mul(0x9e37_79b9) & 0xfff0_0103;
            for (n, id, op) in ops {
                let hash = spread(n);
                if op > 2 {
                    if model.insert((hash, id)) {
                        prop_assert_eq!(table.insert(hash, id), Ok(()));
                    }
                } else if model.remove(&(hash, id)) {
                    table.remove(hash, id);
                }
                let expected: BTreeSet<u32> =
                    model.range((hash, 0)..=(hash, u32::MAX)).map(|(_, id)| *id).collect();
                prop_assert_eq!(all_under(&table, hash), expected);
            }
            prop_assert_eq!(table.len(), model.len());
            for (hash, id) in model {
                table.remove(hash, id);
                prop_assert!(!all_under(&table, hash).contains(&id));
            }
            prop_assert_eq!(table.len(), 0);
        }
    }

    #[test]
    fn grows_by_segments_and_refuses_what_all_share() {
        let mut table = Table::new();
        for n in 0..100_000_u32 {
            table.insert(n.wrapping_mul(0x9e37_79b9), n).unwrap();
        }
        assert!((60..400).contains(&table.segments.len()), "{}", table.segments.len());
        for n in 0..100_000_u32 {
            assert_eq!(table.find(n.wrapping_mul(0x9e37_79b9), |id| id == n), Some(n));
        }
        let mut one = Table::new();
        let taken = (0..5000).take_while(|n| one.insert(7, *n).is_ok()).count();
        assert!(taken >= 255, "{taken}");
        assert_eq!(all_under(&one, 7).len(), taken);
    }
}
