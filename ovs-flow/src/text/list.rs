//! Items of a match being printed.

use core::fmt::{self, Display, Write};

use super::addr::{Eth, Ip4, Ip6};
use super::flags::{Flags, write_masked};

/// Comma-separated items.
pub(super) struct List<'a, 'b> {
    pub(super) f: &'a mut fmt::Formatter<'b>,
    first: bool,
}

impl<'a, 'b> List<'a, 'b> {
    pub(super) fn new(f: &'a mut fmt::Formatter<'b>) -> Self {
        Self { f, first: true }
    }

    pub(super) fn item(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        self.sep()?;
        self.f.write_fmt(text)
    }

    pub(super) fn sep(&mut self) -> fmt::Result {
        if core::mem::take(&mut self.first) { Ok(()) } else { self.f.write_char(',') }
    }

    /// `name=0x5`, `name=0x5/0xf`; nothing without a mask.
    pub(super) fn hex(&mut self, name: &str, value: u64, mask: u64, full: u64) -> fmt::Result {
        if mask == 0 {
            return Ok(());
        }
        self.item(format_args!("{name}={}", Hash(value)))?;
        if mask == full { Ok(()) } else { write!(self.f, "/{}", Hash(mask)) }
    }

    /// `name=5`, `name=0x5/0xf`; nothing without a mask.
    pub(super) fn port(&mut self, name: &str, value: u16, mask: u16) -> fmt::Result {
        match mask {
            0 => Ok(()),
            u16::MAX => self.item(format_args!("{name}={value}")),
            _ => self.item(format_args!("{name}={value:#x}/{mask:#x}")),
        }
    }

    pub(super) fn eth(&mut self, name: &str, value: [u8; 6], mask: [u8; 6]) -> fmt::Result {
        match mask {
            [0, 0, 0, 0, 0, 0] => Ok(()),
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => self.item(format_args!("{name}={}", Eth(value))),
            _ => self.item(format_args!("{name}={}/{}", Eth(value), Eth(mask))),
        }
    }

    pub(super) fn ipv4(&mut self, name: &str, value: u32, mask: u32) -> fmt::Result {
        if mask == 0 { Ok(()) } else { self.item(format_args!("{name}={}", Ip4(value, mask))) }
    }

    pub(super) fn ipv6(&mut self, name: &str, value: [u8; 16], mask: [u8; 16]) -> fmt::Result {
        if mask == [0; 16] { Ok(()) } else { self.item(format_args!("{name}={}", Ip6(value, mask))) }
    }

    pub(super) fn flags(&mut self, name: &str, names: &Flags, value: u32, mask: u32) -> fmt::Result {
        if mask == 0 {
            return Ok(());
        }
        self.item(format_args!("{name}="))?;
        write_masked(self.f, names, value, mask, names.all())
    }
}

/// C's `%#x`: no prefix on zero.
pub(super) struct Hash(pub(super) u64);

impl Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { write!(f, "{:#x}", self.0) }
    }
}
