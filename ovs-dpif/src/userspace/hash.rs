//! The hash of a whole key, for the exact-match cache.

use ovs_flow::SparseKey;

/// A keyed, nonlinear hash (a 64×64-bit multiplication folded, word by word): what it hashes is chosen by
/// whoever sends the packets, who must not be able to choose keys that meet in one place.
#[derive(Clone, Copy)]
pub(super) struct KeyHash {
    start: u64,
    factor: u64,
}

impl KeyHash {
    pub fn new(seed: [u64; 2]) -> Self {
        let start = fold(seed[0] ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
        let factor = fold(seed[1] ^ start ^ 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db) | 1;
        Self { start, factor }
    }

    #[inline]
    pub fn of(self, key: &SparseKey) -> u64 {
        let [low, high] = key.map();
        let mut hash = fold(self.start ^ low, self.factor ^ high);
        for word in key.values() {
            hash = fold(hash ^ word, self.factor).wrapping_add(self.start ^ word);
        }
        fold(hash, self.factor)
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
