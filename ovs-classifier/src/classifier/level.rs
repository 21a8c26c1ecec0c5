//! What tuples with the same bits up to a stage share: which of them have a rule that agrees up to there.
//!
//! Tuples whose masks begin alike (all that look at the Ethernet type and then at nothing before the
//! addresses, say) each take a *seat* in a level, one bit. One table, by hash of the masked words up to the stage,
//! gives for a packet the bits of all tuples that have a rule with these words: one probe answers for all. The seats
//! are numbered in *rows* of 64; most levels have one.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ovs_flow::STAGE_ENDS;

use super::counts::Counts;
use super::slots::{Payload, SlotMap};
use super::tuple_mask::MaskWord;
use crate::rcu::sync::{AtomicU64, Ordering};
use crate::rcu::{Domain, Guard, Link};

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
pub(crate) struct Seats {
    hash: AtomicU64,
    /// Those of the first row.
    bits: AtomicU64,
    /// Those of the rows behind it, up to the last one with a bit that was ever set.
    more: Link<Rows>,
}

type Rows = Box<[AtomicU64]>;

impl Payload for Seats {
    fn vacant() -> Self {
        Self { hash: AtomicU64::new(0), bits: AtomicU64::new(0), more: Link::new(None) }
    }

    fn is_vacant(&self) -> bool {
        self.bits.load(Ordering::Relaxed) == 0 && self.more.is_none()
    }

    fn copy(&self, guard: &Guard<'_>) -> Option<(u64, Self)> {
        let (hash, bits) = (self.hash.load(Ordering::Relaxed), self.bits.load(Ordering::Relaxed));
        let more = Link::new(self.more.load_arc(guard));
        (!self.is_vacant())
            .then(|| (hash, Self { hash: AtomicU64::new(hash), bits: AtomicU64::new(bits), more }))
    }
}

impl Seats {
    /// A row of them.
    #[inline]
    pub(crate) fn row(&self, row: u32, guard: &Guard<'_>) -> u64 {
        self.word(row, guard).map_or(0, |bits| bits.load(Ordering::Relaxed))
    }

    #[inline]
    fn word<'g>(&'g self, row: u32, guard: &'g Guard<'_>) -> Option<&'g AtomicU64> {
        match row.checked_sub(1) {
            None => Some(&self.bits),
            Some(row) => self.more.load(guard)?.get(row as usize),
        }
    }

    /// Sets a bit. Says whether it was not set.
    fn set(&self, seat: &Seat, guard: &Guard<'_>, domain: &Domain) -> bool {
        if self.word(seat.row(), guard).is_none() {
            let old = self.more.load(guard).map_or(&[][..], |rows| rows);
            let bits = old.iter().map(|bits| bits.load(Ordering::Relaxed)).chain(core::iter::repeat(0));
            let rows: Rows = bits.take(seat.row() as usize).map(AtomicU64::new).collect();
            self.more.replace(Some(Arc::new(rows)), domain);
        }
        let Some(bits) = self.word(seat.row(), guard) else { return false };
        let before = bits.load(Ordering::Relaxed);
        bits.store(before | seat.bit(), Ordering::Relaxed);
        before & seat.bit() == 0
    }

    /// Clears a bit. Says whether none is left.
    fn clear(&self, seat: &Seat, guard: &Guard<'_>, domain: &Domain) -> bool {
        if let Some(bits) = self.word(seat.row(), guard) {
            bits.store(bits.load(Ordering::Relaxed) & !seat.bit(), Ordering::Relaxed);
        }
        let rows = self.more.load(guard).map_or(&[][..], |rows| rows);
        if rows.iter().any(|bits| bits.load(Ordering::Relaxed) != 0) {
            return false;
        }
        if !rows.is_empty() {
            self.more.replace(None, domain);
        }
        self.bits.load(Ordering::Relaxed) == 0
    }
}

impl Level {
    /// The seats of the tuples that have a rule which agrees, up to here, with a key of this hash.
    #[inline(always)]
    pub(crate) fn agreeing<'g>(&'g self, hash: u64, guard: &'g Guard<'_>) -> Option<&'g Seats> {
        let own = |seats: &Seats| seats.hash.load(Ordering::Relaxed) == hash && !seats.is_vacant();
        self.table.find(hash, guard, |seats| own(seats).then_some(seats))
    }

    /// Begins to fetch what [`Level::agreeing`] looks at first.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64, guard: &Guard<'_>) {
        self.table.prefetch(hash, guard);
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
    number: u32,
    /// The level's number among the writer's.
    owner: usize,
}

impl Seat {
    /// Its row.
    #[inline]
    pub(crate) fn row(&self) -> u32 {
        self.number / u64::BITS
    }

    /// Its bit in the row.
    #[inline]
    pub(crate) fn bit(&self) -> u64 {
        1 << (self.number % u64::BITS)
    }
}

/// The writer's side of all levels.
pub(crate) struct Levels {
    by_words: BTreeMap<Box<[MaskWord]>, usize>,
    owners: Vec<Option<Owner>>,
    free: Vec<usize>,
    /// How many were made for each stage, modulo 256.
    made: [u8; STAGE_ENDS.len()],
    /// How many matches of a tuple have the same ports, where they are more than one.
    pub(super) ports: Counts,
}

struct Owner {
    level: Arc<Level>,
    /// The bits that are given away, by row.
    seats: Vec<u64>,
    /// How many matches of a seat have a hash, where they are more than one.
    counts: Counts,
}

impl Levels {
    pub(crate) fn new() -> Self {
        Self {
            by_words: BTreeMap::new(),
            owners: Vec::new(),
            free: Vec::new(),
            made: [0; STAGE_ENDS.len()],
            ports: Counts::new(),
        }
    }

    /// A seat among the tuples whose masks begin with these words, up to the end of a stage.
    pub(crate) fn take_seat(&mut self, words: &[MaskWord], stage: usize) -> Seat {
        if let Some(number) = self.by_words.get(words)
            && let Some(owner) = &mut self.owners[*number]
        {
            return owner.take(*number);
        }
        let number = self.free.pop().unwrap_or(self.owners.len());
        let count = &mut self.made[stage];
        *count = count.wrapping_add(1);
        let level = Arc::new(Level { words: words.into(), number: *count, table: SlotMap::new() });
        let mut owner = Owner { level, seats: Vec::new(), counts: Counts::new() };
        let seat = owner.take(number);
        if number == self.owners.len() {
            self.owners.push(Some(owner));
        } else {
            self.owners[number] = Some(owner);
        }
        self.by_words.insert(words.into(), number);
        seat
    }

    /// Gives a seat back, of which no match is left.
    pub(crate) fn leave_seat(&mut self, seat: &Seat) {
        let Some(owner) = self.owners[seat.owner].as_mut() else { return };
        owner.seats[seat.row() as usize] &= !seat.bit();
        if owner.seats.iter().all(|row| *row == 0) {
            self.by_words.remove(&*seat.level.words);
            self.owners[seat.owner] = None;
            self.free.push(seat.owner);
        }
    }

    /// Registers a match with these words.
    pub(crate) fn add(&mut self, seat: &Seat, hash: u64, guard: &Guard<'_>, domain: &Domain) {
        let Some(seats) = seat.level.agreeing(hash, guard) else {
            seat.level.table.insert(hash, guard, domain, |seats| {
                seats.hash.store(hash, Ordering::Relaxed);
                seats.set(seat, guard, domain);
            });
            return;
        };
        if !seats.set(seat, guard, domain)
            && let Some(owner) = &mut self.owners[seat.owner]
        {
            owner.counts.add(hash, seat.number);
        }
    }

    /// Undoes [`Levels::add`].
    pub(crate) fn remove(&mut self, seat: &Seat, hash: u64, guard: &Guard<'_>, domain: &Domain) {
        let Some(owner) = &mut self.owners[seat.owner] else { return };
        if owner.counts.take(hash, seat.number) {
            return;
        }
        if let Some(seats) = seat.level.agreeing(hash, guard)
            && seats.clear(seat, guard, domain)
        {
            seat.level.table.vacated(hash, guard);
        }
    }
}

impl Owner {
    /// The first seat that is free. Goes through rows that are full: a step for 64 tuples.
    fn take(&mut self, owner: usize) -> Seat {
        let row = self.seats.iter().position(|row| *row != u64::MAX).unwrap_or(self.seats.len());
        if row == self.seats.len() {
            self.seats.push(0);
        }
        let bit = self.seats[row].trailing_ones();
        self.seats[row] |= 1 << bit;
        Seat { level: Arc::clone(&self.level), number: row as u32 * u64::BITS + bit, owner }
    }
}
