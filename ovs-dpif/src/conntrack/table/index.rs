//! Finds places by hash: buckets of a cache line each, and one more of them at a time.
//!
//! Linear hashing (W. Litwin, 1980): with `2^level + split` buckets, those below `split` have been divided by one more bit of the
//! hash. An insert into a table that is full enough divides the next one. Entries that find their bucket full go into
//! another that is linked behind it, which a keyed hash makes rare.
//!
//! Who changes it holds its [`Spare`], which stands behind a lock. Who reads it holds nothing: what is found is checked against
//! the connection itself, and what is not found counts only if [`Index::version`] is what it was before.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use ovs_classifier::arch::prefetch;

/// Entries of a bucket.
const ENTRIES: usize = 7;
/// Buckets of the first segment. Each further one doubles their number.
const FIRST: usize = 16;
/// Segments at most.
const SEGMENTS: usize = 22;
/// Entries for each bucket, on average, from which on buckets are divided.
const FULL: usize = 3;
/// No bucket.
const NONE: u32 = u32::MAX;
/// Buckets of a chain at most that a reader follows: one that is led about by changes starts over.
const FOLLOWED: usize = 64;

/// A cache line of entries.
#[derive(Debug)]
#[repr(C, align(64))]
pub(in super::super) struct Bucket {
    hashes: [AtomicU32; ENTRIES],
    ids: [AtomicU32; ENTRIES],
    /// Overflow bucket.
    next: AtomicU32,
    /// Entries in use, from the first on.
    used: AtomicU32,
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Default for Bucket {
    fn default() -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU32::new(0));
        Self { hashes: zeros(), ids: zeros(), next: AtomicU32::new(NONE), used: AtomicU32::new(0) }
    }
}

impl Bucket {
    #[inline]
    fn used(&self) -> usize {
        (self.used.load(Ordering::Acquire) as usize).min(ENTRIES)
    }

    /// Which entries have this hash, as bits: without a branch for each, for which it is cannot be foreseen.
    #[inline]
    fn equal(&self, hash: u32) -> u32 {
        let used = self.used();
        let entries = self.hashes.iter().enumerate();
        let equal = entries
            .fold(0, |equal, (at, held)| equal | u32::from(held.load(Ordering::Relaxed) == hash) << at);
        equal & ((1 << used) - 1)
    }

    fn push(&self, hash: u32, id: u32) -> bool {
        let at = self.used();
        if at == ENTRIES {
            return false;
        }
        self.hashes[at].store(hash, Ordering::Relaxed);
        self.ids[at].store(id, Ordering::Relaxed);
        self.used.store(at as u32 + 1, Ordering::Release);
        true
    }

    fn position(&self, hash: u32, id: u32) -> Option<usize> {
        let is = |at: &usize| {
            self.hashes[*at].load(Ordering::Relaxed) == hash && self.ids[*at].load(Ordering::Relaxed) == id
        };
        (0..self.used()).find(is)
    }

    /// Takes an entry out: the last one takes its place.
    fn remove(&self, at: usize) {
        let last = self.used() - 1;
        self.hashes[at].store(self.hashes[last].load(Ordering::Relaxed), Ordering::Relaxed);
        self.ids[at].store(self.ids[last].load(Ordering::Relaxed), Ordering::Relaxed);
        self.used.store(last as u32, Ordering::Release);
    }
}

/// Buckets by number, in segments that never move.
#[derive(Debug)]
struct Buckets([OnceLock<Box<[Bucket]>>; SEGMENTS]);

/// Segment and place of a bucket.
#[inline]
fn segment(at: usize) -> (usize, usize) {
    let (high, first) = ((at / FIRST) as u32, FIRST);
    if high == 0 {
        return (0, at);
    }
    let order = high.ilog2() as usize;
    (order + 1, at - (first << order))
}

impl Default for Buckets {
    fn default() -> Self {
        Self([const { OnceLock::new() }; SEGMENTS])
    }
}

impl Buckets {
    #[inline]
    fn get(&self, at: usize) -> Option<&Bucket> {
        let (segment, place) = segment(at);
        self.0.get(segment)?.get()?.get(place)
    }

    /// The same; makes the segment if there is none.
    fn make(&self, at: usize) -> Option<&Bucket> {
        let (segment, place) = segment(at);
        let size = FIRST << segment.saturating_sub(1);
        self.0.get(segment)?.get_or_init(|| (0..size).map(|_| Bucket::default()).collect()).get(place)
    }
}

/// What only who changes the index needs.
#[derive(Debug, Default)]
pub(in super::super) struct Spare {
    entries: usize,
    /// Overflow buckets that were made, and those that are not in use.
    overflow: u32,
    free: Vec<u32>,
    /// For entries of a bucket that is being divided.
    scratch: Vec<(u32, u32)>,
}

impl Spare {
    /// Entries.
    pub fn entries(&self) -> usize {
        self.entries
    }
}

/// Hashes to places; a hash may have several.
#[derive(Debug)]
pub(in super::super) struct Index {
    /// Odd while entries move.
    version: AtomicU64,
    /// Level, and in the lower half what has been split.
    shape: AtomicU64,
    buckets: Buckets,
    overflow: Buckets,
}

impl Default for Index {
    fn default() -> Self {
        let (version, shape) = (AtomicU64::new(0), AtomicU64::new(4 << 32));
        Self { version, shape, buckets: Buckets::default(), overflow: Buckets::default() }
    }
}

impl Index {
    /// Changes whenever an entry goes or moves; odd while that happens.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether nothing has gone or moved since.
    #[inline]
    pub fn is_still(&self, version: u64) -> bool {
        fence(Ordering::Acquire);
        version & 1 == 0 && self.version.load(Ordering::Relaxed) == version
    }

    fn begin(&self) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
    }

    fn end(&self) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Release);
    }

    #[inline]
    fn shape(&self) -> (u32, u32) {
        let shape = self.shape.load(Ordering::Acquire);
        ((shape >> 32) as u32, shape as u32)
    }

    /// Buckets, without those for overflow.
    pub fn buckets(&self) -> usize {
        let (level, split) = self.shape();
        (1 << level) + split as usize
    }

    /// The bucket of a hash.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        let (level, split) = self.shape();
        let low = hash & ((1 << level) - 1);
        (if low < split { hash & ((2 << level) - 1) } else { low }) as usize
    }

    /// The bucket of a hash, which begins to be fetched.
    #[inline]
    pub fn prefetch(&self, hash: u32) -> Option<&Bucket> {
        let bucket = self.buckets.get(self.home(hash))?;
        prefetch(bucket);
        Some(bucket)
    }

    /// The place of a hash, if there is just one in the bucket that was its bucket of late, and in those behind it.
    #[inline]
    pub fn only(&self, bucket: &Bucket, hash: u32) -> Option<u32> {
        if bucket.next.load(Ordering::Relaxed) == NONE {
            let equal = bucket.equal(hash);
            let id = bucket.ids.get(equal.trailing_zeros() as usize)?;
            return equal.is_power_of_two().then(|| id.load(Ordering::Relaxed));
        }
        let (mut only, mut several) = (None, false);
        self.each(hash, |id| several |= only.replace(id).is_some());
        only.filter(|_| !several)
    }

    /// Shows all places with this hash.
    #[inline]
    pub fn each(&self, hash: u32, mut show: impl FnMut(u32)) {
        let mut bucket = self.buckets.get(self.home(hash));
        for _ in 0..FOLLOWED {
            let Some(this) = bucket else { return };
            let mut equal = this.equal(hash);
            while let Some(id) = this.ids.get(equal.trailing_zeros() as usize) {
                show(id.load(Ordering::Relaxed));
                equal &= equal - 1;
            }
            let next = this.next.load(Ordering::Acquire);
            if next == NONE {
                return;
            }
            bucket = self.overflow.get(next as usize);
        }
    }

    /// Adds an entry; false if there can be no more.
    pub fn insert(&self, spare: &mut Spare, hash: u32, id: u32) -> bool {
        if spare.entries >= self.buckets() * FULL {
            self.divide(spare);
        }
        let done = self.put(spare, hash, id);
        spare.entries += usize::from(done);
        done
    }

    /// Takes an entry out; false if there is none.
    pub fn remove(&self, spare: &mut Spare, hash: u32, id: u32) -> bool {
        let mut bucket = self.buckets.get(self.home(hash));
        while let Some(this) = bucket {
            if let Some(at) = this.position(hash, id) {
                self.begin();
                this.remove(at);
                self.end();
                spare.entries -= 1;
                return true;
            }
            let next = this.next.load(Ordering::Relaxed);
            bucket = if next == NONE { None } else { self.overflow.get(next as usize) };
        }
        false
    }

    fn put(&self, spare: &mut Spare, hash: u32, id: u32) -> bool {
        let Some(home) = self.buckets.make(self.home(hash)) else { return false };
        if home.push(hash, id) {
            return true;
        }
        let first = home.next.load(Ordering::Relaxed);
        let mut at = first;
        while at != NONE
            && let Some(bucket) = self.overflow.get(at as usize)
        {
            if bucket.push(hash, id) {
                return true;
            }
            at = bucket.next.load(Ordering::Relaxed);
        }
        let new = spare.free.pop().unwrap_or(spare.overflow);
        let Some(more) = self.overflow.make(new as usize) else { return false };
        spare.overflow = spare.overflow.max(new + 1);
        more.next.store(first, Ordering::Relaxed);
        more.push(hash, id);
        home.next.store(new, Ordering::Release);
        true
    }

    /// Divides one bucket into two.
    fn divide(&self, spare: &mut Spare) {
        let (level, split) = self.shape();
        let new = (1 << level) + split as usize;
        if self.buckets.make(new).is_none() {
            return;
        }
        self.begin();
        let mut entries = std::mem::take(&mut spare.scratch);
        let mut bucket = self.buckets.make(split as usize);
        while let Some(this) = bucket {
            let used = this.hashes.iter().zip(&this.ids).take(this.used());
            entries.extend(used.map(|(hash, id)| (hash.load(Ordering::Relaxed), id.load(Ordering::Relaxed))));
            this.used.store(0, Ordering::Release);
            let next = this.next.swap(NONE, Ordering::Relaxed);
            bucket = None;
            if next != NONE {
                spare.free.push(next);
                bucket = self.overflow.get(next as usize);
            }
        }
        let (level, split) = if split + 1 == 1 << level { (level + 1, 0) } else { (level, split + 1) };
        self.shape.store(u64::from(level) << 32 | u64::from(split), Ordering::Release);
        for (hash, id) in entries.drain(..) {
            // There was room for all of them.
            self.put(spare, hash, id);
        }
        spare.scratch = entries;
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_set(steps in prop::collection::vec((any::<bool>(), 0..200_u64, 0..40_u32), 0..4000), spread in any::<bool>()) {
            let (index, mut spare) = (Index::default(), Spare::default());
            let mut model = BTreeSet::new();
            for (add, number, id) in steps {
                // Either all over the buckets, or many to one.
                let hash = (if spread { number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20 } else { number / 50 }) as u32;
                let key = (hash, id);
                if add && model.insert(key) {
                    prop_assert!(index.insert(&mut spare, hash, id));
                } else if !add {
                    prop_assert_eq!(index.remove(&mut spare, hash, id), model.remove(&key));
                }
                prop_assert_eq!(spare.entries(), model.len());
                let mut found = false;
                let mut all = BTreeSet::new();
                index.each(hash, |s| {
                    found |= s == id;
                    all.insert((hash, s));
                });
                prop_assert_eq!(found, model.contains(&key));
                if let Some(only) = index.prefetch(hash).and_then(|bucket| index.only(bucket, hash)) {
                    prop_assert_eq!(all, BTreeSet::from([(hash, only)]));
                }
            }
            for (hash, id) in model {
                prop_assert!(index.remove(&mut spare, hash, id));
            }
            prop_assert_eq!(spare.entries(), 0);
        }
    }

    #[test]
    fn segments_double() {
        assert_eq!(
            [0, 15, 16, 31, 32, 63, 64, 127, 128].map(segment),
            [(0, 0), (0, 15), (1, 0), (1, 15), (2, 0), (2, 31), (3, 0), (3, 63), (4, 0)]
        );
    }
}
