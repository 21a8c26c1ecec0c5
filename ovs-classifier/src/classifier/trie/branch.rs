//! A branch of a trie: an array indexed by the few bits behind those in which all of its prefixes agree.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::{Entry, Node, Said, Value, count};
use crate::rcu::Link;
use crate::rcu::sync::AtomicU64;

/// An array of `2^stride` slots for the bits from `depth` on.
///
/// Prefixes that end within these bits are *ends*; longer ones stand below their slot. All are longer than
/// `depth` and begin with `base`. The `2^(l)` beginnings of length `l` are numbered from `2^l` on (so
/// beginning `n` goes on as `2n` and `2n + 1`), for the marks of ends and of what exists.
pub(super) struct Branch<K: Value> {
    base: K,
    depth: u8,
    stride: u8,
    slots: Box<[Slot<K>]>,
    /// For each beginning, whether some prefix has it.
    exists: [AtomicU64; MARKS],
    /// For each beginning, whether a prefix ends there; the writer's own business.
    ends: Box<[AtomicU64; MARKS]>,
    /// How many prefixes are here and below, and how many are too many; the writer's own business.
    prefixes: AtomicU32,
    most: u32,
}

/// Where a value goes on.
pub(super) struct Slot<K: Value> {
    below: Link<Node<K>>,
    /// Bit `8 - l`: there is an end of length `l` that the slot's bits begin with.
    lengths: AtomicU8,
}

/// The most bits of an array.
const WIDEST: u8 = 8;
/// Words with a bit for each beginning.
const MARKS: usize = (2 << WIDEST) / 64;
/// Those of one that is made to part two ways.
const NARROW: u8 = 4;
/// How many prefixes a slot gets when an array is made.
const PER_SLOT: u32 = 8;
/// When there are so many times as many prefixes, the array is made anew.
const GROWTH: u32 = 8;

impl<K: Value> Branch<K> {
    fn new(base: K, depth: u8, stride: u8, prefixes: u32, growth: u32) -> Self {
        let slot = || Slot { below: Link::new(None), lengths: AtomicU8::new(0) };
        Self {
            base: base.cut(depth),
            depth,
            stride,
            slots: (0..1 << stride).map(|_| slot()).collect(),
            exists: core::array::from_fn(|_| AtomicU64::new(0)),
            ends: Box::new(core::array::from_fn(|_| AtomicU64::new(0))),
            prefixes: AtomicU32::new(prefixes),
            most: if stride < WIDEST { prefixes.saturating_mul(growth) } else { u32::MAX },
        }
    }

    /// All of these prefixes, which are too many for a bucket.
    pub(super) fn of(entries: Vec<Entry<K>>) -> Self {
        let prefixes = entries.len() as u32;
        let Some(base) = entries.first().map(|entry| entry.prefix) else {
            return Self::new(K::of(0), 0, 1, prefixes, GROWTH);
        };
        let shared = entries.iter().map(|entry| base.common(entry.prefix).min(entry.len - 1)).min();
        let depth = shared.unwrap_or(0);
        let stride = ((prefixes / PER_SLOT).max(1).ilog2() as u8).clamp(2, WIDEST);
        let mut branch = Self::new(base, depth, stride.min(K::BITS - depth), prefixes, GROWTH);
        let mut below: Vec<Vec<Entry<K>>> = (0..branch.slots.len()).map(|_| Vec::new()).collect();
        for entry in entries {
            if branch.enter(entry).is_ok() {
                below[branch.slot(entry.prefix)].push(entry);
            }
        }
        for (slot, entries) in branch.slots.iter_mut().zip(below) {
            slot.below = Link::new((!entries.is_empty()).then(|| Arc::new(Node::of(entries))));
        }
        branch
    }

    /// A branch for a prefix that does not belong below `old`, with `old` below it.
    pub(super) fn above(old: &Self, entry: Entry<K>, link: Option<Arc<Node<K>>>) -> Self {
        let depth = entry.prefix.common(old.base).min(entry.len - 1).min(old.depth - 1);
        let prefixes = old.prefixes.load(Ordering::Relaxed);
        let mut branch = Self::new(old.base, depth, NARROW.min(old.depth - depth), prefixes, 2);
        let slot = branch.slot(old.base);
        branch.mark(slot, branch.stride);
        branch.slots[slot].below = Link::new(link);
        branch
    }

    /// Takes the value one step further: what ends here goes into `said`; the link to what is below, unless
    /// all is said.
    #[inline]
    pub(super) fn step(&self, value: K, said: &mut Said<K>) -> Option<&Link<Node<K>>> {
        self.pass(self.slot_for(value, said)?, value, said)
    }

    /// The first half of a step: the slot for a value, unless all is said.
    #[inline]
    pub(super) fn slot_for(&self, value: K, said: &mut Said<K>) -> Option<&Slot<K>> {
        let common = value.common(self.base);
        if common < self.depth {
            said.bits = common + 1;
            return None;
        }
        Some(&self.slots[value.slice(self.depth, self.stride)])
    }

    /// The second half.
    #[inline]
    pub(super) fn pass<'a>(
        &self,
        slot: &'a Slot<K>,
        value: K,
        said: &mut Said<K>,
    ) -> Option<&'a Link<Node<K>>> {
        said.ends = said.ends.with_ends(slot.lengths.load(Ordering::Relaxed), self.depth);
        if slot.below.is_none() {
            said.bits = self.depth + self.reach(value.slice(self.depth, self.stride));
            return None;
        }
        said.bits = self.depth + self.stride;
        Some(&slot.below)
    }

    /// How many bits of a slot under which nothing stands tell it from all that exists.
    fn reach(&self, at: usize) -> u8 {
        let start = 1 << self.stride | at;
        // Where one is marked, all shorter ones are.
        let agreed = (0..self.stride).map(|rest| u8::from(self.has(start >> rest))).sum::<u8>();
        let other = agreed < self.stride && self.has(start >> (self.stride - agreed - 1) ^ 1);
        agreed + u8::from(other)
    }

    /// Whether a prefix belongs here or below.
    pub(super) fn contains(&self, prefix: K, len: u8) -> bool {
        len > self.depth && prefix.common(self.base) >= self.depth
    }

    /// Marks the way of a prefix, and gives the link to what is below; of one that ends here, this says whether it
    /// is new.
    pub(super) fn enter(&self, entry: Entry<K>) -> Result<&Link<Node<K>>, bool> {
        let slot = self.slot(entry.prefix);
        if let Some(below) = self.below(entry.prefix, entry.len) {
            self.mark(slot, self.stride);
            return Ok(below);
        }
        let (own, end) = (entry.len - self.depth, self.end(entry.prefix, entry.len));
        if has(&self.ends, end) {
            return Err(false);
        }
        self.mark(slot, own);
        put(&self.ends, end, true);
        for slot in self.under(slot, own) {
            slot.lengths.store(slot.lengths.load(Ordering::Relaxed) | 1 << (WIDEST - own), Ordering::Relaxed);
        }
        Err(true)
    }

    /// The link below which a prefix stands, if it does not end here.
    pub(super) fn below(&self, prefix: K, len: u8) -> Option<&Link<Node<K>>> {
        (len > self.depth + self.stride).then(|| &self.slots[self.slot(prefix)].below)
    }

    /// Takes away a prefix that ends here. Says whether it was there.
    pub(super) fn leave(&self, prefix: K, len: u8) -> bool {
        let end = self.end(prefix, len);
        if !has(&self.ends, end) {
            return false;
        }
        put(&self.ends, end, false);
        let own = len - self.depth;
        for slot in self.under(self.slot(prefix), own) {
            slot.lengths
                .store(slot.lengths.load(Ordering::Relaxed) & !(1 << (WIDEST - own)), Ordering::Relaxed);
        }
        true
    }

    /// Brings the marks on the way of a prefix up to date, after something went.
    pub(super) fn settle(&self, prefix: K) {
        let at = self.slot(prefix);
        for len in (1..=self.stride).rev() {
            let n = (1 << self.stride | at) >> (self.stride - len);
            let below = if len == self.stride {
                !self.slots[at].below.is_none()
            } else {
                self.has(2 * n) || self.has(2 * n + 1)
            };
            put(&self.exists, n, below || has(&self.ends, n));
        }
    }

    /// Counts a prefix more. Says whether there are too many now.
    pub(super) fn grow(&self) -> bool {
        count(&self.prefixes, 1);
        self.prefixes.load(Ordering::Relaxed) > self.most
    }

    /// Counts a prefix less.
    pub(super) fn shrink(&self) {
        count(&self.prefixes, u32::MAX);
    }

    /// Whether no prefix is here or below.
    pub(super) fn is_empty(&self) -> bool {
        !self.has(2) && !self.has(3)
    }

    /// The prefixes that end here.
    pub(super) fn own_entries(&self) -> impl Iterator<Item = Entry<K>> {
        (2..2_usize << self.stride).filter(|n| has(&self.ends, *n)).map(|n| {
            let len = self.depth + n.ilog2() as u8;
            Entry { prefix: self.base.join(n ^ 1 << n.ilog2(), len), len }
        })
    }

    /// The links to what is below.
    pub(super) fn links(&self) -> impl Iterator<Item = &Link<Node<K>>> {
        self.slots.iter().map(|slot| &slot.below)
    }

    fn has(&self, n: usize) -> bool {
        has(&self.exists, n)
    }

    /// Marks the first `len` beginnings of a slot, the longest first: where one is marked, all shorter ones are.
    fn mark(&self, at: usize, len: u8) {
        let mut n = (1 << self.stride | at) >> (self.stride - len);
        while n > 1 && !self.has(n) {
            put(&self.exists, n, true);
            n /= 2;
        }
    }

    fn slot(&self, prefix: K) -> usize {
        prefix.slice(self.depth, self.stride)
    }

    /// The number of the beginning at which a prefix ends.
    fn end(&self, prefix: K, len: u8) -> usize {
        (1 << self.stride | self.slot(prefix)) >> (self.stride - (len - self.depth))
    }

    /// The slots that begin as `at` does for `len` bits.
    fn under(&self, at: usize, len: u8) -> &[Slot<K>] {
        let free = self.stride - len;
        let start = at >> free << free;
        &self.slots[start..start + (1 << free)]
    }
}

/// Whether a beginning is marked.
#[inline]
fn has(marks: &[AtomicU64; MARKS], n: usize) -> bool {
    marks[n / 64].load(Ordering::Relaxed) >> (n % 64) & 1 == 1
}

/// Marks a beginning, or takes its mark away.
fn put(marks: &[AtomicU64; MARKS], n: usize, marked: bool) {
    let (word, bit) = (&marks[n / 64], 1 << (n % 64));
    let others = word.load(Ordering::Relaxed) & !bit;
    word.store(if marked { others | bit } else { others }, Ordering::Relaxed);
}
