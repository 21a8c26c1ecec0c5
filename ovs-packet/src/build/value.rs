//! Values of fields, from text.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{Expected, Layer};
use crate::wire::{FieldKind, FieldValue};

/// Reads and sets a field of a layer.
pub(super) fn set(layer: &mut Layer, field: &str, text: &str) -> Result<(), Expected> {
    let Some((_, info)) = layer.find(field) else { return Err(Expected::Form("a field")) };
    if info.kind == FieldKind::Bytes {
        let bytes = array(text, info.len)?;
        layer.give(field, FieldValue::Bytes(&bytes));
        return Ok(());
    }
    let max = info.max().unwrap_or(u64::MAX);
    let value = match ipv4(text) {
        Ok(address) if info.len == 4 => u64::from(u32::from_be_bytes(address)),
        _ => number_up_to(text, max)?,
    };
    layer.give(field, FieldValue::Number(value));
    Ok(())
}

/// Bytes in the form that is usual for their number.
fn array(text: &str, len: usize) -> Result<Vec<u8>, Expected> {
    match len {
        6 => mac(text).map(|bytes| bytes.to_vec()),
        4 => ipv4(text).map(|bytes| bytes.to_vec()),
        16 if text.contains(':') => ipv6(text).map(|bytes| bytes.to_vec()),
        _ => hex(text).ok().filter(|bytes| bytes.len() == len).ok_or(Expected::Bytes(len)),
    }
}

/// A decimal or hexadecimal number.
pub(super) fn number_up_to(text: &str, max: u64) -> Result<u64, Expected> {
    let value = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    value.ok().filter(|value| *value <= max).ok_or(Expected::Number(max))
}

/// A decimal or hexadecimal number that fits a `T`.
pub(super) fn number<T: TryFrom<u64> + Bounded>(text: &str) -> Result<T, Expected> {
    T::try_from(number_up_to(text, T::MOST)?).map_err(|_| Expected::Number(T::MOST))
}

/// Number types that know their largest value.
pub(super) trait Bounded {
    /// That.
    const MOST: u64;
}

impl Bounded for u8 {
    const MOST: u64 = Self::MAX as u64;
}

impl Bounded for u16 {
    const MOST: u64 = Self::MAX as u64;
}

impl Bounded for u32 {
    const MOST: u64 = Self::MAX as u64;
}

/// An Ethernet address.
pub(super) fn mac(text: &str) -> Result<[u8; 6], Expected> {
    let mut out = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut out {
        let part = parts.next().ok_or(Expected::Ethernet)?;
        *byte = u8::from_str_radix(part, 16).map_err(|_| Expected::Ethernet)?;
    }
    if parts.next().is_none() { Ok(out) } else { Err(Expected::Ethernet) }
}

/// An IPv4 address.
pub(super) fn ipv4(text: &str) -> Result<[u8; 4], Expected> {
    text.parse::<Ipv4Addr>().map(|address| address.octets()).map_err(|_| Expected::Ipv4)
}

/// An IPv6 address.
pub(super) fn ipv6(text: &str) -> Result<[u8; 16], Expected> {
    text.parse::<Ipv6Addr>().map(|address| address.octets()).map_err(|_| Expected::Ipv6)
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(text: &str) -> Result<Vec<u8>, Expected> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    bytes.collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty()).ok_or(Expected::Hex)
}

/// `NUMBER:HEX`.
pub(super) fn kind_hex<T: TryFrom<u64> + Bounded>(text: &str) -> Result<(T, Vec<u8>), Expected> {
    let (kind, data) = text.split_once(':').ok_or(Expected::Form("a number, a colon, hexadecimal digits"))?;
    Ok((number(kind)?, hex(data)?))
}
