//! Identities of megaflows.

use std::hash::{BuildHasher, Hasher};

use ovs_flow::{FlowKey, FlowMask, Ufid};

/// The identity of a megaflow that was put without one: a hash of its masked key.
pub(crate) fn ufid(key: &FlowKey, mask: &FlowMask) -> Ufid {
    let masked = key.masked(&mask.fields);
    let half = |seed: u64| {
        let mut hasher = ahash::RandomState::with_seeds(seed, 2, 3, 4).build_hasher();
        for word in masked.words().iter().chain(mask.words()) {
            hasher.write_u64(*word);
        }
        u128::from(hasher.finish())
    };
    Ufid(half(0) << 64 | half(1))
}
