//! What is in flight, written down in memory that the frontend keeps while there is no backend (QEMU's
//! `docs/interop/vhost-user`, "Inflight I/O tracking"): a backend that comes after one that died takes up what that had taken
//! and not given back, each chain once, in the order in which it was taken.
//!
//! Who dies can die between any two of the stores here. So they have an order, which the orderings of the atomic ones keep: a chain is
//! noted before anything is done with it, and what is noted of it goes after the driver can see it. What was not finished between the
//! used ring's number and ours is the last batch, which is linked together before it is shown.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::ENTRIES_MAX;
use crate::vhost::memory::{Memory, Place};
use crate::vhost::message::{Malformed, Region, Watch};

const VERSION: u16 = 1;
/// Bytes before a region's entries, and of each of them.
const HEAD: usize = 16;
const ENTRY: usize = 16;
/// Regions begin at multiples of it.
const ALIGNMENT: usize = 64;

// Places in a region: its version, its number of entries, the last chain that was given back, the used ring's number.
const AT_VERSION: usize = 8;
const AT_ENTRIES: usize = 10;
const AT_BATCH: usize = 12;
const AT_USED: usize = 14;
// Places in an entry, which begins with whether the chain is in flight: the chain that was given back before, the order of taking.
const NEXT: usize = 6;
const ORDER: usize = 8;

/// Memory for what is in flight in several rings.
#[derive(Debug)]
pub(in crate::vhost) struct Inflight {
    memory: Arc<Memory>,
    watch: Watch,
}

/// Bytes of one region.
fn region(entries: u16) -> usize {
    (HEAD + ENTRY * usize::from(entries)).next_multiple_of(ALIGNMENT)
}

fn is_sound(watch: Watch) -> bool {
    watch.entries > 0 && u32::from(watch.entries) <= ENTRIES_MAX && watch.rings > 0
}

impl Inflight {
    /// New memory for so many rings of so many entries, and the bytes that it has; None for numbers that make no sense.
    pub fn make(watch: Watch) -> Option<(OwnedFd, u64)> {
        let size = region(watch.entries) as u64 * u64::from(watch.rings);
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = if is_sound(watch) { memfd_create("inflight", flags).ok()? } else { return None };
        ftruncate(&file, size).ok()?;
        Some((file, size))
    }

    /// What the frontend has kept.
    pub fn new(watch: Watch, fd: OwnedFd) -> Result<Self, Malformed> {
        let needed = region(watch.entries) as u64 * u64::from(watch.rings);
        if !is_sound(watch) || watch.size < needed {
            return Err(Malformed::Inflight);
        }
        let all = Region { guest: 0, user: 0, size: watch.size, offset: watch.offset };
        let memory = Memory::map(vec![all], &[fd])?;
        Ok(Self { memory: Arc::new(memory), watch })
    }

    pub fn is_lost(&self) -> bool {
        self.memory.is_lost()
    }

    /// Where a ring has its region; None for rings beyond those that it has.
    pub fn of_ring(&self, ring: u32) -> Option<(Arc<Memory>, Place)> {
        let size = region(self.watch.entries);
        let place = (ring < u32::from(self.watch.rings)).then(|| {
            self.memory
                .at_guest(u64::from(ring) * size as u64, HEAD + ENTRY * usize::from(self.watch.entries))
        });
        place.flatten().map(|place| (Arc::clone(&self.memory), place))
    }
}

/// What is in flight in one split ring.
#[derive(Debug)]
pub(super) struct Tracker {
    memory: Arc<Memory>,
    place: Place,
    /// What the next chain gets, so that those that are in flight have an order.
    order: u64,
    /// Chains that were given back and that the driver does not see yet.
    batch: Vec<u16>,
}

impl Tracker {
    /// Takes a region over, of a ring with so many entries, whose driver has seen so many used. Gives, if it was in use, the chains
    /// that are in flight, the first one last.
    pub fn new(
        memory: Arc<Memory>,
        place: Place,
        entries: u16,
        used: u16,
    ) -> Result<(Self, Option<Vec<u16>>), Malformed> {
        let has = (place.len() - HEAD) / ENTRY;
        if !memory.is_even(place) || has < usize::from(entries) {
            return Err(Malformed::Inflight);
        }
        let mut tracker = Self { memory, place, order: 0, batch: Vec::new() };
        match tracker.load(AT_VERSION) {
            0 => {
                // Nobody has used it yet.
                tracker.store(AT_ENTRIES, has as u16);
                tracker.store(AT_USED, used);
                tracker.store(AT_VERSION, VERSION);
                Ok((tracker, None))
            }
            VERSION if usize::from(tracker.load(AT_ENTRIES)) == has => {
                tracker.finish(entries, used)?;
                let again = tracker.in_flight(has, entries)?;
                Ok((tracker, Some(again)))
            }
            _ => Err(Malformed::Inflight),
        }
    }

    /// Finishes a batch that the driver has seen and of which that was not noted.
    fn finish(&self, entries: u16, used: u16) -> Result<(), Malformed> {
        let count = used.wrapping_sub(self.load(AT_USED));
        if count > entries {
            return Err(Malformed::Inflight);
        }
        let mut head = self.load(AT_BATCH);
        for _ in 0..count {
            if head >= entries {
                return Err(Malformed::Inflight);
            }
            self.set(head, false);
            head = self.load(at(head) + NEXT);
        }
        self.store(AT_USED, used);
        Ok(())
    }

    /// Chains that are in flight, the first one last.
    fn in_flight(&mut self, has: usize, entries: u16) -> Result<Vec<u16>, Malformed> {
        let all = (0..has as u16).filter(|head| self.load(at(*head)) & 0xff != 0);
        let mut all: Vec<(u64, u16)> = all.map(|head| (self.order(head), head)).collect();
        if all.iter().any(|(_, head)| *head >= entries) || all.len() > usize::from(entries) {
            return Err(Malformed::Inflight);
        }
        all.sort_unstable_by(|a, b| b.cmp(a));
        self.order = all.first().map_or(0, |(last, _)| last.wrapping_add(1));
        Ok(all.into_iter().map(|(_, head)| head).collect())
    }

    fn load(&self, at: usize) -> u16 {
        self.memory.load(self.place, at)
    }

    fn store(&self, at: usize, number: u16) {
        self.memory.store(self.place, at, number);
    }

    fn order(&self, head: u16) -> u64 {
        let mut bytes = [0; 8];
        self.memory.read(self.place, at(head) + ORDER, &mut bytes);
        u64::from_ne_bytes(bytes)
    }

    fn set(&self, head: u16, in_flight: bool) {
        self.store(at(head), u16::from(in_flight));
    }

    /// A chain was taken.
    pub fn take(&mut self, head: u16) {
        self.memory.write(self.place, at(head) + ORDER, &self.order.to_ne_bytes());
        self.order = self.order.wrapping_add(1);
        self.set(head, true);
    }

    /// The chain that was taken last was not.
    pub fn put_back(&mut self, head: u16) {
        self.set(head, false);
    }

    /// A chain is in the used ring, and the driver does not see it yet.
    pub fn give_back(&mut self, head: u16) {
        self.store(at(head) + NEXT, self.load(AT_BATCH));
        self.store(AT_BATCH, head);
        self.batch.push(head);
    }

    /// The driver sees all that was given back: so many.
    pub fn published(&mut self, used: u16) {
        for head in self.batch.drain(..) {
            self.memory.store(self.place, at(head), 0);
        }
        self.store(AT_USED, used);
    }
}

/// Where a chain has its entry.
fn at(head: u16) -> usize {
    HEAD + ENTRY * usize::from(head)
}
