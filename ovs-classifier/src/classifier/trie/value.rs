//! What a trie can hold prefixes of, and how a bucket keeps them.

use core::fmt::Debug;

use super::Said;
use crate::rcu::sync::{AtomicU64, Ordering};

/// A number whose highest bit comes first.
pub(crate) trait Value: Copy + Eq + Debug + Send + Sync + 'static {
    /// How many bits it has.
    const BITS: u8;

    /// Where a bucket has a prefix, or nothing.
    type Place: Place<Self>;

    /// From bits that stand in the highest places.
    fn of(bits: u128) -> Self;

    /// How many bits from the first on agree.
    fn common(self, other: Self) -> u8;

    /// Its first `len` bits, the others zero.
    fn cut(self, len: u8) -> Self;

    /// The `count` bits from bit `at` on, as a number; there are that many, and not more than 8.
    fn slice(self, at: u8, count: u8) -> usize;

    /// With these bits added, the last of them being bit `len - 1`; `len` is not 0.
    fn join(self, bits: usize, len: u8) -> Self;

    /// With the ends of these lengths behind the first `depth` bits: bit `8 - l` says length `l`.
    fn with_ends(self, lengths: u8, depth: u8) -> Self;

    /// As lengths, if it is the ends of prefixes: bit `len - 1` is bit `BITS - len`.
    fn lengths(self) -> u128;

    /// What the prefixes in a bucket, at least one, say of it.
    fn look(self, places: &[Self::Place], said: &mut Said<Self>);
}

/// A prefix that the writer puts and takes away under readers.
///
/// A reader may come between two steps of a change and see parts of two prefixes, of which one is gone in every
/// version in use and the other is in none yet. What it takes from them can only add bits to what it finds.
pub(crate) trait Place<K>: Send + Sync {
    /// Without a prefix.
    fn vacant() -> Self;

    /// The prefix and its length.
    fn get(&self) -> Option<(K, u8)>;

    /// Puts a prefix here; its length is not 0.
    fn set(&self, prefix: K, len: u8);

    /// Takes it away.
    fn clear(&self);
}

macro_rules! bits {
    ($int:ty) => {
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

        fn join(self, bits: usize, len: u8) -> Self {
            self | (bits as Self) << (<Self as Value>::BITS - len)
        }

        #[inline]
        fn with_ends(self, lengths: u8, depth: u8) -> Self {
            self | (Self::from(lengths) << (<Self as Value>::BITS - 8)) >> depth
        }

        #[inline]
        fn lengths(self) -> u128 {
            self.reverse_bits().into()
        }
    };
}

impl Value for u32 {
    bits!(u32);

    type Place = Narrow;

    #[inline]
    fn look(self, places: &[Narrow], said: &mut Said<u32>) {
        // Of prefixes that agree, the bit before the rest; of the others, the least difference. All places are looked
        // at, those that are vacant too: how many are not would be a branch that nobody foresees.
        let (mut ends, mut least) = (0_u32, u32::MAX);
        for place in places {
            let place = place.0.load(Ordering::Relaxed);
            let (differs, rest) = (self ^ (place >> 32) as u32, place as u32);
            let agrees = differs <= rest;
            ends |= if agrees { rest.wrapping_add(1) } else { 0 };
            least = least.min(if agrees { u32::MAX } else { differs });
        }
        said.ends |= ends;
        let longest = if ends == 0 { 0 } else { 32 - ends.trailing_zeros() as u8 };
        // If none differs this says 1, which is no more than what agrees says.
        let decided = least.leading_zeros() as u8 + 1;
        said.bits = said.bits.max(longest).max(decided);
    }
}

/// The prefix in the high half; in the low half a one for each bit behind it, so that all ones stand for a prefix of
/// no bits, which is vacant and says nothing.
pub(crate) struct Narrow(AtomicU64);

impl Place<u32> for Narrow {
    fn vacant() -> Self {
        Self(AtomicU64::new(u64::from(u32::MAX)))
    }

    fn get(&self) -> Option<(u32, u8)> {
        let place = self.0.load(Ordering::Relaxed);
        let len = (place as u32).leading_zeros() as u8;
        (len > 0).then_some(((place >> 32) as u32, len))
    }

    fn set(&self, prefix: u32, len: u8) {
        let rest = u32::MAX.checked_shr(u32::from(len)).unwrap_or(0);
        self.0.store(u64::from(prefix) << 32 | u64::from(rest), Ordering::Release);
    }

    fn clear(&self) {
        self.0.store(u64::from(u32::MAX), Ordering::Relaxed);
    }
}

impl Value for u128 {
    bits!(u128);

    type Place = Wide;

    #[inline]
    fn look(self, places: &[Wide], said: &mut Said<u128>) {
        for (prefix, len) in places.iter().filter_map(Wide::get) {
            let common = self.common(prefix);
            if common >= len {
                said.ends |= 1 << (128 - len);
                said.bits = said.bits.max(len);
            } else {
                said.bits = said.bits.max(common + 1);
            }
        }
    }
}

/// The halves of the prefix, and its length; vacant, if that is 0.
pub(crate) struct Wide {
    high: AtomicU64,
    low: AtomicU64,
    len: AtomicU64,
}

impl Place<u128> for Wide {
    fn vacant() -> Self {
        Self { high: AtomicU64::new(0), low: AtomicU64::new(0), len: AtomicU64::new(0) }
    }

    #[inline]
    fn get(&self) -> Option<(u128, u8)> {
        let len = self.len.load(Ordering::Acquire) as u8;
        let half = |half: &AtomicU64| u128::from(half.load(Ordering::Relaxed));
        (len > 0).then(|| (half(&self.high) << 64 | half(&self.low), len))
    }

    fn set(&self, prefix: u128, len: u8) {
        self.high.store((prefix >> 64) as u64, Ordering::Relaxed);
        self.low.store(prefix as u64, Ordering::Relaxed);
        self.len.store(u64::from(len), Ordering::Release);
    }

    fn clear(&self) {
        self.len.store(0, Ordering::Relaxed);
    }
}
