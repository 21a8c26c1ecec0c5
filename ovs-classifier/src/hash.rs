//! The keyed hash of words that the tables of this crate place by.

/// A secret pair from the configuration's seed. Hostile traffic chooses the words that are hashed, so
/// the function is nonlinear (a 64×64-bit multiplication folded) and both of its keys stay secret.
#[derive(Clone, Copy)]
pub(crate) struct WordHash {
    start: u64,
    factor: u64,
}

impl WordHash {
    /// From a seed; any will do, also zero.
    pub(crate) fn new(seed: [u64; 2]) -> Self {
        let start = fold(seed[0] ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
        let factor = fold(seed[1] ^ start ^ 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db) | 1;
        Self { start, factor }
    }

    /// The hash of no words.
    #[inline]
    pub(crate) fn start(self) -> u64 {
        self.start
    }

    /// The hash of the words before, and this one.
    #[inline]
    pub(crate) fn add(self, hash: u64, word: u64) -> u64 {
        fold(hash ^ word, self.factor).wrapping_add(self.start.rotate_left(23) ^ word)
    }

    /// The last step: spreads the bits, and is never 0.
    #[inline]
    pub(crate) fn finish(self, hash: u64) -> u64 {
        fold(hash ^ self.start, self.factor).max(1)
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}
