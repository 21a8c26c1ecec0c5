//! A part of the table: what is behind its lock, and what is not.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::super::helper::Helped;
use super::index::{Index, Spare};
use super::place::Place;
use super::slab::{CHUNK, Slab};

/// No place.
const NONE: u32 = u32::MAX;
/// How long a place stands vacant before it is lived in again, in milliseconds: a worker that has just found a connection which
/// then ended, and is held up before it writes what its packet changes, does not write to another's.
const REST: u64 = 250;
/// Vacant places beyond which they are lived in again all the same, the longest vacant first.
const RESTING: usize = 4096;

/// What only who holds the shard looks at. Only workers do.
#[derive(Debug)]
pub(in super::super) struct Inner {
    pub spare: Spare,
    /// Places that nobody has lived in.
    fresh: Range<u32>,
    /// Those that somebody has, and since when they are vacant, the one that has been so longest first.
    vacant: VecDeque<(u64, u32)>,
    /// Dead ones that are still to be taken out of the index.
    dying: u32,
    /// What helpers keep, by the connection's name.
    pub helped: BTreeMap<u64, Helped>,
}

/// See the module's head.
#[derive(Debug)]
#[repr(align(128))]
pub(in super::super) struct Shard {
    pub index: Index,
    /// The one that died last.
    dead: AtomicU32,
    inner: Mutex<Inner>,
}

impl Default for Shard {
    fn default() -> Self {
        let inner = Inner {
            spare: Spare::default(),
            fresh: 0..0,
            vacant: VecDeque::new(),
            dying: NONE,
            helped: BTreeMap::new(),
        };
        Self { index: Index::default(), dead: AtomicU32::new(NONE), inner: Mutex::new(inner) }
    }
}

impl Shard {
    /// Holds it. For workers alone, and for as long as one connection takes.
    #[inline]
    pub fn hold(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    /// Notes that a connection of this shard has ended. Anyone may.
    pub fn bury(&self, id: u32, place: &Place) {
        let mut last = self.dead.load(Ordering::Relaxed);
        loop {
            place.set_next(last);
            match self.dead.compare_exchange_weak(last, id, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => last = other,
            }
        }
    }

    /// One that has ended and is still in the index.
    pub fn exhume(&self, inner: &mut Inner, slab: &Slab) -> Option<u32> {
        if inner.dying == NONE && self.dead.load(Ordering::Relaxed) != NONE {
            inner.dying = self.dead.swap(NONE, Ordering::AcqRel);
        }
        let id = inner.dying;
        inner.dying = slab.get(id)?.next();
        Some(id)
    }
}

impl Inner {
    /// A place for one more; none if all are taken.
    pub fn vacancy(&mut self, slab: &Slab, now: u64) -> Option<u32> {
        let rested = |(since, _): &(u64, u32)| now.saturating_sub(*since) >= REST;
        if self.vacant.len() <= RESTING && !self.vacant.front().is_some_and(rested) {
            if self.fresh.is_empty()
                && let Some(first) = slab.take()
            {
                self.fresh = first..first + CHUNK;
            }
            if let Some(fresh) = self.fresh.next() {
                return Some(fresh);
            }
        }
        self.vacant.pop_front().map(|(_, id)| id)
    }

    /// A place is free again.
    pub fn vacate(&mut self, id: u32, now: u64) {
        self.vacant.push_back((now, id));
    }

    /// A place is free again that nobody has seen anybody live in: it need not rest.
    pub fn give_back(&mut self, id: u32) {
        self.vacant.push_front((0, id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_rest_before_they_are_lived_in_again() {
        let (shard, slab) = (Shard::default(), Slab::default());
        let mut held = shard.hold();
        let first = held.vacancy(&slab, 1000).unwrap();
        held.vacate(first, 1000);
        let second = held.vacancy(&slab, 1000 + REST - 1).unwrap();
        assert_ne!(second, first);
        held.vacate(second, 1100);
        assert_eq!(held.vacancy(&slab, 1000 + REST), Some(first));
        let third = held.vacancy(&slab, 1000 + REST).unwrap();
        held.give_back(third);
        assert_eq!(held.vacancy(&slab, 1000 + REST), Some(third));
    }

    #[test]
    fn a_clock_that_stands_still_does_not_keep_all_places_vacant() {
        let (shard, slab) = (Shard::default(), Slab::default());
        let mut held = shard.hold();
        for _ in 0..3 * RESTING {
            let id = held.vacancy(&slab, 7).unwrap();
            held.vacate(id, 7);
        }
        assert!(slab.len() as usize <= RESTING + 2 * CHUNK as usize, "{}", slab.len());
    }
}
