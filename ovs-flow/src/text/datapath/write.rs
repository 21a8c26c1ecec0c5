//! Values as text, without the detour over formatting machinery: a key has dozens of them.

use core::fmt::{self, Formatter};

/// Digits being written from the last to the first; long enough for 128 bits in hexadecimal with a prefix.
struct Digits {
    bytes: [u8; 40],
    start: usize,
}

impl Digits {
    fn new() -> Self {
        Self { bytes: [b'0'; 40], start: 40 }
    }

    fn push(&mut self, byte: u8) {
        if let Some(start) = self.start.checked_sub(1) {
            self.start = start;
            self.bytes[start] = byte;
        }
    }

    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.bytes[self.start..]).unwrap_or_default())
    }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

/// `1234`
pub(super) fn decimal(f: &mut Formatter<'_>, mut value: u64) -> fmt::Result {
    let mut digits = Digits::new();
    while value >= 10 {
        digits.push(digit((value % 10) as u8));
        value /= 10;
    }
    digits.push(digit(value as u8));
    digits.write(f)
}

/// `0x12ab` of at least `least` digits.
pub(super) fn prefixed(f: &mut Formatter<'_>, mut value: u128, least: usize) -> fmt::Result {
    let mut digits = Digits::new();
    while value != 0 || digits.start > 40 - least {
        digits.push(digit((value & 0xf) as u8));
        value >>= 4;
    }
    digits.push(b'x');
    digits.push(b'0');
    digits.write(f)
}

/// `0x12ab`, `0`
pub(super) fn hexadecimal(f: &mut Formatter<'_>, value: u128) -> fmt::Result {
    if value == 0 { f.write_str("0") } else { prefixed(f, value, 1) }
}

/// `50:54:00:00:00:01`, of the low 48 bits.
pub(super) fn ethernet(f: &mut Formatter<'_>, value: u128) -> fmt::Result {
    let mut digits = Digits::new();
    for i in 0..6 {
        if i > 0 {
            digits.push(b':');
        }
        let byte = (value >> (8 * i)) as u8;
        digits.push(digit(byte & 0xf));
        digits.push(digit(byte >> 4));
    }
    digits.write(f)
}

/// `10.0.0.1`, of the low 32 bits.
pub(super) fn ipv4(f: &mut Formatter<'_>, value: u128) -> fmt::Result {
    let mut digits = Digits::new();
    for i in 0..4 {
        if i > 0 {
            digits.push(b'.');
        }
        let mut byte = (value >> (8 * i)) as u8;
        while byte >= 10 {
            digits.push(digit(byte % 10));
            byte /= 10;
        }
        digits.push(digit(byte));
    }
    digits.write(f)
}
