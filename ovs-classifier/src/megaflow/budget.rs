//! The budget: how many masks a port may have, and what a mask beyond it becomes.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ovs_flow::{FlowKey, FlowMask};

use crate::classifier::tuple_mask::{MaskWord, fold, words_of};

/// Beside its budget, a port has room for so many masks that are exact for some kind of packet.
const EXACT_MASKS: usize = 31;

/// The mask to use for `mask` and a packet with `key`: itself, if the port has it or it fits the budget; else the one
/// that the port has, that holds all of its bits, and has the fewest more (of equals, the first by its words);
/// else all that the packet has, while there are few such masks; else all there is.
pub(super) fn admit(
    masks: &BTreeMap<Box<[MaskWord]>, u32>,
    key: &FlowKey,
    mask: &FlowMask,
    budget: usize,
) -> FlowMask {
    if masks.len() < budget {
        return *mask;
    }
    let mut words = Vec::new();
    words_of(mask, &mut words);
    if masks.contains_key(&*words) {
        return *mask;
    }
    let supersets = masks.keys().filter(|other| holds(other, &words));
    if let Some(found) = supersets.min_by_key(|other| other.iter().map(|w| w.bits.count_ones()).sum::<u32>())
    {
        let mut mask = FlowMask::default();
        fold(&mut mask, found);
        return mask;
    }
    if masks.len() >= budget + EXACT_MASKS {
        return FlowMask::exact();
    }
    let mut mask = *mask;
    mask.merge(&FlowMask::for_packet(key));
    mask
}

/// Whether every bit of `words` is in `wider`; both in order of their place.
fn holds(wider: &[MaskWord], words: &[MaskWord]) -> bool {
    let mut rest = wider.iter();
    words.iter().all(|word| {
        rest.find(|w| w.at() >= word.at())
            .is_some_and(|w| w.at() == word.at() && w.bits & word.bits == word.bits)
    })
}
