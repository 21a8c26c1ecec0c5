//! Addresses and their masks, both ways.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::field::ValueError;

/// An Ethernet address: `00:23:20:00:00:01`.
pub(crate) struct Eth(pub(crate) [u8; 6]);

impl fmt::Display for Eth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            let colon = if i == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// An IPv4 address under a mask: `10.0.0.0/8`, `10.0.1.0/255.0.255.0`, or the address alone.
pub(crate) struct Ip4(pub(crate) u32, pub(crate) u32);

impl fmt::Display for Ip4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(addr, mask) = *self;
        write!(f, "{}", Ipv4Addr::from(addr))?;
        if mask == u32::MAX {
            Ok(())
        } else if mask.leading_ones() + mask.trailing_zeros() >= 32 {
            write!(f, "/{}", mask.leading_ones())
        } else {
            write!(f, "/{}", Ipv4Addr::from(mask))
        }
    }
}

/// An IPv6 address under a mask: `fe80::/64`, `::1/::ff`, or the address alone.
pub(crate) struct Ip6(pub(crate) [u8; 16], pub(crate) [u8; 16]);

impl fmt::Display for Ip6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = u128::from_be_bytes(self.1);
        write!(f, "{}", Plain6(self.0))?;
        if mask == u128::MAX {
            Ok(())
        } else if mask.leading_ones() + mask.trailing_zeros() >= 128 {
            write!(f, "/{}", mask.leading_ones())
        } else {
            write!(f, "/{}", Plain6(self.1))
        }
    }
}

/// An IPv6 address as the C library's `inet_ntop` writes it: unlike RFC 5952 also `::1.2.3.4` for compatible addresses.
pub(crate) struct Plain6(pub(crate) [u8; 16]);

impl fmt::Display for Plain6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addr = Ipv6Addr::from(self.0);
        let compatible = self.0[..12] == [0; 12] && self.0[12..14] != [0; 2];
        if compatible {
            write!(f, "::{}", Ipv4Addr::from(u128::from_be_bytes(self.0) as u32))
        } else {
            write!(f, "{addr}")
        }
    }
}

/// `addr` or `addr/mask`. Octets may have one digit.
pub(crate) fn parse_eth(text: &str) -> Option<([u8; 6], [u8; 6])> {
    match text.split_once('/') {
        None => Some((eth(text)?, [0xff; 6])),
        Some((addr, mask)) => Some((eth(addr)?, eth(mask)?)),
    }
}

fn eth(text: &str) -> Option<[u8; 6]> {
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        let part = parts.next()?;
        let digits = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")).unwrap_or(part);
        *byte = octet(digits, 16)?;
    }
    parts.next().is_none().then_some(bytes)
}

/// A byte of any number of digits, without sign.
fn octet(digits: &str, radix: u32) -> Option<u8> {
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u8::from_str_radix(digits, radix).ok()
}

/// Four decimal octets; zeros may lead.
fn ipv4(text: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    let mut parts = text.split('.');
    for byte in &mut bytes {
        *byte = octet(parts.next()?, 10)?;
    }
    parts.next().is_none().then_some(u32::from_be_bytes(bytes))
}

/// `addr`, `addr/bits` or `addr/mask`.
pub(crate) fn parse_ipv4(text: &str) -> Result<(u32, u32), ValueError> {
    let invalid = || ValueError::Ipv4 { text: text.into() };
    let addr = |s: &str| ipv4(s).ok_or_else(invalid);
    let Some((value, mask)) = text.split_once('/') else {
        return Ok((addr(text)?, u32::MAX));
    };
    let value = addr(value)?;
    if mask.contains('.') {
        return Ok((value, addr(mask)?));
    }
    match prefix(mask) {
        None => Err(invalid()),
        Some(bits @ 0..=32) => Ok((value, u32::MAX.checked_shl(32 - bits).unwrap_or(0))),
        Some(_) => Err(ValueError::Prefix { text: text.into(), family: "IPv4", bits: 32 }),
    }
}

/// `addr`, `addr/bits` or `addr/mask`.
pub(crate) fn parse_ipv6(text: &str) -> Result<([u8; 16], [u8; 16]), ValueError> {
    let invalid = || ValueError::Ipv6 { text: text.into() };
    let addr = |s: &str| s.parse::<Ipv6Addr>().map(|a| a.octets()).map_err(|_| invalid());
    let Some((value, mask)) = text.split_once('/') else {
        return Ok((addr(text)?, [0xff; 16]));
    };
    let value = addr(value)?;
    if mask.contains(':') {
        return Ok((value, addr(mask)?));
    }
    match prefix(mask) {
        None => Err(invalid()),
        Some(bits @ 0..=128) => Ok((value, u128::MAX.checked_shl(128 - bits).unwrap_or(0).to_be_bytes())),
        Some(_) => Err(ValueError::Prefix { text: text.into(), family: "IPv6", bits: 128 }),
    }
}

/// A decimal number, with sign; what does not fit is no prefix length of anything.
fn prefix(text: &str) -> Option<u32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if text.starts_with('-') { Some(u32::MAX) } else { Some(digits.parse().unwrap_or(u32::MAX)) }
}
