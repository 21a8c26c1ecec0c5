//! How many matches share something (a beginning, a prefix, ports): the writer's counts, where they are more than one.

use alloc::vec;
use alloc::vec::Vec;

use crate::arch::prefetch;

/// Counts by hash and seat, in a table with linear probing.
///
/// Hashes are keyed, so nobody chooses where they fall.
pub(super) struct Counts {
    /// As many as a power of two, or none; vacant where the count is 0.
    slots: Vec<Slot>,
    used: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    seat: u32,
    count: u32,
}

const VACANT: Slot = Slot { hash: 0, seat: 0, count: 0 };

impl Counts {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), used: 0 }
    }

    /// Counts one more; what is not counted yet is one.
    pub(super) fn add(&mut self, hash: u64, seat: u32) {
        self.add_many(hash, seat, 1);
    }

    /// Counts so many more.
    pub(super) fn add_many(&mut self, hash: u64, seat: u32, more: u32) {
        if more == 0 {
            return;
        }
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.resize();
        }
        let at = self.find(hash, seat);
        let slot = &mut self.slots[at];
        if slot.count == 0 {
            *slot = Slot { hash, seat, count: 1 };
            self.used += 1;
        }
        slot.count = slot.count.saturating_add(more);
    }

    /// Counts so many more of what is a member of something: `insert` makes it one, if it may be none yet, and says
    /// whether it was none.
    pub(super) fn enter(&mut self, hash: u64, seat: u32, more: u32, insert: impl FnOnce() -> bool) {
        let new = !self.knows(hash, seat) && insert();
        self.add_many(hash, seat, more - u32::from(new));
    }

    /// Whether it is more than one.
    pub(super) fn knows(&self, hash: u64, seat: u32) -> bool {
        self.used > 0 && self.slots[self.find(hash, seat)].count > 0
    }

    /// Begins to fetch a count.
    pub(super) fn fetch(&self, hash: u64, seat: u32) {
        if self.used > 0 {
            prefetch(&self.slots[self.home(hash, seat)]);
        }
    }

    /// Counts one less. Says whether it was more than one.
    pub(super) fn take(&mut self, hash: u64, seat: u32) -> bool {
        if self.used == 0 {
            return false;
        }
        let at = self.find(hash, seat);
        match self.slots[at].count {
            0 => return false,
            2 => self.vacate(at),
            _ => self.slots[at].count -= 1,
        }
        true
    }

    /// The slot of a hash and seat, or the vacant one where it would be; not all are in use.
    fn find(&self, hash: u64, seat: u32) -> usize {
        let mut at = self.home(hash, seat);
        loop {
            let slot = &self.slots[at];
            if slot.count == 0 || slot.hash == hash && slot.seat == seat {
                return at;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn home(&self, hash: u64, seat: u32) -> usize {
        (hash >> 7 ^ u64::from(seat).wrapping_mul(0x9e37_79b9)) as usize & (self.slots.len() - 1)
    }

    /// Makes a slot vacant, and moves what was pushed behind it forward.
    fn vacate(&mut self, mut gap: usize) {
        let last = self.slots.len() - 1;
        self.used -= 1;
        let mut at = gap;
        loop {
            at = (at + 1) & last;
            let slot = self.slots[at];
            if slot.count == 0 {
                break;
            }
            let home = self.home(slot.hash, slot.seat);
            if at.wrapping_sub(home) & last >= at.wrapping_sub(gap) & last {
                self.slots[gap] = slot;
                gap = at;
            }
        }
        self.slots[gap] = VACANT;
        if self.slots.len() > 64 && self.used * 8 < self.slots.len() {
            self.resize();
        }
    }

    fn resize(&mut self) {
        let size = ((self.used + 1) * 2).next_power_of_two();
        let old = core::mem::replace(&mut self.slots, vec![VACANT; size]);
        for slot in old.into_iter().filter(|slot| slot.count > 0) {
            let at = self.find(slot.hash, slot.seat);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_map(ops in prop::collection::vec((0u8..3, 0u64..40, 0u32..3), 1..600)) {
            let (mut counts, mut map) = (Counts::new(), BTreeMap::new());
            for (op, hash, seat) in ops {
                let hash = hash << 7;
                prop_assert_eq!(counts.knows(hash, seat), map.contains_key(&(hash, seat)));
                counts.fetch(hash, seat);
                if op > 0 {
                    counts.add_many(hash, seat, op.into());
                    *map.entry((hash, seat)).or_insert(1) += u32::from(op);
                } else {
                    let known = map.get(&(hash, seat)).copied();
                    prop_assert_eq!(counts.take(hash, seat), known.is_some());
                    match known {
                        Some(2) => drop(map.remove(&(hash, seat))),
                        Some(count) => drop(map.insert((hash, seat), count - 1)),
                        None => {}
                    }
                }
                prop_assert_eq!(counts.used, map.len());
            }
        }
    }
}
