//! The hash table of a node: from the hash of the masked values so far to what is there.

use alloc::vec::Vec;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// What a node knows of one hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// 0 for a free place.
    hash: u64,
    /// Megaflows that pass through or end here.
    pub(super) count: u32,
    /// The first of those that end here, or [`NONE`].
    pub(super) first: u32,
}

const FREE: Spot = Spot { hash: 0, count: 0, first: NONE };
const SMALLEST: usize = 4;

/// Open addressing, linear probing, at most three quarters full; removal moves what follows back.
#[derive(Default)]
pub(super) struct Table {
    spots: Vec<Spot>,
    used: usize,
}

impl Table {
    #[inline]
    pub(super) fn get(&self, hash: u64) -> Option<&Spot> {
        let at = self.find(hash)?;
        Some(&self.spots[at])
    }

    pub(super) fn get_mut(&mut self, hash: u64) -> Option<&mut Spot> {
        let at = self.find(hash)?;
        Some(&mut self.spots[at])
    }

    #[inline]
    fn find(&self, hash: u64) -> Option<usize> {
        let last = self.spots.len().checked_sub(1)?;
        let mut at = hash as usize & last;
        loop {
            match self.spots[at].hash {
                found if found == hash => return Some(at),
                0 => return None,
                _ => at = (at + 1) & last,
            }
        }
    }

    /// The spot of a hash, which must not be 0; new with count 0 if it was not there.
    pub(super) fn entry(&mut self, hash: u64) -> &mut Spot {
        debug_assert_ne!(hash, 0);
        let at = self.find(hash).unwrap_or_else(|| self.add(hash));
        &mut self.spots[at]
    }

    fn add(&mut self, hash: u64) -> usize {
        if (self.used + 1) * 4 > self.spots.len() * 3 {
            self.resize((self.spots.len() * 2).max(SMALLEST));
        }
        self.used += 1;
        self.place(Spot { hash, ..FREE })
    }

    fn place(&mut self, spot: Spot) -> usize {
        let last = self.spots.len() - 1;
        let mut at = spot.hash as usize & last;
        while self.spots[at].hash != 0 {
            at = (at + 1) & last;
        }
        self.spots[at] = spot;
        at
    }

    fn resize(&mut self, size: usize) {
        let old = core::mem::replace(&mut self.spots, alloc::vec![FREE; size]);
        for spot in old.into_iter().filter(|spot| spot.hash != 0) {
            self.place(spot);
        }
    }

    pub(super) fn remove(&mut self, hash: u64) {
        let Some(mut hole) = self.find(hash) else { return };
        let last = self.spots.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & last;
            let spot = self.spots[at];
            if spot.hash == 0 {
                break;
            }
            // It may move back to the hole unless its home lies behind the hole.
            let (from_home, from_hole) =
                (at.wrapping_sub(spot.hash as usize) & last, at.wrapping_sub(hole) & last);
            if from_home >= from_hole {
                self.spots[hole] = spot;
                hole = at;
            }
        }
        self.spots[hole] = FREE;
        self.used -= 1;
        if self.spots.len() > 64 && self.used * 8 < self.spots.len() {
            self.resize(self.spots.len() / 4);
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
        fn is_a_map(ops in prop::collection::vec((0u64..40, any::<bool>()), 1..400)) {
            let (mut table, mut model) = (Table::default(), BTreeMap::new());
            for (n, (key, insert)) in ops.into_iter().enumerate() {
                let hash = (key % 7) * 64 + key + 1; // many share a home
                if insert {
                    table.entry(hash).count = n as u32;
                    model.insert(hash, n as u32);
                } else {
                    table.remove(hash);
                    model.remove(&hash);
                }
                for hash in 1..500 {
                    prop_assert_eq!(table.get(hash).map(|spot| spot.count), model.get(&hash).copied());
                }
                prop_assert_eq!(table.used, model.len());
            }
        }
    }
}
