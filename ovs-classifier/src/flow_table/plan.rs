//! Comparing many keys of one shape with flows of one mask.

use ovs_flow::{SparseKey, WordMap};

use super::flow::Flow;
use super::masks::TableMask;

/// Words of a mask that a plan can hold; flows under larger masks are compared without one.
const WORDS: usize = 24;
/// The key has no such word: it is zero. No key has so many words.
const ABSENT: u8 = u8::MAX;

/// Where the words of a mask lie in keys that hold the same words.
///
/// The packets of a batch are mostly of one shape and hit flows of one mask. Then the place of each word, which takes
/// counting bits, is worked out once and not per packet. A plan that does not fit is made anew.
#[derive(Clone, Copy)]
pub struct MatchPlan<'g> {
    mask: Option<&'g TableMask>,
    map: WordMap,
    places: [u8; WORDS],
}

impl Default for MatchPlan<'_> {
    fn default() -> Self {
        Self { mask: None, map: [0; 2], places: [ABSENT; WORDS] }
    }
}

impl core::fmt::Debug for MatchPlan<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MatchPlan").field("map", &self.map).finish_non_exhaustive()
    }
}

impl<'g> MatchPlan<'g> {
    #[inline]
    fn fits(&self, mask: &TableMask, key: &SparseKey) -> bool {
        self.mask.is_some_and(|planned| core::ptr::eq(planned, mask)) && self.map == key.map()
    }

    fn make(&mut self, mask: &'g TableMask, key: &SparseKey) {
        self.map = key.map();
        self.mask = Some(mask);
        for (place, word) in self.places.iter_mut().zip(mask.words()) {
            *place = place_of(word.at(), self.map);
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
        self.mask.words().iter().zip(&self.values).all(|(word, value)| {
            let place = place_of(word.at(), map);
            if place == ABSENT {
                return *value == 0;
            }
            keys.iter().fold(0, |differs, key| differs | key.nth(place.into()) & word.bits ^ value) == 0
        })
    }

    /// [`Flow::matches`] for one key of many: the plan is kept from key to key.
    #[inline]
    pub fn matches_by<'g>(&'g self, key: &SparseKey, plan: &mut MatchPlan<'g>) -> bool {
        let mask = &*self.mask;
        if mask.words().len() > WORDS {
            return self.matches(key);
        }
        if !plan.fits(mask, key) {
            plan.make(mask, key);
        }
        let held = key.values();
        let words = mask.words().iter().zip(&plan.places).zip(&self.values);
        words.fold(0, |differs, ((word, place), value)| {
            let held = held.get(usize::from(*place)).copied().unwrap_or(0);
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
