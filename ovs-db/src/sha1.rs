//! SHA-1 (FIPS 180-4), which guards records of the journal format against torn and damaged bytes.
//!
//! It is used as a checksum and for spreading a seed, not against forgers. The processor's own instructions are used
//! where it has them.

use sha1::Digest as _;

/// A hash in progress.
#[derive(Clone, Debug, Default)]
pub struct Sha1(sha1::Sha1);

impl Sha1 {
    /// The hash of nothing yet.
    pub fn new() -> Sha1 {
        Sha1::default()
    }

    /// The hash of `bytes`.
    pub fn digest(bytes: &[u8]) -> [u8; 20] {
        sha1::Sha1::digest(bytes).into()
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The 20-byte hash of everything taken.
    pub fn finish(self) -> [u8; 20] {
        self.0.finalize().into()
    }
}

/// The lower-case hexadecimal text of a hash.
pub fn hex(digest: &[u8; 20]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    let mut text = String::with_capacity(40);
    for byte in digest {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (text, hash) in [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
        ] {
            assert_eq!(hex(&Sha1::digest(text.as_bytes())), hash);
        }
        assert_eq!(hex(&Sha1::digest(&vec![b'a'; 1_000_000])), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    }

    #[test]
    fn pieces_make_no_difference() {
        let bytes: Vec<u8> = (0..300u32).map(|i| i as u8).collect();
        for cut in 0..bytes.len() {
            let mut hash = Sha1::new();
            hash.update(&bytes[..cut]);
            hash.update(&bytes[cut..]);
            assert_eq!(hash.finish(), Sha1::digest(&bytes));
        }
    }
}
