//! The filter of a node: which of its children can have a key's bytes at all.
//!
//! For each byte that some child looks at, and each value of that byte, there is a set of children: those that
//! have a megaflow with this value (under their mask) and those that do not look at the byte. The sets of a
//! key's bytes have in common all children that match, and few others: a set is a machine word, so some loads
//! replace a hash probe for each child.

use alloc::vec::Vec;

use ovs_flow::WORDS;

use super::table::Table;
use crate::classifier::tuple_mask::MaskWord;

/// Children in a set.
const SET: usize = u64::BITS as usize;
/// The most bytes that are looked at; further ones are left out, which lets more children through.
const MOST_LANES: usize = 16;

/// The sets of a node's children, by their place among them.
#[derive(Default)]
pub(super) struct Filter {
    lanes: Vec<Lane>,
    children: usize,
}

/// One byte of the key.
struct Lane {
    byte: usize,
    /// For each 64 children, the set for each value of the byte.
    sets: Vec<[u64; 256]>,
}

impl Filter {
    /// Takes a child in, at the last place.
    pub(super) fn push(&mut self, segment: &[MaskWord], values: &ByteValues) {
        let place = self.children;
        self.children += 1;
        for (byte, _) in bytes_of(segment) {
            if self.lanes.len() < MOST_LANES && !self.lanes.iter().any(|lane| lane.byte == byte) {
                self.lanes.push(Lane { byte, sets: Vec::new() });
            }
        }
        for lane in &mut self.lanes {
            // A set of children that are not there yet, or do not look at the byte, is full.
            while lane.sets.len() * SET < self.children {
                lane.sets.push([u64::MAX; 256]);
            }
            let Some((_, mask)) = bytes_of(segment).find(|(byte, _)| *byte == lane.byte) else {
                lane.put(place, 0, 0, true);
                continue;
            };
            lane.put(place, 0, 0, false);
            for value in values.of(lane.byte).filter(|value| value & !mask == 0) {
                lane.put(place, value, mask, true);
            }
        }
    }

    /// Takes the child at `place` out; the last one gets its place.
    pub(super) fn swap_remove(&mut self, place: usize) {
        let last = self.children - 1;
        for lane in &mut self.lanes {
            lane.copy(last, place);
            lane.put(last, 0, 0, true);
        }
        self.children = last;
    }

    /// Notes that the child at `place` has its first, or lost its last, megaflow with `value` in a byte.
    pub(super) fn set(&mut self, place: usize, byte: usize, value: u8, mask: u8, on: bool) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.byte == byte) {
            lane.put(place, value, mask, on);
        }
    }

    /// The places of the children that may match, in order.
    #[inline]
    pub(super) fn candidates(&self, key: &[u64; WORDS]) -> impl Iterator<Item = usize> {
        (0..self.children.div_ceil(SET)).flat_map(move |block| {
            let there = self.children - block * SET;
            let mut set = if there < SET { (1 << there) - 1 } else { u64::MAX };
            for lane in &self.lanes {
                let byte = key[lane.byte / 8].to_ne_bytes()[lane.byte % 8];
                set &= lane.sets[block][usize::from(byte)];
            }
            core::iter::from_fn(move || {
                if set == 0 {
                    return None;
                }
                let place = set.trailing_zeros() as usize;
                set &= set - 1;
                Some(block * SET + place)
            })
        })
    }
}

impl Lane {
    /// Puts a child into, or takes it out of, the sets of all bytes that are `value` under `mask`.
    fn put(&mut self, place: usize, value: u8, mask: u8, on: bool) {
        let bit = 1 << (place % SET);
        let Some(sets) = self.sets.get_mut(place / SET) else { return };
        // All bytes that differ from the value only where the mask does not look.
        let free = !mask;
        let mut other = 0_u8;
        loop {
            let set = &mut sets[usize::from(value | other)];
            *set = if on { *set | bit } else { *set & !bit };
            other = other.wrapping_sub(free) & free;
            if other == 0 {
                return;
            }
        }
    }

    fn copy(&mut self, from: usize, to: usize) {
        for value in 0..256 {
            let on = self.sets[from / SET][value] >> (from % SET) & 1;
            let set = &mut self.sets[to / SET][value];
            *set = *set & !(1 << (to % SET)) | on << (to % SET);
        }
    }
}

/// How many different values of a node's segment have which value in which byte.
#[derive(Default)]
pub(super) struct ByteValues {
    counts: Table,
}

impl ByteValues {
    /// Counts one more; whether it is the first.
    pub(super) fn add(&mut self, byte: usize, value: u8) -> bool {
        let spot = self.counts.entry(name(byte, value));
        spot.count += 1;
        spot.count == 1
    }

    /// Counts one less; whether it was the last.
    pub(super) fn sub(&mut self, byte: usize, value: u8) -> bool {
        let Some(spot) = self.counts.get_mut(name(byte, value)) else { return false };
        spot.count -= 1;
        let last = spot.count == 0;
        if last {
            self.counts.remove(name(byte, value));
        }
        last
    }

    /// The values of a byte.
    fn of(&self, byte: usize) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |value| self.counts.get(name(byte, *value)).is_some())
    }
}

/// A byte and its value as the key of a table, never 0.
fn name(byte: usize, value: u8) -> u64 {
    (byte as u64 + 1) << 8 | u64::from(value)
}

/// The bytes that a segment looks at, with the mask of each.
pub(super) fn bytes_of(segment: &[MaskWord]) -> impl Iterator<Item = (usize, u8)> {
    segment.iter().flat_map(|word| {
        let bytes = (word.at() * 8..).zip(word.bits.to_ne_bytes());
        bytes.filter(|(_, mask)| *mask != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(byte: usize, mask: u8) -> Vec<MaskWord> {
        let mut bytes = [0; 8];
        bytes[byte % 8] = mask;
        MaskWord::new(byte / 8, u64::from_ne_bytes(bytes)).into_iter().collect()
    }

    #[test]
    fn children_are_let_through_by_their_bytes() {
        let mut filter = Filter::default();
        let mut key = [0; WORDS];
        let places = |filter: &Filter, key: &[u64; WORDS]| filter.candidates(key).collect::<Vec<_>>();
        for n in 0..130_u8 {
            let mut values = ByteValues::default();
            values.add(5, n & 0xf0);
            filter.push(&segment(5, 0xf0), &values);
        }
        filter.push(&segment(9, 0xff), &ByteValues::default());
        assert_eq!(places(&filter, &key), (0..16).collect::<Vec<_>>());
        filter.set(130, 9, 0, 0xff, true);
        filter.set(3, 5, 0, 0xf0, false);
        filter.swap_remove(0);
        assert_eq!(places(&filter, &key), [&[0, 1, 2][..], &(4..16).collect::<Vec<_>>()].concat());
        key[1] = u64::MAX;
        assert_eq!(places(&filter, &key).len(), 14);
        key[0] = u64::MAX;
        assert_eq!(places(&filter, &key), []);
    }
}
