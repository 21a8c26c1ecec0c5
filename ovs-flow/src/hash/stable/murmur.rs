//! Murmur3, 32 bits, over whole words.

/// A hash under way.
#[derive(Clone, Copy)]
pub(super) struct Murmur(u32);

impl Murmur {
    pub(super) fn new(basis: u32) -> Self {
        Self(basis)
    }

    pub(super) fn word(self, word: u32) -> Self {
        let k = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        Self((self.0 ^ k).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64))
    }

    /// Words of four bytes, the last one padded with zeros.
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        bytes.chunks(4).fold(self, |hash, chunk| {
            hash.word(chunk.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
        })
    }

    /// The last step; `last` is mixed in (the number of bytes, by the book).
    pub(super) fn finish(self, last: u32) -> u32 {
        let h = self.0 ^ last;
        let h = (h ^ h >> 16).wrapping_mul(0x85eb_ca6b);
        let h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
        h ^ h >> 16
    }
}

#[cfg(test)]
mod tests {
    use super::Murmur;

    /// Values of the reference implementation.
    #[test]
    fn is_murmur3() {
        let hash = |bytes: &[u8], seed| Murmur::new(seed).bytes(bytes).finish(bytes.len() as u32);
        assert_eq!(hash(b"", 1), 0x514e_28b7);
        assert_eq!(hash(&[0xff; 4], 0), 0x7629_3b50);
        assert_eq!(hash(&[0x21, 0x43, 0x65, 0x87], 0), 0xf55b_516b);
    }
}
