//! Row identifiers.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::sha1::Sha1;

/// A 128-bit UUID, in the byte order of its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Uuid(pub [u8; 16]);

/// The order of the text. Compared as one number, which is what trees of rows do most of their time.
impl Ord for Uuid {
    fn cmp(&self, other: &Uuid) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for Uuid {
    fn partial_cmp(&self, other: &Uuid) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Some text is not a UUID of 36 characters.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a UUID of the form 01234567-89ab-cdef-0123-456789abcdef")]
pub struct UuidParseError;

impl Uuid {
    /// The UUID of all zeros, which refers to nothing.
    pub const ZERO: Uuid = Uuid([0; 16]);

    /// True for the UUID of all zeros.
    pub fn is_zero(&self) -> bool {
        *self == Uuid::ZERO
    }
}

impl Uuid {
    /// Appends the 36 characters to `out`.
    pub fn write_to(&self, out: &mut String) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for byte in self.0 {
            // Where the text has its dashes.
            at += usize::from(matches!(at, 8 | 13 | 18 | 23));
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        // Always text: digits and dashes.
        out.push_str(std::str::from_utf8(&text).unwrap_or_default());
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(36);
        self.write_to(&mut text);
        f.write_str(&text)
    }
}

impl FromStr for Uuid {
    type Err = UuidParseError;

    /// Reads the 36-character form, in either case.
    fn from_str(text: &str) -> Result<Uuid, UuidParseError> {
        let text: &[u8; 36] = text.as_bytes().try_into().map_err(|_| UuidParseError)?;
        let mut uuid = [0; 16];
        // What is no digit sets a bit that no digit has.
        let mut seen = 0;
        let mut at = 0;
        for byte in &mut uuid {
            // Where the text has its dashes.
            if matches!(at, 8 | 13 | 18 | 23) {
                seen |= u8::from(text[at] != b'-') << 7;
                at += 1;
            }
            let (high, low) = (DIGITS[usize::from(text[at])], DIGITS[usize::from(text[at + 1])]);
            seen |= high | low;
            *byte = high << 4 | low;
            at += 2;
        }
        if seen & 0x80 == 0 { Ok(Uuid(uuid)) } else { Err(UuidParseError) }
    }
}

/// The value of each hexadecimal digit, and 0xff for what is none.
const DIGITS: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut i = 0;
    while i < 16 {
        let digit = b"0123456789abcdef"[i];
        table[digit as usize] = i as u8;
        table[digit.to_ascii_uppercase() as usize] = i as u8;
        i += 1;
    }
    table
};

/// Makes version 4 UUIDs out of a seed: the same seed and label give the same sequence.
///
/// They are unpredictable to who does not know the seed (each is a hash of seed, label and a counter).
#[derive(Clone, Debug)]
pub struct UuidSource {
    state: Sha1,
    count: u64,
}

impl UuidSource {
    /// A source for one purpose, named by `label`, of the embedder's `seed`.
    pub fn new(seed: &[u8], label: &str) -> UuidSource {
        let mut state = Sha1::new();
        state.update(&(seed.len() as u64).to_be_bytes());
        state.update(seed);
        state.update(label.as_bytes());
        UuidSource { state, count: 0 }
    }

    /// The next UUID.
    pub fn generate(&mut self) -> Uuid {
        let mut hash = self.state.clone();
        hash.update(&self.count.to_be_bytes());
        self.count += 1;
        let digest = hash.finish();
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&digest[..16]);
        uuid[6] = uuid[6] & 0x0f | 0x40;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        Uuid(uuid)
    }
}
