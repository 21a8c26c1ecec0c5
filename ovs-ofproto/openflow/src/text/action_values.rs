//! Arguments of actions.

use core::net::Ipv4Addr;

use ovs_flow::text::PortNames;
use ovs_flow::{Field, OfPort, Subfield, Wide};

use super::ParseError;

/// An argument that is not what the action takes.
pub(super) fn wrong(name: &str, text: &str, expected: &'static str) -> ParseError {
    ParseError::Argument { name: name.to_owned(), text: text.to_owned(), expected }
}

/// A number, decimal or with `0x`, of at most `max`.
pub(super) fn number(name: &str, text: &str, max: u64, expected: &'static str) -> Result<u64, ParseError> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.ok().filter(|n| *n <= max).ok_or_else(|| wrong(name, text, expected))
}

pub(super) fn u8(name: &str, text: &str) -> Result<u8, ParseError> {
    number(name, text, 0xff, "a number from 0 to 255").map(|n| n as u8)
}

pub(super) fn u16(name: &str, text: &str) -> Result<u16, ParseError> {
    number(name, text, 0xffff, "a number from 0 to 65535").map(|n| n as u16)
}

pub(super) fn u32(name: &str, text: &str) -> Result<u32, ParseError> {
    number(name, text, 0xffff_ffff, "a number of 32 bits").map(|n| n as u32)
}

/// A number as long as a field can be.
pub(super) fn wide_number(name: &str, text: &str) -> Result<Wide, ParseError> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => Wide::from_hex(digits),
        None => text.parse().ok().map(|n: u128| n.into()),
    };
    parsed.ok_or_else(|| wrong(name, text, "a number of at most 1024 bits"))
}

pub(super) fn u64(name: &str, text: &str) -> Result<u64, ParseError> {
    number(name, text, u64::MAX, "a number of 64 bits")
}

/// A port's number or name.
pub(super) fn port(name: &str, text: &str, ports: &impl PortNames) -> Result<OfPort, ParseError> {
    ovs_flow::text::parse_of_port(text.trim(), ports)
        .ok_or_else(|| wrong(name, text, "a port's number or name"))
}

/// An Ethernet address.
pub(super) fn mac(name: &str, text: &str, ports: &impl PortNames) -> Result<[u8; 6], ParseError> {
    let (value, mask) = Field::ETH_SRC
        .parse(text.trim(), ports)
        .map_err(|source| ParseError::Value { name: name.to_owned(), source })?;
    if mask & Field::ETH_SRC.full() != Field::ETH_SRC.full() {
        return Err(wrong(name, text, "an Ethernet address"));
    }
    let bytes = value.to_be_bytes();
    Ok([bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]])
}

pub(super) fn ipv4(name: &str, text: &str) -> Result<u32, ParseError> {
    text.trim().parse::<Ipv4Addr>().map(u32::from).map_err(|_| wrong(name, text, "an IPv4 address"))
}

/// Some bits of a field; without brackets, all of it.
pub(super) fn subfield(name: &str, text: &str) -> Result<Subfield, ParseError> {
    let text = text.trim();
    if !text.contains('[')
        && let Some(field) = Field::by_name(text).or_else(|| Field::by_wire_name(text))
    {
        return Ok(Subfield::whole(field));
    }
    text.parse().map_err(|source| ParseError::Subfield { name: name.to_owned(), source })
}

/// A subfield that actions may write.
pub(super) fn writable(name: &str, text: &str) -> Result<Subfield, ParseError> {
    let sub = subfield(name, text)?;
    check_writable(name, sub.field()).map(|()| sub)
}

pub(super) fn check_writable(name: &str, field: Field) -> Result<(), ParseError> {
    if field.facts().writable {
        return Ok(());
    }
    Err(ParseError::ReadOnly { name: name.to_owned(), field: field.name().to_owned() })
}

/// Hexadecimal bytes with dots between them.
pub(super) fn bytes(name: &str, text: &str) -> Result<Vec<u8>, ParseError> {
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b'.').collect();
    let digit = |b: u8| char::from(b).to_digit(16).map(|n| n as u8);
    let odd = || wrong(name, text, "a list of hexadecimal bytes");
    if !digits.len().is_multiple_of(2) {
        return Err(odd());
    }
    digits
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<_>>()
        .ok_or_else(odd)
}
