//! Identities of megaflows.

use ovs_flow::hash::HashKey;
use ovs_flow::{FlowKey, FlowMask, Ufid};

/// The identity of a megaflow that is put without one: a hash of its mask and masked key, the same in all programs.
pub fn flow_ufid(key: &FlowKey, mask: &FlowMask) -> Ufid {
    let masked = key.masked(&mask.fields);
    let half = |seed| {
        let hash = HashKey::from_seed(seed);
        u128::from(hash.words(&[hash.words(masked.words()), hash.words(mask.words())]))
    };
    Ufid(half(0) << 64 | half(1))
}
