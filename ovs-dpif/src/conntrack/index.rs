//! Finds connections by hash: buckets of a cache line each, and one more of them at a time.
//!
//! Linear hashing (W. Litwin, 1980): with `2^level + split` buckets, those below `split` have been divided by one more bit of the
//! hash. An insert into a table that is full enough divides the next one. Entries that find their bucket full go into
//! another that is linked behind it, which a keyed hash makes rare.

/// Entries of a bucket.
const ENTRIES: usize = 7;
/// Buckets of a page. Pages never move.
const PAGE: usize = 256;
/// Entries for each bucket, on average, from which on buckets are divided.
const FULL: usize = 4;
/// No bucket.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Bucket {
    hashes: [u32; ENTRIES],
    slots: [u32; ENTRIES],
    /// Overflow bucket.
    next: u32,
    /// Entries in use, from the first on.
    used: u32,
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    const EMPTY: Self = Self { hashes: [0; ENTRIES], slots: [0; ENTRIES], next: NONE, used: 0 };

    /// Slots of entries with this hash.
    #[inline]
    fn with(&self, hash: u32) -> impl Iterator<Item = u32> {
        let used = self.hashes.iter().zip(&self.slots).take(self.used as usize);
        used.filter(move |(h, _)| **h == hash).map(|(_, slot)| *slot)
    }

    fn push(&mut self, hash: u32, slot: u32) -> bool {
        let at = self.used as usize;
        if at == ENTRIES {
            return false;
        }
        (self.hashes[at], self.slots[at]) = (hash, slot);
        self.used += 1;
        true
    }

    fn remove(&mut self, hash: u32, slot: u32) -> bool {
        let used = self.used as usize;
        let at = (0..used).find(|at| self.hashes[*at] == hash && self.slots[*at] == slot);
        if let Some(at) = at {
            (self.hashes[at], self.slots[at]) = (self.hashes[used - 1], self.slots[used - 1]);
            self.used -= 1;
        }
        at.is_some()
    }
}

/// Hashes to slots; a hash may have several.
#[derive(Default)]
pub(super) struct Index {
    pages: Vec<Box<[Bucket; PAGE]>>,
    overflow: Vec<Bucket>,
    /// Unused overflow buckets.
    free: Vec<u32>,
    level: u32,
    split: u32,
    entries: usize,
    /// For entries of a bucket that is being divided.
    scratch: Vec<(u32, u32)>,
}

impl Index {
    /// Entries.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Buckets, without those for overflow.
    pub fn buckets(&self) -> usize {
        if self.pages.is_empty() { 0 } else { (1 << self.level) + self.split as usize }
    }

    /// The bucket of a hash.
    #[inline]
    fn bucket_of(&self, hash: u32) -> usize {
        let low = hash & ((1 << self.level) - 1);
        (if low < self.split { hash & ((2 << self.level) - 1) } else { low }) as usize
    }

    #[inline]
    fn bucket(&self, at: usize) -> Option<&Bucket> {
        self.pages.get(at / PAGE).map(|page| &page[at % PAGE])
    }

    /// Loads the bucket of a hash, so that a lookup that follows need not wait for it. Gives the first slot that may be
    /// it, and whether there may be others.
    #[inline]
    pub fn touch(&self, hash: u64) -> (Option<u32>, bool) {
        let hash = hash as u32;
        let Some(bucket) = self.bucket(self.bucket_of(hash)) else { return (None, false) };
        let mut slots = bucket.with(hash);
        (slots.next(), slots.next().is_some() || bucket.next != NONE)
    }

    /// Shows all slots with this hash.
    #[inline]
    pub fn each(&self, hash: u64, mut show: impl FnMut(u32)) {
        let hash = hash as u32;
        let mut bucket = self.bucket(self.bucket_of(hash));
        while let Some(this) = bucket {
            this.with(hash).for_each(&mut show);
            bucket = self.overflow.get(this.next as usize);
        }
    }

    /// Adds an entry.
    pub fn insert(&mut self, hash: u64, slot: u32) {
        if self.pages.is_empty() {
            self.pages.push(Box::new([Bucket::EMPTY; PAGE]));
        } else if self.entries >= self.buckets() * FULL && self.level < 30 {
            self.divide();
        }
        self.entries += 1;
        self.put(hash as u32, slot);
    }

    /// Takes an entry out; false if there is none.
    pub fn remove(&mut self, hash: u64, slot: u32) -> bool {
        let hash = hash as u32;
        let at = self.bucket_of(hash);
        let Some(home) = self.pages.get_mut(at / PAGE).map(|page| &mut page[at % PAGE]) else { return false };
        if home.remove(hash, slot) {
            self.entries -= 1;
            return true;
        }
        let mut at = home.next;
        while let Some(bucket) = self.overflow.get_mut(at as usize) {
            if bucket.remove(hash, slot) {
                self.entries -= 1;
                return true;
            }
            at = bucket.next;
        }
        false
    }

    fn put(&mut self, hash: u32, slot: u32) {
        let at = self.bucket_of(hash);
        let Some(home) = self.pages.get_mut(at / PAGE).map(|page| &mut page[at % PAGE]) else { return };
        if home.push(hash, slot) {
            return;
        }
        let first = home.next;
        let mut at = first;
        while let Some(bucket) = self.overflow.get_mut(at as usize) {
            if bucket.push(hash, slot) {
                return;
            }
            at = bucket.next;
        }
        let mut more = Bucket { next: first, ..Bucket::EMPTY };
        more.push(hash, slot);
        home.next = if let Some(free) = self.free.pop() {
            self.overflow[free as usize] = more;
            free
        } else {
            self.overflow.push(more);
            self.overflow.len() as u32 - 1
        };
    }

    /// Divides one bucket into two.
    fn divide(&mut self) {
        let new = (1 << self.level) + self.split as usize;
        if new / PAGE >= self.pages.len() {
            self.pages.push(Box::new([Bucket::EMPTY; PAGE]));
        }
        let at = self.split as usize;
        let mut bucket = std::mem::replace(&mut self.pages[at / PAGE][at % PAGE], Bucket::EMPTY);
        let mut entries = std::mem::take(&mut self.scratch);
        loop {
            let used = bucket.hashes.iter().zip(&bucket.slots).take(bucket.used as usize);
            entries.extend(used.map(|(hash, slot)| (*hash, *slot)));
            let next = bucket.next;
            let Some(more) = self.overflow.get(next as usize) else { break };
            bucket = *more;
            self.free.push(next);
        }
        self.split += 1;
        if self.split == 1 << self.level {
            (self.level, self.split) = (self.level + 1, 0);
        }
        for (hash, slot) in entries.drain(..) {
            self.put(hash, slot);
        }
        self.scratch = entries;
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
            let mut index = Index::default();
            let mut model = BTreeSet::new();
            for (add, number, slot) in steps {
                // Either all over the buckets, or many to one.
                let hash = if spread { number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20 } else { number / 50 };
                let key = (hash as u32, slot);
                if add && model.insert(key) {
                    index.insert(hash, slot);
                } else if !add {
                    prop_assert_eq!(index.remove(hash, slot), model.remove(&key));
                }
                prop_assert_eq!(index.len(), model.len());
                let mut found = false;
                index.each(hash, |s| found |= s == slot);
                prop_assert_eq!(found, model.contains(&key));
            }
            for (hash, slot) in model {
                prop_assert!(index.remove(u64::from(hash), slot));
            }
            prop_assert_eq!(index.len(), 0);
        }
    }
}
