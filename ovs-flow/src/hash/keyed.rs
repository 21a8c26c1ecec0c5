//! The keyed hash of tables.

use crate::{FlowKey, FlowMask, SparseKey};

/// A secret under which words are hashed.
///
/// Each word is mixed by one 64×64→128-bit multiplication whose halves are added without carry ("folded"), as wyhash and
/// ahash do; it is nonlinear over bits, unlike a CRC, whose collisions do not depend on the key.
///
/// ```
/// use ovs_flow::{FlowKey, FlowMask, SparseKey, hash::HashKey};
///
/// let hash = HashKey::from_seed(7);
/// let mut key = FlowKey::default();
/// key.nw_proto = 6;
/// key.nw_ttl = 64;
/// let mut mask = FlowMask::default();
/// mask.fields.nw_proto = 0xff;
/// // What the mask does not look at does not count.
/// let masked = key.masked(&mask.fields);
/// assert_eq!(hash.masked(&SparseKey::from(&key), &mask), hash.masked_key(&masked, &mask));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HashKey {
    multiplier: u64,
    start: u64,
}

impl HashKey {
    /// A key derived from a seed: the same seed, the same hashes.
    pub const fn from_seed(seed: u64) -> Self {
        // Two steps of splitmix64; the multiplier is odd, so that it has an inverse.
        Self { multiplier: splitmix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) | 1, start: splitmix(seed) }
    }

    /// Words in order.
    #[inline]
    pub fn words(&self, words: &[u64]) -> u64 {
        let state = words.iter().fold(self.start, |state, word| self.mix(state, *word));
        self.finish(state)
    }

    /// All of a key: which words it holds, and their values.
    #[inline]
    pub fn sparse(&self, key: &SparseKey) -> u64 {
        let [low, high] = key.map();
        let state = self.mix(self.mix(self.start, low), high);
        let state = key.values().iter().fold(state, |state, word| self.mix(state, *word));
        self.finish(state)
    }

    /// The bits of a key that a mask looks at.
    #[inline]
    pub fn masked(&self, key: &SparseKey, mask: &FlowMask) -> u64 {
        self.under(mask, |index| key.word(index))
    }

    /// The same value as [`masked`](Self::masked), for a mask of which only the words that are not zero are held: the fast
    /// form for tables, whose cost is that of these words.
    #[inline]
    pub fn masked_sparse(&self, key: &SparseKey, mask: &SparseKey) -> u64 {
        let mut values = mask.values().iter();
        let mut state = self.start;
        for (element, mut bits) in mask.map().into_iter().enumerate() {
            while bits != 0 {
                let index = element * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                state = self.mix(state, key.word(index) & values.next().copied().unwrap_or(0));
            }
        }
        self.finish(state)
    }

    /// The same value as [`masked`](Self::masked) for a key with all its words.
    #[inline]
    pub fn masked_key(&self, key: &FlowKey, mask: &FlowMask) -> u64 {
        let words = key.words();
        self.under(mask, |index| words[index])
    }

    #[inline]
    fn under(&self, mask: &FlowMask, word: impl Fn(usize) -> u64) -> u64 {
        let words = mask.words().iter().enumerate().filter(|(_, bits)| **bits != 0);
        let state = words.fold(self.start, |state, (index, bits)| self.mix(state, word(index) & bits));
        self.finish(state)
    }

    #[inline]
    fn mix(&self, state: u64, word: u64) -> u64 {
        fold(state ^ word, self.multiplier).wrapping_add(word.rotate_left(23))
    }

    #[inline]
    fn finish(&self, state: u64) -> u64 {
        fold(state, self.multiplier.rotate_left(32) | 1).rotate_left((state & 63) as u32)
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

const fn splitmix(seed: u64) -> u64 {
    let x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
