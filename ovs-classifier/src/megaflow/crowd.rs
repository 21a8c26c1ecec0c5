//! The masks of many megaflows: hashed eight at a time.
//!
//! The hash of a key under a mask is a sum over words ([`SumHash`]). Words under which all of a port's hashed masks have the
//! same bits (its number, the Ethernet type …) are summed once for all of them. Of the others, a group of eight masks
//! has the bits side by side, so that one wide operation does the same for eight.

use alloc::vec::Vec;
use core::hint::black_box;

use super::store::{Held, Mask, NONE, PortKey, Word};
use crate::hash::{SumHash, finish, part};

/// Masks in a group.
pub(super) const GROUP: usize = 8;

/// The hashed masks of a port.
#[derive(Default)]
pub(super) struct Crowd {
    /// Words under which all masks have the same bits.
    common: Vec<Word>,
    /// The same by slot, eight at a time; bits and secret of other slots are 0, and add 0.
    common_blocks: Vec<CommonBlock>,
    groups: Vec<Group>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct CommonBlock {
    bits: [u64; GROUP],
    secrets: [u64; GROUP],
}

/// Up to eight masks, side by side.
pub(super) struct Group {
    pub(super) masks: [u32; GROUP],
    salts: [u64; GROUP],
    /// Where each mask's sum begins: at its salt, less what the words here add that it does not look at.
    starts: [u64; GROUP],
    /// The words that are not common: place, secret, and the bits of each mask.
    words: Vec<GroupWord>,
    /// Masks here.
    pub(super) len: usize,
}

struct GroupWord {
    slot: u8,
    secret: u64,
    bits: [u64; GROUP],
}

impl Crowd {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// What the words that all masks share add to a key's sums.
    #[inline(always)]
    pub(super) fn common(&self, key: &PortKey) -> u64 {
        let mut sums = [0_u64; GROUP];
        for (block, key) in self.common_blocks.iter().zip(key.0.as_chunks::<GROUP>().0) {
            let block = black_box(block);
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = sum.wrapping_add(part(key[n] & block.bits[n], block.secrets[n]));
            }
        }
        sums.iter().fold(0, |all, sum| all.wrapping_add(*sum))
    }

    /// Adds a mask at the last place.
    pub(super) fn push<H>(&mut self, id: u32, held: &mut Held<H>, hash: &SumHash) {
        let Some(mask) = held.masks.get_mut(id) else { return };
        mask.crowd = self.len as u32;
        self.len += 1;
        if self.len > 1 && self.common.iter().all(|word| mask.words.contains(word)) {
            self.place(id, mask, hash);
            return;
        }
        let before = self.groups.iter().flat_map(|group| &group.masks[..group.len]).copied();
        let all: Vec<u32> = before.chain([id]).collect();
        self.build(&all, held, hash);
    }

    /// Takes a mask out; the last one gets its place.
    pub(super) fn swap_remove<H>(&mut self, id: u32, held: &mut Held<H>, hash: &SumHash) {
        let Some(mask) = held.masks.get_mut(id) else { return };
        let place = core::mem::replace(&mut mask.crowd, NONE) as usize;
        let before = self.groups.iter().flat_map(|group| &group.masks[..group.len]).copied();
        let mut all: Vec<u32> = before.collect();
        if place < all.len() {
            all.swap_remove(place);
        }
        for (place, id) in all.iter().enumerate().skip(place).take(1) {
            if let Some(mask) = held.masks.get_mut(*id) {
                mask.crowd = place as u32;
            }
        }
        self.len = all.len();
        self.build(&all, held, hash);
    }

    /// Makes all groups anew.
    fn build<H>(&mut self, masks: &[u32], held: &Held<H>, hash: &SumHash) {
        self.groups.clear();
        let masks = || masks.iter().filter_map(|id| Some((*id, held.masks.get(*id)?)));
        let shared = |word: &&Word| masks().all(|(_, mask)| mask.words.contains(word));
        let first = masks().next().map_or(&[][..], |(_, mask)| &mask.words);
        self.common = first.iter().filter(shared).copied().collect();
        self.common_blocks.clear();
        for word in &self.common {
            let (block, n) = (usize::from(word.slot) / GROUP, usize::from(word.slot) % GROUP);
            let none = CommonBlock { bits: [0; GROUP], secrets: [0; GROUP] };
            self.common_blocks.resize(self.common_blocks.len().max(block + 1), none);
            let block = &mut self.common_blocks[block];
            (block.bits[n], block.secrets[n]) = (word.bits, hash.secret(usize::from(word.at)));
        }
        for (id, mask) in masks() {
            self.place(id, mask, hash);
        }
    }

    /// Adds a mask that has all common words.
    fn place(&mut self, id: u32, mask: &Mask, hash: &SumHash) {
        if self.groups.last().is_none_or(|group| group.len == GROUP) {
            self.groups.push(Group::new());
        }
        let Some(group) = self.groups.last_mut() else { return };
        let lane = group.len;
        group.len += 1;
        (group.masks[lane], group.salts[lane]) = (id, mask.salt);
        let common = &self.common;
        for word in mask.words.iter().filter(|word| !common.contains(word)) {
            group.word(*word, hash).bits[lane] = word.bits;
        }
        group.settle();
    }
}

impl Group {
    fn new() -> Self {
        Self { masks: [NONE; GROUP], salts: [0; GROUP], starts: [0; GROUP], words: Vec::new(), len: 0 }
    }

    /// The hashes of a key under all masks here; those beyond the last mean nothing.
    #[inline(always)]
    pub(super) fn hashes(&self, key: &PortKey, common: u64, factor: u64) -> [u32; GROUP] {
        if self.len == 1 {
            let words = self.words.iter().map(|word| part(word.of(key) & word.bits[0], word.secret));
            let sum = words.fold(self.starts[0].wrapping_add(common), u64::wrapping_add);
            return [finish(sum, factor), 0, 0, 0, 0, 0, 0, 0];
        }
        let mut sums = self.starts.map(|start| start.wrapping_add(common));
        for word in &self.words {
            // Opaque, so that the compiler makes vectors of the eight masks and not of the few words.
            let value = black_box(word.of(key));
            for (sum, bits) in sums.iter_mut().zip(&word.bits) {
                *sum = sum.wrapping_add(part(value & bits, word.secret));
            }
        }
        sums.map(|sum| finish(sum, factor))
    }

    fn settle(&mut self) {
        self.starts = self.salts;
        for word in &self.words {
            for (start, bits) in self.starts.iter_mut().zip(&word.bits) {
                if *bits == 0 {
                    *start = start.wrapping_sub(part(0, word.secret));
                }
            }
        }
    }

    /// The bits of all masks at a place.
    fn word(&mut self, word: Word, hash: &SumHash) -> &mut GroupWord {
        let found = self.words.iter().position(|w| w.slot == word.slot);
        let at = found.unwrap_or(self.words.len());
        if found.is_none() {
            let secret = hash.secret(usize::from(word.at));
            self.words.push(GroupWord { slot: word.slot, secret, bits: [0; GROUP] });
        }
        &mut self.words[at]
    }
}

impl GroupWord {
    #[inline(always)]
    fn of(&self, key: &PortKey) -> u64 {
        key.at(self.slot)
    }
}
