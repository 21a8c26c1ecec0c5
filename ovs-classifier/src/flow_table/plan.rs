//! Comparing many keys of one shape with flows.

use ovs_flow::{SparseKey, WordMap};

use super::flow::Flow;

/// The key has no such word: it is zero. No key has so many words.
const ABSENT: u8 = u8::MAX;
/// Bits of a map of words.
const PLACES: usize = 128;

/// Where words lie in keys that hold the same words.
///
/// The packets of a batch are mostly of one shape. Then the place of each word, which takes counting bits, is worked out
/// once and not per packet, whatever the masks of their flows are. For a key of another shape it is made anew.
#[derive(Clone, Copy)]
pub struct MatchPlan {
    map: WordMap,
    places: [u8; PLACES],
}

impl Default for MatchPlan {
    fn default() -> Self {
        Self { map: [0; 2], places: [ABSENT; PLACES] }
    }
}

impl core::fmt::Debug for MatchPlan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MatchPlan").field("map", &self.map).finish_non_exhaustive()
    }
}

impl MatchPlan {
    fn make(&mut self, map: WordMap) {
        (self.map, self.places) = (map, [ABSENT; PLACES]);
        let mut place = 0;
        for (element, mut bits) in map.into_iter().enumerate() {
            while bits != 0 {
                self.places[(element * 64 + bits.trailing_zeros() as usize) % PLACES] = place;
                place += 1;
                bits &= bits - 1;
            }
        }
    }
}

/// The place of word `at` among those that a key holds.
fn place_of(at: usize, map: WordMap) -> u8 {
    let (element, bit) = (at / 64, at % 64);
    if map[element] >> bit & 1 == 0 {
        return ABSENT;
    }
    let before = map[..element].iter().map(|bits| bits.count_ones()).sum::<u32>();
    (before + (map[element] & ((1 << bit) - 1)).count_ones()) as u8
}

impl<V> Flow<V> {
    /// Whether the packets of all these keys are the flow's. Keys that hold the same words are compared word by word
    /// through all of them, which needs the place of each word once.
    #[inline]
    pub fn matches_all(&self, keys: &[SparseKey]) -> bool {
        let Some(map) = keys.first().map(SparseKey::map) else { return true };
        let others = |key: &SparseKey| key.map()[0] ^ map[0] | key.map()[1] ^ map[1];
        if keys.iter().fold(0, |differs, key| differs | others(key)) != 0 {
            let mut plan = MatchPlan::default();
            return keys.iter().all(|key| self.matches_by(key, &mut plan));
        }
        self.mask.words().iter().zip(self.values()).all(|(word, value)| {
            let place = place_of(word.at(), map);
            if place == ABSENT {
                return *value == 0;
            }
            keys.iter().fold(0, |differs, key| differs | key.nth(place.into()) & word.bits ^ value) == 0
        })
    }

    /// [`Flow::matches`] for one key of many: the plan is kept from key to key.
    #[inline]
    pub fn matches_by(&self, key: &SparseKey, plan: &mut MatchPlan) -> bool {
        if plan.map != key.map() {
            plan.make(key.map());
        }
        let held = key.values();
        let words = self.mask.words().iter().zip(self.values());
        words.fold(0, |differs, (word, value)| {
            let place = plan.places[word.at() % PLACES];
            let held = held.get(usize::from(place)).copied().unwrap_or(0);
            differs | (held & word.bits ^ value)
        }) == 0
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use ovs_flow::{FlowKey, FlowMask, Match};
    use proptest::prelude::*;

    use super::super::{FlowTable, FlowTableConfig};
    use super::*;
    use crate::rcu::Domain;

    proptest! {
        /// Keys and masks of a few words, so that all of match, differ and have no such word come up.
        #[test]
        fn agrees_with_the_plain_comparison(
            rules in prop::collection::vec(prop::collection::vec((0..ovs_flow::WORDS, 0..3_u64, 1..4_u64), 0..30), 1..8),
            keys in prop::collection::vec(prop::collection::vec((0..ovs_flow::WORDS, 0..3_u64), 0..40), 1..20),
        ) {
            let domain = Domain::new();
            let mut table = FlowTable::new(&domain, FlowTableConfig::default());
            let mut reader = domain.reader();
            let guard = reader.enter();
            let mut ids = Vec::new();
            for words in rules {
                let (mut key, mut mask) = (FlowKey::default(), FlowMask::default());
                for (at, value, bits) in words {
                    key.words_mut()[at] = value;
                    mask.words_mut()[at] = bits;
                }
                ids.extend(table.insert(&Match::new(&key, mask), (), crate::FlowStats::default(), &guard).ok());
            }
            let mut plan = MatchPlan::default();
            let mut before = SparseKey::new();
            for words in keys {
                let mut key = FlowKey::default();
                for (at, value) in words {
                    key.words_mut()[at] = value;
                }
                let key = SparseKey::from(&key);
                for flow in ids.iter().filter_map(|id| table.get(*id, &guard)) {
                    prop_assert_eq!(flow.matches_by(&key, &mut plan), flow.matches(&key));
                    // All alike, and two that may have different words.
                    let batches = [vec![key.clone(), key.clone()], vec![key.clone(), before.clone()]];
                    for batch in batches {
                        let each = batch.iter().all(|key| flow.matches(key));
                        prop_assert_eq!(flow.matches_all(&batch), each);
                    }
                }
                before = key;
            }
        }
    }
}
