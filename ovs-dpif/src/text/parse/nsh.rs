//! `push_nsh(…)` and `set(nsh(…))`.

use super::scan::{Parsed, Scanner};
use crate::{Action, NshHeader, NshMetadata, SetField, SetNsh};

/// Bytes of the longest metadata of type 2.
const MAX_OPTIONS: usize = 244;

/// The index of a word of metadata that is called so.
fn word_index(name: &str) -> Option<usize> {
    ["c1", "c2", "c3", "c4"].into_iter().position(|known| known == name)
}

/// The inside of `push_nsh(…)`.
pub(super) fn push(scan: &mut Scanner<'_>) -> Parsed<Action> {
    let mut header =
        NshHeader { flags: 0, ttl: 63, np: 3, spi: 0, si: 255, context: NshMetadata::Fixed([0; 4]) };
    let (mut words, mut options, mut md_type) = ([0; 4], Vec::new(), 1);
    scan.members(&mut |scan, name| {
        match name {
            "flags" => header.flags = scan.number(3)? as u8,
            "ttl" => header.ttl = scan.number(63)? as u8,
            "mdtype" => md_type = scan.number(2)?,
            "np" => header.np = scan.number(0xff)? as u8,
            "spi" => header.spi = scan.number(0x00ff_ffff)? as u32,
            "si" => header.si = scan.number(0xff)? as u8,
            "md2" => options = bytes(scan)?,
            _ => match word_index(name) {
                Some(n) => words[n] = scan.number(u32::MAX.into())? as u32,
                None => return Ok(false),
            },
        }
        Ok(true)
    })?;
    header.context = match md_type {
        2 => NshMetadata::Options(options.into()),
        _ => NshMetadata::Fixed(words),
    };
    Ok(Action::PushNsh(Box::new(header)))
}

/// Digits of whole words, behind `0x`.
fn bytes(scan: &mut Scanner<'_>) -> Parsed<Vec<u8>> {
    let wrong = scan.expected("hexadecimal digits of whole words");
    let digits = scan.word().strip_prefix("0x").unwrap_or_default().as_bytes();
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|s| u8::from_str_radix(s, 16).ok());
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.filter(|bytes| digits.len().is_multiple_of(8) && bytes.len() <= MAX_OPTIONS).ok_or(wrong)
}

/// The inside of `set(nsh(…))`.
pub(super) fn set(scan: &mut Scanner<'_>) -> Parsed<SetField> {
    let mut set = SetNsh::default();
    scan.members(&mut |scan, name| {
        match name {
            "flags" => set.flags = scan.masked_u8()?,
            "ttl" => set.ttl = scan.masked_u8()?,
            "spi" => set.spi = scan.masked(|scan| scan.number(0x00ff_ffff).map(|n| n as u32))?,
            "si" => set.si = scan.masked_u8()?,
            _ => match word_index(name) {
                Some(n) => set.context[n] = scan.masked_u32()?,
                None => return Ok(false),
            },
        }
        Ok(true)
    })?;
    Ok(SetField::Nsh(Box::new(set)))
}
