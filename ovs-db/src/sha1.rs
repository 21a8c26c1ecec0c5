//! SHA-1 (FIPS 180-4), which guards records of the journal format against torn and damaged bytes.
//!
//! It is used as a checksum and for spreading a seed, not against forgers.

/// A hash in progress.
#[derive(Clone, Debug)]
pub struct Sha1 {
    state: [u32; 5],
    block: [u8; 64],
    /// Bytes hashed so far.
    length: u64,
}

impl Default for Sha1 {
    fn default() -> Sha1 {
        Sha1::new()
    }
}

impl Sha1 {
    /// The hash of nothing yet.
    pub fn new() -> Sha1 {
        let state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
        Sha1 { state, block: [0; 64], length: 0 }
    }

    /// The hash of `bytes`.
    pub fn digest(bytes: &[u8]) -> [u8; 20] {
        let mut hash = Sha1::new();
        hash.update(bytes);
        hash.finish()
    }

    /// Takes more bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let used = (self.length % 64) as usize;
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if used > 0 {
            let take = bytes.len().min(64 - used);
            self.block[used..used + take].copy_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if used + take < 64 {
                return;
            }
            let block = self.block;
            self.compress(&block);
        }
        let (blocks, rest) = bytes.as_chunks::<64>();
        for block in blocks {
            self.compress(block);
        }
        self.block[..rest.len()].copy_from_slice(rest);
    }

    /// The 20-byte hash of everything taken.
    pub fn finish(mut self) -> [u8; 20] {
        let bits = self.length.wrapping_mul(8);
        let used = (self.length % 64) as usize;
        let mut padding = [0; 72];
        padding[0] = 0x80;
        let zeros = if used < 56 { 56 - used } else { 120 - used };
        padding[zeros..zeros + 8].copy_from_slice(&bits.to_be_bytes());
        self.update(&padding[..zeros + 8]);
        let mut out = [0; 20];
        for (bytes, word) in out.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        out
    }

    fn compress(&mut self, block: &[u8; 64]) {
        let mut schedule = [0u32; 80];
        for (word, bytes) in schedule.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        for t in 16..80 {
            let mixed = schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16];
            schedule[t] = mixed.rotate_left(1);
        }
        let mut state = self.state;
        // A loop for each kind of round, so that none has to choose.
        rounds(&mut state, &schedule[..20], 0x5a82_7999, |b, c, d| d ^ (b & (c ^ d)));
        rounds(&mut state, &schedule[20..40], 0x6ed9_eba1, |b, c, d| b ^ c ^ d);
        rounds(&mut state, &schedule[40..60], 0x8f1b_bcdc, |b, c, d| (b & c) | (d & (b | c)));
        rounds(&mut state, &schedule[60..], 0xca62_c1d6, |b, c, d| b ^ c ^ d);
        for (sum, word) in self.state.iter_mut().zip(state) {
            *sum = sum.wrapping_add(word);
        }
    }
}

#[expect(clippy::many_single_char_names, reason = "the standard's own names")]
#[inline]
fn rounds(state: &mut [u32; 5], words: &[u32], k: u32, f: impl Fn(u32, u32, u32) -> u32) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    // Five rounds bring every name back to where it was: nothing is moved in between.
    for five in words.as_chunks::<5>().0 {
        let round = |a: u32, b: &mut u32, c: u32, d: u32, e: &mut u32, word: u32| {
            let mixed = f(*b, c, d).wrapping_add(k).wrapping_add(word);
            *e = e.wrapping_add(a.rotate_left(5)).wrapping_add(mixed);
            *b = b.rotate_left(30);
        };
        round(a, &mut b, c, d, &mut e, five[0]);
        round(e, &mut a, b, c, &mut d, five[1]);
        round(d, &mut e, a, b, &mut c, five[2]);
        round(c, &mut d, e, a, &mut b, five[3]);
        round(b, &mut c, d, e, &mut a, five[4]);
    }
    *state = [a, b, c, d, e];
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
