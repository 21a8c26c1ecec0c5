//! Which bits of a key the lanes of a filter look at.
//!
//! A lane is worth the more, the fewer rows it leaves for a key. Keys are taken to be like the rows' own: a key of a row
//! that looks at a lane has what the row accepts there, any of that as likely; a key of another row has anything.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::filter::Filter;
use super::store::{Held, PortKey, Word};

/// The most lanes: with more, adding a row costs more than its lookups save.
pub(super) const MOST_LANES: usize = 24;
/// The most rows that the choice of lanes looks at.
const SAMPLE: usize = 64;

/// Four bits of a port's words of a key.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    slot: u8,
    shift: u8,
}

impl Lane {
    #[inline(always)]
    pub(super) fn of(self, key: &PortKey) -> usize {
        (key.at(self.slot) >> self.shift & 15) as usize
    }

    /// The bits of the lane that a row looks at, and what they must be.
    pub(super) fn of_row(self, words: &[(Word, u64)]) -> (u64, u64) {
        let mut words = words.iter();
        words
            .find(|(word, _)| word.slot == self.slot)
            .map_or((0, 0), |(word, value)| (word.bits >> self.shift & 15, value >> self.shift & 15))
    }
}

/// The lanes that leave the fewest of these rows for keys of them and of other filters' rows, best first.
pub(super) fn best_lanes<H>(ids: &[(u32, u32)], held: &Held<H>, others: &[Filter]) -> Vec<Lane> {
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
    let keys = others.iter().map(|other| sample(other.ids(), each, &mut words, false)).sum::<u32>();
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
