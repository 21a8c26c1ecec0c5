//! What tuples with the same bits up to a stage share: which of them have a rule that agrees up to there.
//!
//! Of tuples whose masks begin alike (all that look at the Ethernet type and then at nothing before the
//! addresses, say), up to 64 take a *seat* in a level, one bit. One table, by hash of the masked words up to the stage,
//! gives for a packet the bits of all tuples that have a rule with these words: one probe answers for 64.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ovs_flow::STAGE_ENDS;

use super::counts::Counts;
use super::slots::{Payload, SlotMap};
use super::tuple_mask::MaskWord;
use crate::rcu::sync::{AtomicU64, Ordering};
use crate::rcu::{Domain, Guard};

/// One beginning of masks, as lookups see it.
pub(crate) struct Level {
    /// The words of all stages up to this one.
    words: Box<[MaskWord]>,
    /// See [`Level::number`].
    number: u8,
    /// By hash of these words: the seats of the tuples that have them.
    table: SlotMap<Seats>,
}

/// The seats of the tuples that have these words.
struct Seats {
    hash: AtomicU64,
    bits: AtomicU64,
}

impl Payload for Seats {
    fn vacant() -> Self {
        Self { hash: AtomicU64::new(0), bits: AtomicU64::new(0) }
    }

    fn is_vacant(&self) -> bool {
        self.bits() == 0
    }

    fn copy(&self, _guard: &Guard<'_>) -> Option<(u64, Self)> {
        let (hash, bits) = (self.hash.load(Ordering::Relaxed), self.bits());
        (bits != 0).then(|| (hash, Self { hash: AtomicU64::new(hash), bits: AtomicU64::new(bits) }))
    }
}

impl Seats {
    #[inline]
    fn bits(&self) -> u64 {
        self.bits.load(Ordering::Relaxed)
    }

    #[inline]
    fn is_of(&self, hash: u64) -> bool {
        self.hash.load(Ordering::Relaxed) == hash
    }
}

impl Level {
    /// The seats of the tuples that have a rule which agrees, up to here, with a key of this hash.
    #[inline(always)]
    pub(crate) fn agreeing(&self, hash: u64, guard: &Guard<'_>) -> u64 {
        self.find(hash, guard).map_or(0, Seats::bits)
    }

    #[inline(always)]
    fn find<'g>(&'g self, hash: u64, guard: &'g Guard<'_>) -> Option<&'g Seats> {
        self.table.find(hash, guard, |seats| (seats.is_of(hash) && !seats.is_vacant()).then_some(seats))
    }

    /// Counts the levels of its stage, modulo 256.
    #[inline]
    pub(crate) fn number(&self) -> u8 {
        self.number
    }

    /// The words of all stages up to this one.
    #[inline]
    pub(crate) fn words(&self) -> &[MaskWord] {
        &self.words
    }
}

/// A tuple's place in a level.
pub(crate) struct Seat {
    pub(crate) level: Arc<Level>,
    /// Its bit.
    pub(crate) bit: u8,
    /// The level's number among the writer's.
    owner: usize,
}

/// The writer's side of all levels.
pub(crate) struct Levels {
    by_words: BTreeMap<Box<[MaskWord]>, Vec<usize>>,
    owners: Vec<Option<Owner>>,
    free: Vec<usize>,
    /// How many were made for each stage, modulo 256.
    made: [u8; STAGE_ENDS.len()],
}

struct Owner {
    level: Arc<Level>,
    /// The bits that are given away.
    seats: u64,
    /// How many matches of a seat have a hash, where they are more than one.
    counts: Counts,
}

impl Levels {
    pub(crate) fn new() -> Self {
        Self { by_words: BTreeMap::new(), owners: Vec::new(), free: Vec::new(), made: [0; STAGE_ENDS.len()] }
    }

    /// A seat among the tuples whose masks begin with these words, up to the end of a stage.
    pub(crate) fn take_seat(&mut self, words: &[MaskWord], stage: usize) -> Seat {
        let numbers = self.by_words.get(words).map_or(&[][..], |numbers| numbers);
        for number in numbers.iter().rev() {
            if let Some(owner) = self.owners[*number].as_mut().filter(|owner| owner.seats != u64::MAX) {
                return owner.take(*number);
            }
        }
        let number = self.free.pop().unwrap_or(self.owners.len());
        let count = &mut self.made[stage];
        *count = count.wrapping_add(1);
        let level = Arc::new(Level { words: words.into(), number: *count, table: SlotMap::new() });
        let mut owner = Owner { level, seats: 0, counts: Counts::new() };
        let seat = owner.take(number);
        if number == self.owners.len() {
            self.owners.push(Some(owner));
        } else {
            self.owners[number] = Some(owner);
        }
        self.by_words.entry(words.into()).or_default().push(number);
        seat
    }

    /// Gives a seat back, of which no match is left.
    pub(crate) fn leave_seat(&mut self, seat: &Seat) {
        let Some(owner) = self.owners[seat.owner].as_mut() else { return };
        owner.seats &= !(1 << seat.bit);
        if owner.seats == 0 {
            if let Some(numbers) = self.by_words.get_mut(&*seat.level.words) {
                numbers.retain(|number| *number != seat.owner);
                if numbers.is_empty() {
                    self.by_words.remove(&*seat.level.words);
                }
            }
            self.owners[seat.owner] = None;
            self.free.push(seat.owner);
        }
    }

    /// Registers a match with these words.
    pub(crate) fn add(&mut self, seat: &Seat, hash: u64, guard: &Guard<'_>, domain: &Domain) {
        let bit = 1 << seat.bit;
        let Some(seats) = seat.level.find(hash, guard) else {
            seat.level.table.insert(hash, guard, domain, |seats| {
                seats.hash.store(hash, Ordering::Relaxed);
                seats.bits.store(bit, Ordering::Relaxed);
            });
            return;
        };
        if seats.bits() & bit == 0 {
            seats.bits.store(seats.bits() | bit, Ordering::Relaxed);
        } else if let Some(owner) = &mut self.owners[seat.owner] {
            owner.counts.add(hash, seat.bit);
        }
    }

    /// Undoes [`Levels::add`].
    pub(crate) fn remove(&mut self, seat: &Seat, hash: u64, guard: &Guard<'_>) {
        let Some(owner) = &mut self.owners[seat.owner] else { return };
        if owner.counts.take(hash, seat.bit) {
            return;
        }
        if let Some(seats) = seat.level.find(hash, guard) {
            let left = seats.bits() & !(1 << seat.bit);
            seats.bits.store(left, Ordering::Relaxed);
            if left == 0 {
                seat.level.table.vacated(hash, guard);
            }
        }
    }
}

impl Owner {
    fn take(&mut self, number: usize) -> Seat {
        let bit = self.seats.trailing_ones() as u8;
        self.seats |= 1 << bit;
        Seat { level: Arc::clone(&self.level), bit, owner: number }
    }
}
