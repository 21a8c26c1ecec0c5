//! The keyed hashes of words that the tables of this crate place by.

use alloc::boxed::Box;

use ovs_flow::WORDS;

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

/// A keyed hash that is a sum: what several masks have in common is summed once, and the rest for eight masks at a time.
///
/// Each word of the key has a secret of its own; the halves of the word and of the secret are added, and the two sums
/// multiplied (NH, of UMAC: Black et al., CRYPTO 1999). Whatever two different keys are, the chance that their sums
/// are equal is 2⁻³² over the secrets, so that nobody can choose keys that collide without knowing them. Two
/// multiplications by a secret then spread the sum over the 32 bits that are used: after a single one, keys in sequence
/// would be at equal distances and could fall in clusters.
pub(crate) struct SumHash {
    secrets: Box<[u64; WORDS]>,
    factor: u64,
    words: WordHash,
}

impl SumHash {
    /// From a seed; any will do, also zero.
    pub(crate) fn new(seed: [u64; 2]) -> Self {
        let words = WordHash::new(seed);
        let mut secrets = Box::new([0; WORDS]);
        for (at, secret) in secrets.iter_mut().enumerate() {
            *secret = words.finish(words.add(words.start(), at as u64 + 1));
        }
        Self { secrets, factor: words.finish(words.add(words.start(), 0)) | 1, words }
    }

    /// The secret of word `at` of a key.
    pub(crate) fn secret(&self, at: usize) -> u64 {
        self.secrets[at]
    }

    /// Where the sums under one mask begin: they would be the same for two masks of which one adds only zeros.
    pub(crate) fn salt(&self, mask: impl Iterator<Item = u64>) -> u64 {
        self.words.finish(mask.fold(self.words.start(), |hash, word| self.words.add(hash, word)))
    }

    /// What multiplies a sum in [`finish`].
    pub(crate) fn factor(&self) -> u64 {
        self.factor
    }
}

/// What a word adds to a sum.
#[inline(always)]
pub(crate) fn part(word: u64, secret: u64) -> u64 {
    let low = (word as u32).wrapping_add(secret as u32);
    let high = ((word >> 32) as u32).wrapping_add((secret >> 32) as u32);
    u64::from(low) * u64::from(high)
}

/// The hash that a sum means.
#[inline(always)]
pub(crate) fn finish(sum: u64, factor: u64) -> u32 {
    let once = (sum ^ sum >> 32).wrapping_mul(factor);
    ((once ^ once >> 29).wrapping_mul(factor) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// Keys in patterns, as a sender would make them, fall as evenly as random ones.
    #[test]
    fn patterns_spread_evenly() {
        for (seed, shift) in (0..64).map(|n| (n, [0, 8, 16, 24, 31, 32, 40, 48][n as usize % 8])) {
            let hash = SumHash::new([seed, 4]);
            for bits in [0..8_u32, 24..32] {
                let mut buckets = vec![0_u32; 4096];
                for n in 0..16384_u64 {
                    let sum = part(n << shift, hash.secret(5)).wrapping_add(part(7, hash.secret(6)));
                    let hash = finish(sum, hash.factor());
                    buckets[((hash >> bits.start) & 0xff) as usize * 16 + (hash >> 12 & 15) as usize] += 1;
                }
                let most = buckets.iter().max().copied().unwrap_or(0);
                assert!(most < 30, "shift {shift}, bits {bits:?}: {most} of 16384 in one of 4096");
            }
        }
    }
}
