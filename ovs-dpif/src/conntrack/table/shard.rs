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
/// Vacant places that are kept before any is lived in again, so that a worker that has just found a connection which then
/// ended does not write to another's.
const RESTING: usize = 32;

/// What only who holds the shard looks at. Only workers do.
#[derive(Debug)]
pub(in super::super) struct Inner {
    pub spare: Spare,
    /// Places that nobody has lived in.
    fresh: Range<u32>,
    /// Those that somebody has, the one that has been so longest first.
    vacant: VecDeque<u32>,
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
    pub fn vacancy(&mut self, slab: &Slab) -> Option<u32> {
        if self.vacant.len() > RESTING {
            return self.vacant.pop_front();
        }
        if self.fresh.is_empty()
            && let Some(first) = slab.take()
        {
            self.fresh = first..first + CHUNK;
        }
        self.fresh.next().or_else(|| self.vacant.pop_front())
    }

    /// A place is free again.
    pub fn vacate(&mut self, id: u32) {
        self.vacant.push_back(id);
    }
}
