//! The hash table that one writer changes while readers look things up.
//!
//! Slots stand in groups of eight. Beside them each group has a word of *tags*, a byte a slot: seven bits of
//! the hash, or that the slot is free. A reader compares the eight tags of a group at once, and most that look for
//! what is not there see no more of the table than one such word, of a part that is a ninth of the whole; a
//! group with a slot that was never needed for what came later ends the search, else the next group follows.
//!
//! The writer fills a payload first and its tag after it. What is removed leaves its tag free at once, but
//! marked in a group without any free slot, since there may be more behind that group. Growing builds a new table
//! beside the readers.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::arch::prefetch;
use crate::rcu::sync::AtomicU64;
use crate::rcu::{Domain, Guard, Link};

/// What a slot holds.
pub(crate) trait Payload: Send + Sync + 'static {
    /// An empty one.
    fn vacant() -> Self;
    /// Whether nothing is here.
    fn is_vacant(&self) -> bool;
    /// The same content for another table, and its hash.
    fn copy(&self, guard: &Guard<'_>) -> Option<(u64, Self)>
    where
        Self: Sized;
    /// Begins to fetch what [`Payload::copy`] and dropping it touch elsewhere.
    fn fetch(&self) {}
    /// Makes it vacant, when no reader can see it any more.
    fn empty(&mut self) {}
}

/// A hash table of payloads. Only the one writer calls [`SlotMap::insert`] and [`SlotMap::vacated`].
pub(crate) struct SlotMap<P: Payload> {
    table: Link<Table<P>>,
}

struct Table<P: Payload> {
    /// A word for each group; as many as a power of two.
    tags: Box<[AtomicU64]>,
    slots: Box<[P]>,
    /// Slots whose tag is not [`FREE`], and those of them that are not [`GONE`]; the writer's own business.
    used: AtomicUsize,
    live: AtomicUsize,
}

/// Slots of a group.
const GROUP: usize = 8;
/// Payloads that are fetched ahead when they are copied or dropped.
const AHEAD: usize = 16;
/// The tag of a slot that no search needs to go past.
const FREE: u8 = 0;
/// That of one that is free, in a group that searches go past.
const GONE: u8 = 1;
/// The lowest bit, and the highest, of each byte.
const LOW: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = LOW << 7;

/// The tag of a slot in use.
#[inline(always)]
fn tag(hash: u64) -> u8 {
    (hash >> 57) as u8 | 0x80
}

/// The bytes of a word that are this tag, by their highest bits; beside them, rarely, one in use above such a byte.
#[inline(always)]
fn equal(tags: u64, tag: u8) -> u64 {
    let differs = tags ^ LOW.wrapping_mul(u64::from(tag));
    differs.wrapping_sub(LOW) & !differs & HIGH
}

/// The place in a group of the first of some bytes.
#[inline(always)]
fn first(bytes: u64) -> usize {
    bytes.trailing_zeros() as usize / 8
}

impl<P: Payload> SlotMap<P> {
    /// An empty one, which allocates nothing yet.
    pub(crate) fn new() -> Self {
        Self { table: Link::new(None) }
    }

    /// What `check` makes of the first payload that it takes, of those that may have this hash: all that have, and
    /// few others.
    #[inline(always)]
    pub(crate) fn find<'g, T>(
        &'g self,
        hash: u64,
        guard: &'g Guard<'_>,
        check: impl FnMut(&'g P) -> Option<T>,
    ) -> Option<T> {
        let table = self.table.load(guard)?;
        let tags = table.tags[hash as usize & (table.tags.len() - 1)].load(Ordering::Acquire);
        // Most that look for what is not there know now.
        if equal(tags, tag(hash)) == 0 && equal(tags, FREE) != 0 { None } else { table.find(hash, check) }
    }

    /// Begins to fetch what [`SlotMap::find`] looks at first.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64, guard: &Guard<'_>) {
        if let Some(table) = self.table.load(guard) {
            prefetch(&table.tags[hash as usize & (table.tags.len() - 1)]);
        }
    }

    /// Begins to fetch the payload that [`SlotMap::find`] probably finds, if payloads are words.
    #[inline]
    pub(crate) fn prefetch_slots(&self, hash: u64, guard: &Guard<'_>) {
        if let Some(table) = self.table.load(guard) {
            prefetch(&table.slots[(hash as usize & (table.tags.len() - 1)) * GROUP]);
        }
    }

    /// All payloads that are not vacant.
    pub(crate) fn all<'g>(&'g self, guard: &'g Guard<'_>) -> impl Iterator<Item = &'g P> {
        let slots: &[P] = self.table.load(guard).map_or(&[], |table| &table.slots);
        slots.iter().filter(|payload| !payload.is_vacant())
    }

    /// Puts a payload in by `fill`, into a slot that is vacant and gets `hash`.
    pub(crate) fn insert(&self, hash: u64, guard: &Guard<'_>, domain: &Domain, fill: impl FnOnce(&P)) {
        let table = self.with_room(guard, domain);
        let (at, place) = table.place_for(hash);
        fill(&table.slots[at * GROUP + place]);
        table.set_tag(at, place, tag(hash));
    }

    /// Says that the writer just made a payload with this hash vacant.
    pub(crate) fn vacated(&self, hash: u64, guard: &Guard<'_>) {
        if let Some(table) = self.table.load(guard) {
            table.free(hash);
        }
    }

    /// The table, with a slot free beside those that keep probing short.
    fn with_room<'g>(&'g self, guard: &'g Guard<'_>, domain: &Domain) -> &'g Table<P> {
        let live = match self.table.load(guard) {
            Some(table) if table.used.load(Ordering::Relaxed) < table.slots.len() / 8 * 7 => return table,
            Some(table) => table.live.load(Ordering::Relaxed),
            None => 0,
        };
        let groups = (live * 3 / 2 / GROUP + 1).next_power_of_two();
        let mut fresh = Table::new(groups);
        if let Some(old) = self.table.load(guard) {
            fresh.copy_from(old, guard);
        }
        self.table.replace(Some(Arc::new(fresh)), domain);
        match self.table.load(guard) {
            Some(table) => table,
            None => unreachable!("only the writer changes the table, and it just set it"),
        }
    }
}

impl<P: Payload> Table<P> {
    fn new(groups: usize) -> Self {
        Self {
            tags: (0..groups).map(|_| AtomicU64::new(0)).collect(),
            slots: (0..groups * GROUP).map(|_| P::vacant()).collect(),
            used: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
        }
    }

    /// Fills a table that no reader has seen yet, and which has room.
    fn copy_from(&mut self, old: &Self, guard: &Guard<'_>) {
        for (n, payload) in old.slots.iter().enumerate() {
            if let Some(later) = old.slots.get(n + AHEAD) {
                later.fetch();
            }
            let Some((hash, payload)) = payload.copy(guard) else { continue };
            let (at, place) = self.place_for(hash);
            self.slots[at * GROUP + place] = payload;
            self.set_tag(at, place, tag(hash));
        }
    }

    /// See [`SlotMap::find`].
    fn find<'g, T>(&'g self, hash: u64, mut check: impl FnMut(&'g P) -> Option<T>) -> Option<T> {
        let last = self.tags.len() - 1;
        let mut at = hash as usize & last;
        for _ in 0..=last {
            let tags = self.tags[at].load(Ordering::Acquire);
            let mut found = equal(tags, tag(hash));
            while found != 0 {
                if let Some(found) = check(&self.slots[at * GROUP + first(found)]) {
                    return Some(found);
                }
                found &= found - 1;
            }
            if equal(tags, FREE) != 0 {
                return None;
            }
            at = (at + 1) & last;
        }
        None
    }

    /// The group for a hash, and the slot in it; there is a free one.
    fn place_for(&self, hash: u64) -> (usize, usize) {
        let mut at = hash as usize & (self.tags.len() - 1);
        loop {
            // Those in use have the highest bit.
            let free = !self.tags[at].load(Ordering::Relaxed) & HIGH;
            if free != 0 {
                return (at, first(free));
            }
            at = (at + 1) & (self.tags.len() - 1);
        }
    }

    /// Puts a tag to a free slot.
    fn set_tag(&self, at: usize, place: usize, tag: u8) {
        let tags = self.tags[at].load(Ordering::Relaxed);
        let before = (tags >> (place * 8)) as u8;
        add(&self.used, usize::from(before == FREE));
        add(&self.live, 1);
        self.store_tag(at, place, tag);
    }

    fn store_tag(&self, at: usize, place: usize, tag: u8) {
        let tags = self.tags[at].load(Ordering::Relaxed) & !(0xff << (place * 8));
        self.tags[at].store(tags | u64::from(tag) << (place * 8), Ordering::Release);
    }

    /// Frees the slot of this hash whose payload is vacant.
    fn free(&self, hash: u64) {
        let mut at = hash as usize & (self.tags.len() - 1);
        for _ in 0..self.tags.len() {
            let tags = self.tags[at].load(Ordering::Relaxed);
            let mut found = equal(tags, tag(hash));
            while found != 0 {
                let place = first(found);
                found &= found - 1;
                if (tags >> (place * 8)) as u8 == tag(hash) && self.slots[at * GROUP + place].is_vacant() {
                    let passed = equal(tags, FREE) == 0;
                    self.store_tag(at, place, if passed { GONE } else { FREE });
                    add(&self.used, usize::MAX * usize::from(!passed));
                    add(&self.live, usize::MAX);
                    return;
                }
            }
            if equal(tags, FREE) != 0 {
                return;
            }
            at = (at + 1) & (self.tags.len() - 1);
        }
    }
}

impl<P: Payload> Drop for Table<P> {
    /// What payloads lead to is in another table by now and far away.
    fn drop(&mut self) {
        for n in 0..self.slots.len() {
            if let Some(later) = self.slots.get(n + AHEAD) {
                later.fetch();
            }
            if !self.slots[n].is_vacant() {
                self.slots[n].empty();
            }
        }
    }
}

/// Adds to a count that one thread writes.
fn add(to: &AtomicUsize, more: usize) {
    to.store(to.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}
