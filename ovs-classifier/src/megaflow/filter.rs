//! The filter: which of up to 8,192 megaflows a key can match, whatever their masks are.
//!
//! It is a ternary memory laid on its side. Key bits are taken in groups of four, the *lanes*; for each lane and each of
//! the 16 values of its bits there is a set of those megaflows that accept the value, by their mask and their value.
//! A set is a row of bits for each megaflow, and 512 of these are one cache line and one wide register; the sets of the values that
//! a key has, lane by lane, are intersected, and what is left is nearly always just what matches:
//!
//! ```text
//!                      megaflow:   0 1 2 3 …
//!   lane nw_src 0..4   = 1010      1 1 0 1
//!   lane nw_src 4..8   = 0110      0 1 1 1       0 → 0***…   1 → 1***…  (masks do not matter)
//!   lane tp_dst 0..4   = 0001      1 1 1 0
//!                          AND     0 1 0 0  ──▶ compare megaflow 1 in full
//! ```
//!
//! The lines of one set lie side by side, and four of them are intersected at a time: so a key's way through the sets
//! has few branches, and goes through memory in order. Once hardly a word of the four lines has a bit left, the lanes that are left are
//! taken for that word alone.
//!
//! Which groups of bits are lanes is chosen by what the megaflows are (`lanes`): those that leave the fewest for the keys of the
//! port's megaflows come first, and those that leave all are left out. It is chosen again when as many megaflows have come and
//! gone as there are; the sets of the new lanes are then made beside the old ones, some rows with each change, so that no
//! change makes a pause. What the lanes do not look at, the full comparison does.

use alloc::vec::Vec;
use core::hint::black_box;

use super::lanes::{Lane, MOST_LANES, best_lanes};
use super::store::{Held, NONE, PortKey, Word};

/// Rows of a filter.
pub(super) const ROWS: usize = LINE_ROWS * LINES;
/// Rows of a line.
const LINE_ROWS: usize = 512;
/// The most lines of a set.
const LINES: usize = 16;
/// Lines that are intersected at a time, in a set that has so many.
const WIDE: usize = 4;
/// So few rows are compared without lanes.
const FEW: usize = 4;
/// Rows that each change enters into the sets of newly chosen lanes.
const STEP: usize = 4;
/// Lanes whose sets are found at a time.
const EAGER: usize = 8;
/// When so few words of the lines have rows left, these words are taken alone.
const FEW_WORDS: u32 = 2;

/// 512 rows of a set, as bits.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([u64; LINE_ROWS / 64]);

/// Up to [`ROWS`] megaflows of one port.
#[derive(Default)]
pub(super) struct Filter {
    sets: Sets,
    /// The sets of better lanes, and how many rows stand in them already.
    next: Option<(Sets, usize)>,
    /// Numbers of the megaflows and of their masks.
    ids: Vec<(u32, u32)>,
    /// Rows that have come since the lanes were chosen, and how many make them be chosen again.
    changes: usize,
    patience: usize,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { patience: FEW + 1, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn ids(&self) -> &[(u32, u32)] {
        &self.ids
    }

    /// Adds a row at the end. `others` are the port's other filters.
    pub(super) fn push<H>(&mut self, id: u32, held: &Held<H>, others: &[Self]) {
        self.ids.push((id, held.entries.get(id).map_or(NONE, |entry| entry.mask)));
        let lines = self.ids.len().div_ceil(LINE_ROWS).next_power_of_two();
        for sets in [&mut self.sets].into_iter().chain(self.next.as_mut().map(|(sets, _)| sets)) {
            sets.widen(lines);
        }
        self.enter(self.ids.len() - 1, held);
        self.changed(held, others);
    }

    /// Puts another megaflow into a row. Both are still held.
    pub(super) fn replace<H>(&mut self, row: usize, id: u32, held: &Held<H>, others: &[Self]) {
        self.leave(row, held);
        if let Some(place) = self.ids.get_mut(row) {
            *place = (id, held.entries.get(id).map_or(NONE, |entry| entry.mask));
            self.enter(row, held);
            self.changed(held, others);
        }
    }

    /// Takes the last row away, whose megaflow is still held, and gives its number.
    pub(super) fn pop<H>(&mut self, held: &Held<H>) -> Option<u32> {
        self.leave(self.ids.len().checked_sub(1)?, held);
        self.ids.pop().map(|(id, _)| id)
    }

    /// The first megaflow that a key matches, and its mask, by the rows that the lanes leave; without `held` nothing is
    /// compared, and it is the first that would be. Counts what is compared.
    #[inline(always)]
    pub(super) fn search<H>(
        &self,
        key: &PortKey,
        held: Option<&Held<H>>,
        compared: &mut u32,
    ) -> Option<(u32, u32)> {
        if self.sets.lanes.is_empty() {
            for (id, mask) in &self.ids {
                *compared += 1;
                if held.is_none_or(|held| held.matches(*id, key)) {
                    return Some((*id, *mask));
                }
            }
            return None;
        }
        if self.sets.lines < WIDE {
            self.search_by::<H, 1>(key, held, compared)
        } else {
            self.search_by::<H, WIDE>(key, held, compared)
        }
    }

    /// The search, with so many lines at a time.
    #[inline(always)]
    fn search_by<H, const WIDTH: usize>(
        &self,
        key: &PortKey,
        held: Option<&Held<H>>,
        compared: &mut u32,
    ) -> Option<(u32, u32)> {
        let mut places = Places { sets: [0; MOST_LANES], known: 0 };
        let mut first = 0;
        while first * LINE_ROWS < self.ids.len() {
            let (lines, mut words, taken) = self.sets.intersect::<WIDTH>(key, &mut places, first);
            while words != 0 {
                let word = words.trailing_zeros() as usize % (WIDTH * 8);
                words &= words - 1;
                let place = (first * LINE_ROWS / 64) + word;
                let rows = lines[word / 8].0[word % 8];
                let mut rows = self.sets.intersect_word(key, taken, place, rows);
                while rows != 0 {
                    let (id, mask) = *self.ids.get(place * 64 + rows.trailing_zeros() as usize)?;
                    *compared += 1;
                    // No closure: it would be compiled for the baseline.
                    let matches = match held {
                        Some(held) => held.matches(id, key),
                        None => true,
                    };
                    if matches {
                        return Some((id, mask));
                    }
                    rows &= rows - 1;
                }
            }
            first += WIDTH;
        }
        None
    }

    /// Enters a row in the sets.
    fn enter<H>(&mut self, row: usize, held: &Held<H>) {
        self.each_set_of(row, held, |word, bit| *word |= bit);
    }

    /// Takes a row out of the sets.
    fn leave<H>(&mut self, row: usize, held: &Held<H>) {
        self.each_set_of(row, held, |word, bit| *word &= !bit);
    }

    fn each_set_of<H>(&mut self, row: usize, held: &Held<H>, change: impl Fn(&mut u64, u64) + Copy) {
        let Some((id, _)) = self.ids.get(row) else { return };
        let words: Vec<(Word, u64)> = held.row(*id).collect();
        self.sets.change(row, &words, change);
        if let Some((sets, _)) = self.next.as_mut().filter(|(_, entered)| row < *entered) {
            sets.change(row, &words, change);
        }
    }

    /// Says that a row has changed: it may be time for other lanes.
    fn changed<H>(&mut self, held: &Held<H>, others: &[Self]) {
        self.changes += 1;
        if self.changes >= self.patience {
            self.choose(held, others);
        }
        self.go_on(held);
    }

    /// Chooses the lanes; from now on [`Filter::go_on`] makes their sets.
    pub(super) fn choose<H>(&mut self, held: &Held<H>, others: &[Self]) {
        self.changes = 0;
        self.patience = self.ids.len().max(FEW + 1);
        let lanes = if self.ids.len() > FEW { best_lanes(&self.ids, held, others) } else { Vec::new() };
        self.next = Some((Sets::new(lanes, self.sets.lines.max(1)), 0));
    }

    /// Enters some more rows in the sets of newly chosen lanes, which replace the old ones when all rows are in. Whether
    /// there is more to do.
    pub(super) fn go_on<H>(&mut self, held: &Held<H>) -> bool {
        let Some((sets, entered)) = &mut self.next else { return false };
        for (id, _) in self.ids.iter().skip(*entered).take(STEP) {
            let words: Vec<(Word, u64)> = held.row(*id).collect();
            sets.change(*entered, &words, |word, bit| *word |= bit);
            *entered += 1;
        }
        if *entered >= self.ids.len()
            && let Some((sets, _)) = self.next.take()
        {
            self.sets = sets;
        }
        self.next.is_some()
    }
}

/// For each lane, the sets of the 16 values that a key may have there.
#[derive(Default)]
struct Sets {
    lanes: Vec<Lane>,
    /// Those of a lane's value, then those of the next value.
    all: Vec<Line>,
    /// Lines of a set: a power of two.
    lines: usize,
}

impl Sets {
    fn new(lanes: Vec<Lane>, lines: usize) -> Self {
        let all = alloc::vec![Line([0; 8]); lanes.len() * 16 * lines];
        Self { lanes, all, lines }
    }

    /// Makes room for so many lines a set.
    fn widen(&mut self, lines: usize) {
        if lines <= self.lines {
            return;
        }
        let mut wider = Self::new(core::mem::take(&mut self.lanes), lines);
        if self.lines > 0 {
            for (new, old) in wider.all.chunks_mut(lines).zip(self.all.chunks(self.lines)) {
                new[..old.len()].copy_from_slice(old);
            }
        }
        *self = wider;
    }

    /// Changes a row's bits: one in each set that accepts it.
    fn change(&mut self, row: usize, words: &[(Word, u64)], change: impl Fn(&mut u64, u64)) {
        let (line, word, bit) = (row / LINE_ROWS, row / 64 % 8, 1_u64 << (row % 64));
        for (lane, sets) in self.lanes.iter().zip(self.all.chunks_mut(16 * self.lines)) {
            let (mask, value) = lane.of_row(words);
            let any = !mask & 15;
            let mut rest = any;
            loop {
                let set = (value | rest) as usize * self.lines;
                if let Some(line) = sets.get_mut(set + line) {
                    change(&mut line.0[word], bit);
                }
                if rest == 0 {
                    break;
                }
                rest = (rest - 1) & any;
            }
        }
    }

    /// Finds the sets of some more lanes for a key.
    #[inline(always)]
    fn find_places(&self, key: &PortKey, places: &mut Places) {
        let lanes = self.lanes.get(places.known..).unwrap_or(&[]);
        let sets = places.sets.get_mut(places.known..).unwrap_or(&mut []);
        for (n, (set, lane)) in sets.iter_mut().zip(lanes).take(EAGER).enumerate() {
            *set = (((places.known + n) * 16 + lane.of(key)) * self.lines) as u32;
        }
        places.known += EAGER;
    }

    /// Some lines of a key's sets, intersected until few words are left; these words as bits, and how many lanes
    /// were taken.
    #[inline(always)]
    fn intersect<const WIDTH: usize>(
        &self,
        key: &PortKey,
        places: &mut Places,
        first: usize,
    ) -> ([Line; WIDTH], u32, usize) {
        let mut rows = [Line([u64::MAX; 8]); WIDTH];
        let (mut words, mut taken) = (0, 0);
        while taken < self.lanes.len().min(MOST_LANES) {
            if taken >= places.known {
                self.find_places(key, places);
            }
            let more = (self.lanes.len() - taken).min(4);
            for set in places.sets.iter().skip(taken).take(more) {
                let Some(lines) = self.all.get(*set as usize + first..) else { break };
                let Some((lines, _)) = lines.split_first_chunk::<WIDTH>() else { break };
                for (rows, line) in rows.iter_mut().zip(lines) {
                    for (rows, word) in rows.0.iter_mut().zip(&line.0) {
                        *rows &= word;
                    }
                }
            }
            taken += more;
            words = words_with_rows(&rows);
            let mut many = words;
            for _ in 0..FEW_WORDS {
                many &= many.wrapping_sub(1);
            }
            if many == 0 {
                break;
            }
        }
        (rows, words, taken)
    }

    /// Intersects 64 rows with the sets of the lanes that have not been taken.
    #[inline(always)]
    fn intersect_word(&self, key: &PortKey, taken: usize, place: usize, mut rows: u64) -> u64 {
        let mut first = taken * 16;
        for lane in self.lanes.iter().skip(taken) {
            let Some(line) = self.all.get((first + lane.of(key)) * self.lines + place / 8) else { break };
            rows &= line.0[place % 8];
            if rows == 0 {
                break;
            }
            first += 16;
        }
        rows
    }
}

/// Where the sets of a key begin, as far as it has been asked.
struct Places {
    sets: [u32; MOST_LANES],
    known: usize,
}

/// Which words of these lines are not zero, as bits: all words at once.
#[inline(always)]
fn words_with_rows<const WIDTH: usize>(lines: &[Line; WIDTH]) -> u32 {
    let mut marks = [0_u64; 8];
    for (line, rows) in lines.iter().enumerate() {
        for (word, (mark, rows)) in marks.iter_mut().zip(&rows.0).enumerate() {
            *mark |= ((rows | rows.wrapping_neg()) >> 63) << (line * 8 + word);
        }
    }
    black_box(&mut marks);
    marks.iter().fold(0, |all, mark| all | mark) as u32
}
