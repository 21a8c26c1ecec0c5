//! One's-complement sums.

/// A one's-complement sum of 16-bit words, in host order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum(u16);

impl Sum {
    /// The sum of bytes taken as big-endian words; an odd last byte is padded with zero.
    ///
    /// Sums in the machine's own byte order and swaps once at the end, which RFC 1071 section 2(B) proves equal.
    /// Headers are added up in one register by add-with-carry, which is over before vector registers would be
    /// warm; from 256 bytes on they go through independent lanes, which the compiler puts into vectors.
    #[inline]
    pub fn of(bytes: &[u8]) -> Self {
        let (mut total, rest) = if bytes.len() < WIDE { (0, bytes) } else { lanes(bytes) };
        let (blocks, rest) = rest.as_chunks::<32>();
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            let mut carry = false;
            for word in words {
                (total, carry) = total.carrying_add(u64::from_ne_bytes(*word), carry);
            }
            total = end_around(total, u64::from(carry));
        }
        Self(u16::from_be(fold(end_around(total, sum_of(rest)))))
    }

    /// By how much a sum changes when bytes at an even offset of it become others: the sum of the new ones less that of
    /// the old (RFC 1624 equation 3, but for the checksum itself).
    #[inline]
    pub fn change<const N: usize>(old: &[u8; N], new: &[u8; N]) -> Self {
        // Less is plus the complement.
        let mut total = end_around(sum_of(new), sum_of(&old.map(|byte| !byte)));
        if N % 2 == 1 {
            // The padding behind an odd last byte is zero in both, and zero's complement is all ones.
            total = end_around(total, u64::from(u16::from_ne_bytes([0, 0xff])));
        }
        Self(u16::from_be(fold(total)))
    }

    /// The sum of one word.
    #[inline]
    pub fn word(word: u16) -> Self {
        Self(word)
    }

    /// Both sums together. The second must begin at an even offset; else [`swapped`](Self::swapped) it first.
    #[inline]
    pub fn and(self, other: Self) -> Self {
        let (sum, carry) = self.0.overflowing_add(other.0);
        Self(sum + u16::from(carry)) // cannot overflow: a sum that carried is below all ones
    }

    /// This sum less the other.
    #[inline]
    pub fn without(self, other: Self) -> Self {
        self.and(Self(!other.0))
    }

    /// The same bytes, summed from an odd offset.
    #[inline]
    pub fn swapped(self) -> Self {
        Self(self.0.swap_bytes())
    }

    /// The folded sum, not inverted: what a field holds whose checksum is to be completed later.
    #[inline]
    pub fn value(self) -> u16 {
        self.0
    }

    /// The checksum: the inverted sum.
    #[inline]
    pub fn checksum(self) -> u16 {
        !self.0
    }
}

/// The sum of a few bytes in 64 bits, in the machine's byte order, an odd last one padded with zero.
#[inline]
fn sum_of(bytes: &[u8]) -> u64 {
    let mut total = 0;
    let (words, last) = bytes.as_chunks::<8>();
    for word in words {
        total = end_around(total, u64::from_ne_bytes(*word));
    }
    let (words, last) = last.as_chunks::<2>();
    for word in words {
        total = end_around(total, u64::from(u16::from_ne_bytes(*word)));
    }
    if let [byte] = last {
        total = end_around(total, u64::from(u16::from_ne_bytes([*byte, 0])));
    }
    total
}

/// From so many bytes on, vector lanes win over add-with-carry.
const WIDE: usize = 256;

/// One's-complement sum of two words of 64 bits.
#[inline]
fn end_around(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u64::from(carry)
}

/// The sum of all whole blocks of 64 bytes, and the rest.
///
/// A vector unit without carries would have to widen every half word before it adds. Instead each lane keeps two
/// sums of 64-bit words: of all bits, wrapping, and of the upper halves, exact. The lower halves' exact sum is then
/// the first less the second shifted back, whatever wrapped, because it is below 2^64 (for fewer than 2^32 blocks).
fn lanes(bytes: &[u8]) -> (u64, &[u8]) {
    let (mut whole, mut upper) = ([0_u64; 8], [0_u64; 8]);
    let (blocks, rest) = bytes.as_chunks::<64>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for lane in 0..8 {
            let word = u64::from_ne_bytes(words[lane]);
            whole[lane] = whole[lane].wrapping_add(word);
            upper[lane] += word >> 32;
        }
    }
    (joined(&whole, &upper), rest)
}

/// The total of both sums of all lanes. Not inlined: the lanes then have to stand in memory, side by side, and that
/// is what makes the compiler keep them in vectors.
#[inline(never)]
fn joined(whole: &[u64; 8], upper: &[u64; 8]) -> u64 {
    let halves = whole.iter().zip(upper).map(|(whole, upper)| (whole.wrapping_sub(upper << 32), *upper));
    halves.fold(0, |total, (lower, upper)| end_around(end_around(total, lower), upper))
}

/// Adds the carries back until 16 bits remain.
#[inline]
fn fold(mut sum: u64) -> u16 {
    sum = (sum >> 32) + (sum & 0xffff_ffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::Sum;
    use proptest::prelude::*;

    /// The definition, word by word: the oracle.
    fn naive(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn rfc_1071_section_3_example() {
        let sum = Sum::of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!((sum.value(), sum.checksum()), (0xddf2, 0x220d));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(bytes in proptest::collection::vec(prop_oneof![Just(0xff_u8), any::<u8>()], 0..2000)) {
            let (ours, definition) = (Sum::of(&bytes).value(), naive(&bytes));
            // One's complement has two zeros; both sums give 0 only for all-zero input.
            prop_assert_eq!(ours, definition);
        }

        #[test]
        fn changes_add_up(old: [u8; 16], new: [u8; 16], n in 0usize..4) {
            let changed = match n {
                0 => Sum::change(&old, &new),
                1 => Sum::change::<6>(old.first_chunk().unwrap(), new.first_chunk().unwrap()),
                2 => Sum::change::<1>(old.first_chunk().unwrap(), new.first_chunk().unwrap()),
                _ => Sum::change::<11>(old.first_chunk().unwrap(), new.first_chunk().unwrap()),
            };
            let len = [16, 6, 1, 11][n];
            let (a, b) = (Sum::of(&old[..len]).and(changed).value(), naive(&new[..len]));
            prop_assert!(a == b || (a == 0xffff && b == 0), "{a:#x} {b:#x}");
        }

        #[test]
        fn sums_add_up(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..300) {
            let (a, b) = bytes.split_at(at.min(bytes.len()));
            let b = if a.len() % 2 == 1 { Sum::of(b).swapped() } else { Sum::of(b) };
            prop_assert_eq!(Sum::of(a).and(b).value(), naive(&bytes));
        }
    }
}
