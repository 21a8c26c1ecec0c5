//! The masks under one port of entry, and the budget for them.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ovs_flow::{FlowKey, FlowMask, WORDS};

use super::nodes::{NodeId, Tree};
use super::segments::cut;
use crate::classifier::tuple_mask::{MaskWord, fold, words_of};

/// A mask that megaflows share.
pub(super) struct SharedMask {
    words: Box<[MaskWord]>,
    /// Its nodes in the port's tree.
    pub(super) path: Box<[NodeId]>,
}

impl SharedMask {
    /// The words of a key under the mask.
    pub(super) fn values(&self, word: impl Fn(usize) -> u64) -> Box<[u64]> {
        self.words.iter().map(|w| word(w.at()) & w.bits).collect()
    }

    /// Whether a key has these values under the mask.
    #[inline]
    pub(super) fn matches(&self, values: &[u64], key: &[u64; WORDS]) -> bool {
        self.words.iter().zip(values).all(|(word, value)| key[word.at()] & word.bits == *value)
    }

    /// The values by word of the key.
    pub(super) fn word_in(&self, values: &[u64], at: usize) -> u64 {
        self.words.binary_search_by_key(&at, |word| word.at()).map_or(0, |found| values[found])
    }
}

/// All masks of a port, and their tree.
pub(super) struct PortMasks {
    pub(super) tree: Tree,
    masks: BTreeMap<Box<[MaskWord]>, (Arc<SharedMask>, usize)>,
}

impl PortMasks {
    pub(super) fn new() -> Self {
        Self { tree: Tree::new(), masks: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.masks.len()
    }

    /// The shared mask, if the port has it.
    pub(super) fn get(&self, words: &[MaskWord]) -> Option<&Arc<SharedMask>> {
        self.masks.get(words).map(|(mask, _)| mask)
    }

    /// The shared mask, counted for one megaflow more.
    pub(super) fn take(&mut self, mask: &FlowMask, words: &[MaskWord]) -> Arc<SharedMask> {
        if let Some((shared, users)) = self.masks.get_mut(words) {
            *users += 1;
            return Arc::clone(shared);
        }
        let shared = Arc::new(SharedMask { words: words.into(), path: self.tree.add_path(cut(mask)) });
        self.masks.insert(words.into(), (Arc::clone(&shared), 1));
        shared
    }

    /// Counts one megaflow less; the mask of the last goes.
    pub(super) fn give_back(&mut self, mask: &SharedMask) {
        let Some((_, users)) = self.masks.get_mut(&mask.words) else { return };
        *users -= 1;
        if *users == 0 {
            self.masks.remove(&mask.words);
            self.tree.remove_path(&mask.path);
        }
    }

    /// The mask to use for `mask` and a packet with `key`: itself, if it is here or fits the budget; else the one here
    /// that holds all of its bits and has the fewest more (of equals, the first by its words); else all that
    /// the packet has, while few such masks are here; else all there is.
    pub(super) fn admit(&self, key: &FlowKey, mask: &FlowMask, budget: usize) -> FlowMask {
        let mut words = Vec::new();
        words_of(mask, &mut words);
        if self.masks.len() < budget || self.masks.contains_key(&*words) {
            return *mask;
        }
        let supersets = self.masks.keys().filter(|other| holds(other, &words));
        if let Some(found) =
            supersets.min_by_key(|other| other.iter().map(|w| w.bits.count_ones()).sum::<u32>())
        {
            let mut mask = FlowMask::default();
            fold(&mut mask, found);
            return mask;
        }
        if self.masks.len() >= budget + EXACT_MASKS {
            return FlowMask::exact();
        }
        let mut mask = *mask;
        mask.merge(&FlowMask::for_packet(key));
        mask
    }
}

/// Beside its budget, a port has room for so many masks that are exact for some kind of packet.
pub(super) const EXACT_MASKS: usize = 31;

/// Whether every bit of `words` is in `wider`; both in order of their place.
fn holds(wider: &[MaskWord], words: &[MaskWord]) -> bool {
    let mut rest = wider.iter();
    words.iter().all(|word| {
        rest.find(|w| w.at() >= word.at())
            .is_some_and(|w| w.at() == word.at() && w.bits & word.bits == word.bits)
    })
}
