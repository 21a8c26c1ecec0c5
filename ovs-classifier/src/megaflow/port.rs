//! What is kept for one port of entry: its masks, its filters, and the words of a key that it looks at.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ovs_flow::{SparseKey, WORDS};

use super::crowd::{Crowd, GROUP};
use super::filter::{Filter, ROWS};
use super::store::{Held, Mask, NONE, PortKey, SLOTS, Word};
use super::table::Table;
use crate::classifier::tuple_mask::MaskWord;
use crate::hash::{SumHash, finish, part};

/// A mask with more megaflows than this is hashed: that costs a lookup less than so many rows do.
const MOST_FEW: usize = 256;
/// Rows of a mask that has become hashed which each change of it takes out of the filters.
const STEP: usize = 4;
/// Groups of hashed masks that are asked before it is looked what they have found.
const TOGETHER: usize = 2;

/// How a port's words are taken out of keys that hold the same words.
pub(super) struct Moves {
    /// Slot, and place among the words held.
    list: [(u8, u8); SLOTS],
    there: usize,
    /// Slots of words that are not held: zero.
    zeros: [u8; SLOTS],
    absent: usize,
}

impl Moves {
    pub(super) const NONE: Self = Self { list: [(0, 0); SLOTS], there: 0, zeros: [0; SLOTS], absent: 0 };

    #[inline(always)]
    pub(super) fn take(&self, key: &SparseKey, words: &mut PortKey) {
        let values = key.values();
        for (slot, at) in self.list.iter().take(self.there) {
            if let Some(value) = values.get(usize::from(*at)) {
                words.0[usize::from(*slot) % SLOTS] = *value;
            }
        }
        for slot in self.zeros.iter().take(self.absent) {
            words.0[usize::from(*slot) % SLOTS] = 0;
        }
    }
}

/// One port of entry, or all megaflows whose mask does not have the whole port.
#[derive(Default)]
pub(super) struct Port {
    /// Words of a key that masks look at; the place of a word here is its slot.
    used: Vec<u8>,
    pub(super) masks: BTreeMap<Box<[MaskWord]>, u32>,
    filters: Vec<Filter>,
    /// So many of the first filters are to choose their lanes again.
    stale: usize,
    pub(super) crowd: Crowd,
}

impl Port {
    /// Where the words that the port looks at are among those that keys with this map hold.
    pub(super) fn moves(&self, key: &SparseKey, moves: &mut Moves) {
        let map = key.map();
        (moves.there, moves.absent) = (0, 0);
        for (slot, at) in self.used.iter().enumerate() {
            let (element, bit) = (usize::from(*at) / 64, u32::from(*at) % 64);
            let below = (map[element] & ((1 << bit) - 1)).count_ones()
                + if element == 1 { map[0].count_ones() } else { 0 };
            if map[element] >> bit & 1 == 1 {
                moves.list[moves.there] = (slot as u8, below as u8);
                moves.there += 1;
            } else {
                moves.zeros[moves.absent] = slot as u8;
                moves.absent += 1;
            }
        }
    }

    /// The words that the port looks at of a key that has all words.
    pub(super) fn load(&self, key: &[u64; WORDS], words: &mut PortKey) {
        for (word, at) in words.0.iter_mut().zip(&self.used) {
            *word = key.get(usize::from(*at)).copied().unwrap_or(0);
        }
    }

    /// Adds a mask without megaflows.
    pub(super) fn add_mask<H>(
        &mut self,
        port: u32,
        words: &[MaskWord],
        held: &mut Held<H>,
        hash: &SumHash,
    ) -> u32 {
        let own: Box<[Word]> = words
            .iter()
            .map(|word| {
                let at = word.at() as u8;
                let slot = self.used.iter().position(|used| *used == at).unwrap_or_else(|| {
                    self.used.push(at);
                    self.used.len() - 1
                });
                Word { at, slot: slot as u8, bits: word.bits }
            })
            .collect();
        let salt = hash.salt(words.iter().flat_map(|word| [word.at() as u64, word.bits]));
        let id = held.masks.add(Mask::new(port, own, salt));
        self.masks.insert(words.into(), id);
        id
    }

    /// Takes a mask without megaflows out.
    pub(super) fn remove_mask<H>(&mut self, id: u32, words: &[MaskWord], held: &mut Held<H>, hash: &SumHash) {
        if held.masks.get(id).is_some_and(|mask| mask.crowd != NONE) {
            self.crowd.swap_remove(id, held, hash);
        }
        held.masks.take(id);
        self.masks.remove(words);
    }

    /// Makes a new megaflow findable: by a row of its own while its mask has few.
    pub(super) fn add_flow<H>(&mut self, id: u32, mask_id: u32, held: &mut Held<H>, hash: &SumHash) {
        let Some(mask) = held.masks.get_mut(mask_id) else { return };
        mask.flows += 1;
        if mask.crowd != NONE {
            self.take_rows_out(mask_id, held);
        } else if mask.few.len() < MOST_FEW {
            mask.few.push(id);
            self.add_row(id, held);
        } else {
            self.crowd.push(mask_id, held, hash);
        }
    }

    /// Undoes [`Port::add_flow`], while the megaflow is still held.
    pub(super) fn remove_flow<H>(&mut self, id: u32, mask_id: u32, held: &mut Held<H>) {
        let Some(mask) = held.masks.get_mut(mask_id) else { return };
        mask.flows -= 1;
        if let Some(place) = mask.few.iter().position(|few| *few == id) {
            mask.few.swap_remove(place);
            self.remove_row(id, held);
        }
        self.take_rows_out(mask_id, held);
    }

    /// Takes some of a hashed mask's rows out, which until then are found in both ways.
    fn take_rows_out<H>(&mut self, mask_id: u32, held: &mut Held<H>) {
        for _ in 0..STEP {
            let hashed = held.masks.get_mut(mask_id).filter(|mask| mask.crowd != NONE);
            let Some(id) = hashed.and_then(|mask| mask.few.pop()) else { return };
            self.remove_row(id, held);
        }
    }

    fn add_row<H>(&mut self, id: u32, held: &mut Held<H>) {
        if self.filters.last().is_none_or(|filter| filter.len() == ROWS) {
            self.filters.push(Filter::new());
            if self.filters.len().is_power_of_two() {
                self.stale = self.filters.len() - 1;
            }
        }
        let number = self.filters.len() - 1;
        self.with_filter(number, |filter, others| {
            if let Some(entry) = held.entries.get_mut(id) {
                entry.row = (number * ROWS + filter.len()) as u32;
            }
            filter.push(id, held, others);
        });
        self.refresh(held);
    }

    /// Lets a filter choose its lanes again, if there are so many new ones since that other keys come.
    fn refresh<H>(&mut self, held: &Held<H>) {
        self.stale = self.stale.min(self.filters.len());
        if let Some(number) = self.stale.checked_sub(1) {
            self.with_filter(number, |filter, others| {
                if !filter.go_on(held) {
                    filter.choose(held, others);
                }
            });
            self.stale = number;
        }
    }

    /// Takes a row out; the last one gets its place.
    fn remove_row<H>(&mut self, id: u32, held: &mut Held<H>) {
        let row = held.entries.get(id).map_or(NONE, |entry| entry.row);
        let Some(moved) = self.filters.last_mut().and_then(|last| last.pop(held)) else { return };
        if moved != id {
            self.with_filter(row as usize / ROWS, |filter, others| {
                filter.replace(row as usize % ROWS, moved, held, others);
            });
        }
        for (id, row) in [(moved, row), (id, NONE)] {
            if let Some(entry) = held.entries.get_mut(id) {
                entry.row = row;
            }
        }
        if self.filters.last().is_some_and(|last| last.len() == 0) {
            self.filters.pop();
        }
    }

    /// Changes a filter, beside the others.
    fn with_filter(&mut self, number: usize, change: impl FnOnce(&mut Filter, &[Filter])) {
        let Some(place) = self.filters.get_mut(number) else { return };
        let mut filter = core::mem::take(place);
        change(&mut filter, &self.filters);
        self.filters[number] = filter;
    }

    /// The hash of a key under a mask of this port.
    pub(super) fn hash_under(mask: &Mask, key: &PortKey, hash: &SumHash) -> u32 {
        let parts = mask
            .words
            .iter()
            .map(|word| part(key.at(word.slot) & word.bits, hash.secret(usize::from(word.at))));
        finish(parts.fold(mask.salt, u64::wrapping_add), hash.factor())
    }

    /// A megaflow that a key matches, and its mask: the hashed masks first, then the filters. Without `held` nothing is
    /// compared: then it is one that the key probably matches, the first that would be compared. `first` are the
    /// hashes under the first group of masks. Counts its steps.
    #[inline(always)]
    pub(super) fn search<H>(
        &self,
        key: &PortKey,
        first: &[u32; GROUP],
        (held, table, factor): (Option<&Held<H>>, &Table, u64),
        steps: &mut u32,
    ) -> Option<(u32, u32)> {
        let groups = self.crowd.groups();
        let common = if groups.len() > 1 { self.crowd.common(key) } else { 0 };
        for (number, groups) in groups.chunks(TOGETHER).enumerate() {
            let mut hashes = [[0; GROUP]; TOGETHER];
            let mut lanes = 0;
            for (n, (group, hashes)) in groups.iter().zip(&mut hashes).enumerate() {
                *steps += 1;
                *hashes = if number + n == 0 { *first } else { group.hashes(key, common, factor) };
                lanes |= table.may_have_any(hashes, group.len) << (n * GROUP);
            }
            while lanes != 0 {
                let lane = lanes.trailing_zeros() as usize % (GROUP * TOGETHER);
                let mask = groups.get(lane / GROUP)?.masks[lane % GROUP];
                let hash = hashes[lane / GROUP][lane % GROUP];
                let found = match held {
                    Some(held) => table.find(hash, |id| held.is(id, mask, key)),
                    None => table.first(hash),
                };
                if let Some(id) = found {
                    return Some((id, mask));
                }
                lanes &= lanes - 1;
            }
        }
        for filter in &self.filters {
            *steps += 1;
            let found = filter.search(key, held, steps);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The hashes of a key under the first group of hashed masks, and how many masks that has.
    #[inline(always)]
    pub(super) fn first_hashes(&self, key: &PortKey, factor: u64) -> ([u32; GROUP], usize) {
        let Some(group) = self.crowd.groups().first() else { return ([0; GROUP], 0) };
        (group.hashes(key, self.crowd.common(key), factor), group.len)
    }
}
