//! What a trie can hold prefixes of.

use core::fmt::Debug;

/// A number whose highest bit comes first.
pub(crate) trait Value: Copy + Eq + Debug + Send + Sync + 'static {
    /// How many bits it has.
    const BITS: u8;

    /// From bits that stand in the highest places.
    fn of(bits: u128) -> Self;

    /// How many bits from the first on agree.
    fn common(self, other: Self) -> u8;

    /// Its first `len` bits, the others zero.
    fn cut(self, len: u8) -> Self;

    /// The `count` bits from bit `at` on, as a number; there are that many, and not more than 8.
    fn slice(self, at: u8, count: u8) -> usize;
}

macro_rules! value {
    ($int:ty) => {
        impl Value for $int {
            const BITS: u8 = <$int>::BITS as u8;

            #[inline]
            fn of(bits: u128) -> Self {
                (bits >> (128 - <$int>::BITS)) as Self
            }

            #[inline]
            fn common(self, other: Self) -> u8 {
                (self ^ other).leading_zeros() as u8
            }

            #[inline]
            fn cut(self, len: u8) -> Self {
                let rest = <$int>::BITS.saturating_sub(u32::from(len));
                self & <$int>::MAX.checked_shl(rest).unwrap_or(0)
            }

            #[inline]
            fn slice(self, at: u8, count: u8) -> usize {
                (self << at >> (<Self as Value>::BITS - count)) as usize
            }
        }
    };
}

value!(u32);
value!(u128);
