//! Sets of named flags: `syn|ack`, `+syn-ack`, `0x12/0x3f`.

use core::fmt::{self, Write};

use super::number::parse_number;
use crate::field::ValueError;

/// The names of a field's bits, lowest first.
pub(crate) struct Flags {
    /// What errors call them.
    what: &'static str,
    names: &'static [&'static str],
}

pub(crate) static CT_STATE: Flags =
    Flags { what: "ct_state", names: &["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"] };
pub(crate) static TUN_FLAGS: Flags = Flags { what: "tunnel", names: &["oam", "df", "csum", "key"] };
pub(crate) static TCP_FLAGS: Flags = Flags {
    what: "TCP",
    names: &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"],
};

impl Flags {
    /// Every bit that has a name.
    pub(crate) fn all(&self) -> u32 {
        (1 << self.names.len()) - 1
    }

    fn bit(&self, name: &str) -> Option<u32> {
        self.names.iter().position(|n| *n == name).map(|i| 1 << i)
    }

    fn name(&self, bit: u32) -> Option<&'static str> {
        self.names.get(bit.trailing_zeros() as usize).copied()
    }

    /// Value and mask of `a|b`, `+a-b`, a number, or `number/mask`. Without signs or mask, all flags count.
    pub(crate) fn parse(&self, text: &str) -> Result<(u32, u32), ValueError> {
        let number = |s: &str| parse_number(s, 4).ok().map(|n| n as u32);
        if text == "0" {
            return Ok((0, self.all()));
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let (value, mask) = match text.split_once('/') {
                Some((value, mask)) => (number(value), number(mask)),
                None => (number(text), Some(self.all())),
            };
            let (Some(value), Some(mask)) = (value, mask) else { return Err(self.unknown(text)) };
            if (value | mask) & !self.all() != 0 {
                return Err(self.unknown(text));
            }
            return Ok((value, mask));
        }
        if text.starts_with(['+', '-']) { self.parse_signed(text) } else { self.parse_set(text) }
    }

    fn unknown(&self, flag: &str) -> ValueError {
        ValueError::UnknownFlag { flag: flag.into(), what: self.what }
    }

    fn parse_signed(&self, text: &str) -> Result<(u32, u32), ValueError> {
        let (mut value, mut mask) = (0, 0);
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            if sign != '+' && sign != '-' {
                return Err(ValueError::FlagSign { text: rest.into(), what: self.what });
            }
            let end = rest[1..].find(['+', '-']).map_or(rest.len(), |i| i + 1);
            let name = &rest[1..end];
            let bit = self.bit(name).ok_or_else(|| self.unknown(name))?;
            if mask & bit != 0 {
                return Err(ValueError::FlagTwice { flag: name.into(), what: self.what });
            }
            mask |= bit;
            if sign == '+' {
                value |= bit;
            }
            rest = &rest[end..];
        }
        Ok((value, mask))
    }

    fn parse_set(&self, text: &str) -> Result<(u32, u32), ValueError> {
        let mut value = 0;
        for name in text.split('|') {
            value |= self.bit(name).ok_or_else(|| self.unknown(name))?;
        }
        Ok((value, self.all()))
    }
}

/// `syn|ack`, `0`; bits without a name come last, as a number.
pub(crate) fn write_set(f: &mut impl Write, flags: &Flags, value: u32) -> fmt::Result {
    if value == 0 {
        return f.write_str("0");
    }
    let mut first = true;
    for bit in bits(value & flags.all()) {
        if !core::mem::take(&mut first) {
            f.write_char('|')?;
        }
        f.write_str(flags.name(bit).unwrap_or_default())?;
    }
    match value & !flags.all() {
        0 => Ok(()),
        rest if first => write!(f, "{rest:#x}"),
        rest => write!(f, "|{rest:#x}"),
    }
}

/// `+syn-ack`; a mask of all bits in `max` is written as a plain set.
pub(crate) fn write_masked(
    f: &mut impl Write,
    flags: &Flags,
    value: u32,
    mask: u32,
    max: u32,
) -> fmt::Result {
    if mask == max {
        return write_set(f, flags, value);
    }
    if mask == 0 {
        return f.write_str("0/0");
    }
    for bit in bits(mask) {
        f.write_char(if value & bit != 0 { '+' } else { '-' })?;
        f.write_str(flags.name(bit).unwrap_or("[Unknown]"))?;
    }
    Ok(())
}

fn bits(mut set: u32) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let bit = set & set.wrapping_neg();
        set &= !bit;
        (bit != 0).then_some(bit)
    })
}
