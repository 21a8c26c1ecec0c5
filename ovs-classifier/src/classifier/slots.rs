//! The hash table that one writer changes while readers look things up.
//!
//! Open addressing with linear probing: a slot is a hash and a payload. A slot once used keeps a hash
//! that is not zero until the table is rebuilt, so a reader that probes past it never stops early; what
//! is removed leaves an empty payload behind, which the next insertion on the way takes over. The writer
//! fills the payload first and the hash after it. Growing builds a new table beside the readers.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::rcu::sync::AtomicU64;
use crate::rcu::{Domain, Guard, Link};

/// What a slot holds beside its hash.
pub(crate) trait Payload: Send + Sync + 'static {
    /// An empty one.
    fn vacant() -> Self;
    /// Whether nothing is here.
    fn is_vacant(&self) -> bool;
    /// The same content for another table.
    fn copy(&self, guard: &Guard<'_>) -> Self;
}

impl<T: Send + Sync + 'static> Payload for Link<T> {
    fn vacant() -> Self {
        Self::new(None)
    }

    fn is_vacant(&self) -> bool {
        self.is_none()
    }

    fn copy(&self, guard: &Guard<'_>) -> Self {
        Self::new(self.load_arc(guard))
    }
}

/// A set of bits; the empty one is vacant.
impl Payload for AtomicU64 {
    fn vacant() -> Self {
        Self::new(0)
    }

    fn is_vacant(&self) -> bool {
        self.load(Ordering::Relaxed) == 0
    }

    fn copy(&self, _guard: &Guard<'_>) -> Self {
        Self::new(self.load(Ordering::Relaxed))
    }
}

/// A hash table of payloads. Only the one writer calls [`SlotMap::insert`] and [`SlotMap::vacated`].
pub(crate) struct SlotMap<P: Payload> {
    table: Link<Table<P>>,
}

struct Table<P> {
    slots: Box<[Slot<P>]>,
    /// Slots whose hash is not zero, and those of them that are not vacant; the writer's own business.
    used: AtomicUsize,
    live: AtomicUsize,
}

struct Slot<P> {
    hash: AtomicU64,
    payload: P,
}

const SMALLEST: usize = 4;

impl<P: Payload> SlotMap<P> {
    /// An empty one, which allocates nothing yet.
    pub(crate) fn new() -> Self {
        Self { table: Link::new(None) }
    }

    /// The payloads with this hash, vacant ones among them.
    #[inline]
    pub(crate) fn with_hash<'g>(&'g self, hash: u64, guard: &'g Guard<'_>) -> impl Iterator<Item = &'g P> {
        let slots: &[Slot<P>] = self.table.load(guard).map_or(&[], |table| &table.slots);
        let mut at = hash as usize;
        let mut left = slots.len();
        core::iter::from_fn(move || {
            while left > 0 {
                let slot = &slots[at & (slots.len() - 1)];
                let found = slot.hash.load(Ordering::Acquire);
                if found == 0 {
                    left = 0;
                    return None;
                }
                at = at.wrapping_add(1);
                left -= 1;
                if found == hash {
                    return Some(&slot.payload);
                }
            }
            None
        })
    }

    /// All payloads that are not vacant.
    pub(crate) fn all<'g>(&'g self, guard: &'g Guard<'_>) -> impl Iterator<Item = &'g P> {
        let slots: &[Slot<P>] = self.table.load(guard).map_or(&[], |table| &table.slots);
        slots.iter().map(|slot| &slot.payload).filter(|payload| !payload.is_vacant())
    }

    /// Puts a payload in by `fill`, into a slot that is vacant and gets `hash`.
    pub(crate) fn insert(&self, hash: u64, guard: &Guard<'_>, domain: &Domain, fill: impl FnOnce(&P)) {
        let table = self.with_room(guard, domain);
        let slots = &table.slots;
        let mut at = hash as usize & (slots.len() - 1);
        loop {
            let slot = &slots[at];
            let found = slot.hash.load(Ordering::Relaxed);
            if found == 0 || slot.payload.is_vacant() {
                fill(&slot.payload);
                slot.hash.store(hash, Ordering::Release);
                let used = table.used.load(Ordering::Relaxed) + usize::from(found == 0);
                table.used.store(used, Ordering::Relaxed);
                table.live.store(table.live.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                return;
            }
            at = (at + 1) & (slots.len() - 1);
        }
    }

    /// Says that the writer just made a payload vacant.
    pub(crate) fn vacated(&self, guard: &Guard<'_>) {
        if let Some(table) = self.table.load(guard) {
            table.live.store(table.live.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
        }
    }

    /// The table, with a slot free beside those that keep probing short.
    fn with_room<'g>(&'g self, guard: &'g Guard<'_>, domain: &Domain) -> &'g Table<P> {
        let live = match self.table.load(guard) {
            Some(table) if (table.used.load(Ordering::Relaxed) + 1) * 4 <= table.slots.len() * 3 => {
                return table;
            }
            Some(table) => table.live.load(Ordering::Relaxed),
            None => 0,
        };
        let mut fresh = Table::new(((live + 1) * 2).next_power_of_two().max(SMALLEST));
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
    fn new(size: usize) -> Self {
        let slots = (0..size).map(|_| Slot { hash: AtomicU64::new(0), payload: P::vacant() }).collect();
        Self { slots, used: AtomicUsize::new(0), live: AtomicUsize::new(0) }
    }

    /// Fills a table that no reader has seen yet.
    fn copy_from(&mut self, old: &Self, guard: &Guard<'_>) {
        let last = self.slots.len() - 1;
        let mut live = 0;
        for from in old.slots.iter().filter(|slot| !slot.payload.is_vacant()) {
            let hash = from.hash.load(Ordering::Relaxed);
            let mut at = hash as usize & last;
            while self.slots[at].hash.load(Ordering::Relaxed) != 0 {
                at = (at + 1) & last;
            }
            self.slots[at] = Slot { hash: AtomicU64::new(hash), payload: from.payload.copy(guard) };
            live += 1;
        }
        self.used = AtomicUsize::new(live);
        self.live = AtomicUsize::new(live);
    }
}
