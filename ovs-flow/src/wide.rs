//! Numbers as long as the longest field: the value of a tunnel option has up to 124 bytes.

use alloc::string::String;
use core::cmp::Ordering;
use core::fmt::{self, Write};
use core::ops::{BitAnd, BitOr, Not};

/// Limbs of 128 bits.
const LIMBS: usize = 8;

/// An unsigned number of up to 1024 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Wide([u128; LIMBS]);

impl Wide {
    /// Bits of the longest number.
    pub const BITS: u16 = 128 * LIMBS as u16;
    /// Bytes of the longest number.
    pub const BYTES: usize = 16 * LIMBS;
    /// Nothing.
    pub const ZERO: Self = Self([0; LIMBS]);
    /// All bits.
    pub const MAX: Self = Self([u128::MAX; LIMBS]);

    /// A number in network byte order; of more than [`Wide::BYTES`] bytes the last ones.
    pub fn from_be_bytes(bytes: &[u8]) -> Self {
        let mut limbs = [0; LIMBS];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(16)) {
            *limb = chunk.iter().fold(0, |n, byte| n << 8 | u128::from(*byte));
        }
        Self(limbs)
    }

    /// In network byte order.
    pub fn to_be_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (chunk, limb) in bytes.rchunks_exact_mut(16).zip(self.0) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }

    /// The lowest `bits` bits.
    pub fn ones(bits: u16) -> Self {
        let mut limbs = [0; LIMBS];
        for (i, limb) in limbs.iter_mut().enumerate() {
            *limb = match usize::from(bits).saturating_sub(128 * i) {
                0 => 0,
                some if some >= 128 => u128::MAX,
                some => (1 << some) - 1,
            };
        }
        Self(limbs)
    }

    /// The lowest 128 bits.
    pub fn low(&self) -> u128 {
        self.0[0]
    }

    /// The number, if it has no more than 128 bits.
    pub fn narrow(&self) -> Option<u128> {
        self.0[1..].iter().all(|limb| *limb == 0).then_some(self.0[0])
    }

    /// Whether no bit is set.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// How many bits the number needs.
    pub fn bit_len(&self) -> u16 {
        let top = self.0.iter().rposition(|limb| *limb != 0);
        top.map_or(0, |i| (128 * (i as u32 + 1) - self.0[i].leading_zeros()) as u16)
    }

    /// The place of the lowest bit that is set.
    pub fn lowest(&self) -> Option<u16> {
        let low = self.0.iter().position(|limb| *limb != 0)?;
        Some((128 * low as u32 + self.0[low].trailing_zeros()) as u16)
    }

    /// Multiplied by a power of two; bits that have no room are lost.
    #[must_use]
    pub fn shl(&self, bits: u16) -> Self {
        let (whole, part) = (usize::from(bits / 128), u32::from(bits % 128));
        let limb = |i: usize| self.0.get(i).copied().unwrap_or(0);
        Self(core::array::from_fn(|i| {
            let high = i.checked_sub(whole).map_or(0, limb);
            let low = i.checked_sub(whole + 1).map_or(0, limb);
            if part == 0 { high } else { high << part | low >> (128 - part) }
        }))
    }

    /// Divided by a power of two.
    #[must_use]
    pub fn shr(&self, bits: u16) -> Self {
        let (whole, part) = (usize::from(bits / 128), u32::from(bits % 128));
        let limb = |i: usize| self.0.get(i).copied().unwrap_or(0);
        Self(core::array::from_fn(|i| {
            let (low, high) = (limb(i + whole), limb(i + whole + 1));
            if part == 0 { low } else { low >> part | high << (128 - part) }
        }))
    }

    /// Hexadecimal digits without prefix; `None` if something else is there, or nothing, or more than there is room for.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let significant = digits.trim_start_matches('0');
        if digits.is_empty() || significant.len() > 2 * Self::BYTES {
            return None;
        }
        let mut limbs = [0; LIMBS];
        let mut rest = significant;
        for limb in &mut limbs {
            let at = rest.len().saturating_sub(32);
            // Something else than digits may lie across.
            let part = rest.get(at..)?;
            if !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            if !part.is_empty() {
                *limb = u128::from_str_radix(part, 16).ok()?;
            }
            rest = rest.get(..at)?;
        }
        Some(Self(limbs))
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<u128> for Wide {
    fn from(low: u128) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = low;
        Self(limbs)
    }
}

impl BitAnd for Wide {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] & other.0[i]))
    }
}

impl BitOr for Wide {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] | other.0[i]))
    }
}

impl Not for Wide {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0.map(|limb| !limb))
    }
}

impl fmt::LowerHex for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for limb in self.0.iter().rev() {
            if !text.is_empty() {
                write!(text, "{limb:032x}")?;
            } else if *limb != 0 {
                write!(text, "{limb:x}")?;
            }
        }
        f.pad_integral(true, "0x", if text.is_empty() { "0" } else { &text })
    }
}

impl fmt::Display for Wide {
    /// Hexadecimal as the tools print it: zero has no prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() { f.write_char('0') } else { write!(f, "{self:#x}") }
    }
}

impl fmt::Debug for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#x}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shifts_are_those_of_the_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..128), by in 0_u16..1100) {
            let n = Wide::from_be_bytes(&bytes);
            let bit = |n: &Wide, i: u16| n.to_be_bytes()[127 - usize::from(i / 8)] >> (i % 8) & 1;
            for i in 0..Wide::BITS {
                let from = |at: Option<u16>| at.filter(|at| *at < Wide::BITS).map_or(0, |at| bit(&n, at));
                prop_assert_eq!(bit(&n.shr(by), i), from(i.checked_add(by)));
                prop_assert_eq!(bit(&n.shl(by), i), from(i.checked_sub(by)));
            }
            prop_assert_eq!(n & Wide::ones(n.bit_len()), n);
            prop_assert_eq!(n.lowest().is_none(), n.is_zero());
        }

        #[test]
        fn texts_are_read_again(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let n = Wide::from_be_bytes(&bytes);
            let text = n.to_string();
            prop_assert_eq!(Wide::from_hex(text.strip_prefix("0x").unwrap_or(&text)), Some(n));
        }
    }

    #[test]
    fn digits_are_digits() {
        assert_eq!(Wide::from_hex("00ff"), Some(Wide::from(255)));
        assert_eq!(Wide::from_hex(&"f".repeat(256)), Some(Wide::MAX));
        for wrong in ["", "+1", "g", "é", "1é23456789012345678901234567890", &"1".repeat(257)] {
            assert_eq!(Wide::from_hex(wrong), None, "{wrong}");
        }
    }
}
