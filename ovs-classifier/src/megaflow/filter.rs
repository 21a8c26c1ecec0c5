//! The filter: which of up to 512 megaflows a key can match, whatever their masks are.
//!
//! It is a ternary memory laid on its side. Key bits are taken in groups of four, the *lanes*; for each lane and each of
//! the 16 values of its bits there is a set of those megaflows that accept the value, by their mask and their value.
//! A set is 512 bits, one cache line and one wide register; the sets of the values that a key has, lane by lane, are
//! intersected, and what is left is nearly always just what matches:
//!
//! ```text
//!                      megaflow:   0 1 2 3 …
//!   lane nw_src 0..4   = 1010      1 1 0 1
//!   lane nw_src 4..8   = 0110      0 1 1 1       0 → 0***…   1 → 1***…  (masks do not matter)
//!   lane tp_dst 0..4   = 0001      1 1 1 0
//!                          AND     0 1 0 0  ──▶ compare megaflow 1 in full
//! ```
//!
//! Which groups of bits are lanes is chosen by what the megaflows are: those that leave the fewest for the keys of the port's
//! megaflows come first, and those that leave all are left out. It is chosen again when as many megaflows have come and
//! gone as there are, so the choice costs each of them only a share. What the lanes do not look at, the full comparison
//! does.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::store::{Held, NONE, PortKey, Word};

/// Rows of a filter.
pub(super) const ROWS: usize = 512;
/// The most lanes: with more, adding a row costs more than its lookups save.
const MOST_LANES: usize = 24;
/// So few rows are compared without lanes.
const FEW: usize = 4;
/// The most rows that the choice of lanes looks at.
const SAMPLE: usize = 64;

/// Sets of rows, as bits.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Rows(pub(super) [u64; ROWS / 64]);

/// Up to 512 megaflows of one port.
#[derive(Default)]
pub(super) struct Filter {
    lanes: Vec<Lane>,
    /// 16 for each lane.
    sets: Vec<Rows>,
    /// Numbers of the megaflows and of their masks.
    ids: Vec<(u32, u32)>,
    /// Rows that have come since the lanes were chosen, and how many make them be chosen again.
    changes: usize,
    patience: usize,
}

/// Four bits of a port's words of a key.
#[derive(Clone, Copy)]
struct Lane {
    slot: u8,
    shift: u8,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { lanes: Vec::new(), sets: Vec::new(), ids: Vec::new(), changes: 0, patience: FEW + 1 }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The number of the megaflow in the last row.
    pub(super) fn last(&self) -> Option<u32> {
        self.ids.last().map(|(id, _)| *id)
    }

    /// Adds a row at the end. `others` are the port's other filters.
    pub(super) fn push<H>(&mut self, id: u32, held: &Held<H>, others: &[Self]) {
        self.ids.push((id, held.entries.get(id).map_or(NONE, |entry| entry.mask)));
        self.write(self.ids.len() - 1, held, others);
    }

    /// Puts another megaflow into a row.
    pub(super) fn replace<H>(&mut self, row: usize, id: u32, held: &Held<H>, others: &[Self]) {
        if let Some(place) = self.ids.get_mut(row) {
            *place = (id, held.entries.get(id).map_or(NONE, |entry| entry.mask));
            self.write(row, held, others);
        }
    }

    /// Takes the last row away.
    pub(super) fn pop(&mut self) {
        self.ids.pop();
    }

    /// The first megaflow that a key matches, by the rows that the lanes leave; counts those that were compared.
    #[inline(always)]
    pub(super) fn find<H>(&self, key: &PortKey, held: &Held<H>, compared: &mut u32) -> Option<u32> {
        let rows = self.candidates(key);
        for (block, mut bits) in rows.0.into_iter().enumerate() {
            while bits != 0 {
                let (id, _) = self.ids[block * 64 + bits.trailing_zeros() as usize];
                *compared += 1;
                if held.matches(id, key) {
                    return Some(id);
                }
                bits &= bits - 1;
            }
        }
        None
    }

    /// The first megaflow that the lanes leave for a key, and its mask.
    #[inline(always)]
    pub(super) fn guess(&self, key: &PortKey) -> Option<(u32, u32)> {
        let rows = self.candidates(key);
        for (block, bits) in rows.0.into_iter().enumerate() {
            if bits != 0 {
                return self.ids.get(block * 64 + bits.trailing_zeros() as usize).copied();
            }
        }
        None
    }

    #[inline(always)]
    fn candidates(&self, key: &PortKey) -> Rows {
        let mut rows = first_rows(self.ids.len());
        for (lanes, sets) in self.lanes.chunks(4).zip(self.sets.chunks(64)) {
            for (lane, sets) in lanes.iter().zip(sets.as_chunks::<16>().0) {
                let set = &sets[lane.of(key)];
                for (row, set) in rows.0.iter_mut().zip(&set.0) {
                    *row &= set;
                }
            }
            if rows.0.iter().fold(0, |any, row| any | row) == 0 {
                break;
            }
        }
        rows
    }

    /// Enters a row in all lanes, or chooses them anew.
    fn write<H>(&mut self, row: usize, held: &Held<H>, others: &[Self]) {
        self.changes += 1;
        if self.changes >= self.patience {
            self.choose(held, others);
            return;
        }
        self.enter(row, held);
    }

    fn enter<H>(&mut self, row: usize, held: &Held<H>) {
        let words: Vec<(Word, u64)> = held.row(self.ids[row].0).collect();
        let (block, bit) = (row / 64, 1_u64 << (row % 64));
        for (lane, sets) in self.lanes.iter().zip(self.sets.as_chunks_mut::<16>().0) {
            let (mask, value) = lane.of_row(&words);
            for (n, set) in sets.iter_mut().enumerate() {
                let accepts = n as u64 & mask == value;
                let block = &mut set.0[block];
                *block = if accepts { *block | bit } else { *block & !bit };
            }
        }
    }

    /// Chooses the lanes, and enters all rows.
    pub(super) fn choose<H>(&mut self, held: &Held<H>, others: &[Self]) {
        self.changes = 0;
        self.patience = self.ids.len().max(FEW + 1);
        self.lanes.clear();
        if self.ids.len() > FEW {
            self.lanes = best_lanes(&self.ids, held, others);
        }
        self.sets.clear();
        self.sets.resize(self.lanes.len() * 16, Rows([0; ROWS / 64]));
        for row in 0..self.ids.len() {
            self.enter(row, held);
        }
    }
}

impl Lane {
    #[inline(always)]
    fn of(self, key: &PortKey) -> usize {
        (key.at(self.slot) >> self.shift & 15) as usize
    }

    /// The bits of the lane that a row looks at, and what they must be.
    fn of_row(self, words: &[(Word, u64)]) -> (u64, u64) {
        let mut words = words.iter();
        words
            .find(|(word, _)| word.slot == self.slot)
            .map_or((0, 0), |(word, value)| (word.bits >> self.shift & 15, value >> self.shift & 15))
    }
}

/// The first so many rows.
#[inline(always)]
fn first_rows(count: usize) -> Rows {
    let mut rows = Rows([0; ROWS / 64]);
    for (block, row) in rows.0.iter_mut().enumerate() {
        let here = count.saturating_sub(block * 64).min(64) as u32;
        *row = u64::MAX.checked_shr(64 - here).unwrap_or(0);
    }
    rows
}

/// The lanes that leave the fewest of these rows for keys of them and of other filters' rows, best first.
fn best_lanes<H>(ids: &[(u32, u32)], held: &Held<H>, others: &[Filter]) -> Vec<Lane> {
    let mut words: Vec<Option<Box<WordScores>>> = Vec::new();
    let sample = |ids: &[(u32, u32)], count: usize, words: &mut Vec<Option<Box<WordScores>>>, own: bool| {
        let mut rows = 0;
        for (id, _) in ids.iter().step_by(ids.len().div_ceil(count).max(1)) {
            rows += 1;
            for (word, value) in held.row(*id) {
                let slot = usize::from(word.slot);
                if words.len() <= slot {
                    words.resize_with(slot + 1, || None);
                }
                words[slot].get_or_insert_with(Box::default).count(word.bits, value, own);
            }
        }
        rows
    };
    let rows = sample(ids, SAMPLE, &mut words, true);
    let each = SAMPLE.div_ceil(others.len().max(1));
    let keys = others.iter().map(|other| sample(&other.ids, each, &mut words, false)).sum::<u32>();
    let scored = words.iter().enumerate().filter_map(|(slot, scores)| Some((slot, scores.as_deref()?)));
    let all = scored.flat_map(|(slot, scores)| {
        let lane = move |n: usize| Lane { slot: slot as u8, shift: n as u8 * 4 };
        scores.lanes.iter().enumerate().map(move |(n, scores)| (scores.left(rows, rows + keys), lane(n)))
    });
    let mut scored: Vec<(u32, Lane)> = all.filter(|(left, _)| *left < 980).collect();
    scored.sort_by_key(|(left, lane)| (*left, lane.slot, lane.shift));
    scored.into_iter().map(|(_, lane)| lane).take(MOST_LANES).collect()
}

/// What the rows of a sample do with the lanes of one word.
#[derive(Default)]
struct WordScores {
    lanes: [LaneScores; 16],
}

#[derive(Clone, Copy, Default)]
struct LaneScores {
    /// By value, how many of the filter's rows do not accept it.
    refused: [u32; 16],
    /// By value, how often a key has it: 16 for each row that looks at the lane, shared by what the row accepts.
    keys: [u32; 16],
    /// Rows that look at the lane.
    looking: u32,
}

impl WordScores {
    fn count(&mut self, bits: u64, value: u64, own: bool) {
        for (n, lane) in self.lanes.iter_mut().enumerate() {
            let (mask, value) = (bits >> (n * 4) & 15, value >> (n * 4) & 15);
            if mask == 0 {
                continue;
            }
            lane.looking += 1;
            for key in 0..16_u64 {
                let accepts = key & mask == value;
                lane.refused[key as usize] += u32::from(own && !accepts);
                lane.keys[key as usize] += if accepts { 1 << mask.count_ones() } else { 0 };
            }
        }
    }
}

impl LaneScores {
    /// How many of 1,000 rows the lane leaves for a key, of so many sampled rows and keys. Keys of rows that do not look
    /// at the lane have any value there.
    fn left(&self, rows: u32, keys: u32) -> u32 {
        let any = u64::from(keys.saturating_sub(self.looking));
        let (mut left, mut all) = (0, 0);
        for (refused, weight) in self.refused.iter().zip(&self.keys) {
            let weight = u64::from(*weight) + any;
            left += weight * u64::from(rows.saturating_sub(*refused));
            all += weight * u64::from(rows);
        }
        (left * 1000 / all.max(1)) as u32
    }
}
