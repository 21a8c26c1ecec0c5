//! Reading entries.

use super::super::rows::Field;
use super::COOKIE;
use crate::field::place::big_endian as number;
use crate::{MAX_OPTION, Match, OptionMatch, Wide};

/// Why bytes are no match. `offset` counts from the first entry's first byte; the kinds are those of OpenFlow's
/// `OFPET_BAD_MATCH` errors, and the entry's class and number tell more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// An entry of an unknown field, or of a known one with a length that is not the field's (`OFPBMC_BAD_FIELD`).
    #[error("unknown field {class:#06x}:{number} at byte {offset}")]
    BadField {
        /// Its class.
        class: u16,
        /// Its number.
        number: u8,
        /// Where.
        offset: usize,
    },
    /// An entry that is cut off, or a tunnel option of a length that is not understood (`OFPBMC_BAD_LEN`).
    #[error("bad length at byte {offset}")]
    BadLength {
        /// Where.
        offset: usize,
    },
    /// A value that the field cannot have (`OFPBMC_BAD_VALUE`).
    #[error("bad value for {field} at byte {offset}")]
    BadValue {
        /// The field.
        field: Field,
        /// Where.
        offset: usize,
    },
    /// A mask that the field does not allow (`OFPBMC_BAD_MASK`).
    #[error("bad mask for {field} at byte {offset}")]
    BadMask {
        /// The field.
        field: Field,
        /// Where.
        offset: usize,
    },
    /// A value with bits outside of its mask (`OFPBMC_BAD_WILDCARDS`).
    #[error("value of {field} has bits outside of its mask at byte {offset}")]
    BadWildcards {
        /// The field.
        field: Field,
        /// Where.
        offset: usize,
    },
    /// A field whose prerequisites do not stand before it (`OFPBMC_BAD_PREREQ`).
    #[error("prerequisites of {field} are not met at byte {offset}")]
    BadPrereq {
        /// The field.
        field: Field,
        /// Where.
        offset: usize,
    },
    /// A field twice (`OFPBMC_DUP_FIELD`).
    #[error("duplicate {field} at byte {offset}")]
    Duplicate {
        /// The field.
        field: Field,
        /// Where.
        offset: usize,
    },
    /// A cookie where none may be, or twice (`OFPBMC_BAD_FIELD`, `OFPBMC_DUP_FIELD`).
    #[error("misplaced cookie at byte {offset}")]
    BadCookie {
        /// Where.
        offset: usize,
    },
}

/// A match and what stood beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded {
    /// The match.
    pub m: Match,
    /// Value and mask of a cookie.
    pub cookie: Option<(u64, u64)>,
}

/// One field as it stood on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The field.
    pub field: Field,
    /// Its value.
    pub value: u128,
    /// Its mask, if there was one.
    pub mask: Option<u128>,
    /// Bytes that the entry had.
    pub len: usize,
}

/// Header of an entry.
#[derive(Clone, Copy)]
struct RawHeader {
    class: u16,
    number: u8,
    masked: bool,
    experimenter: u32,
    /// Bytes of the header.
    len: usize,
    /// Bytes that follow it.
    payload: usize,
}

fn raw_header(bytes: &[u8], offset: usize) -> Result<RawHeader, DecodeError> {
    let short = DecodeError::BadLength { offset };
    let Some(([c0, c1, number, length], rest)) = bytes.split_first_chunk::<4>() else { return Err(short) };
    let class = u16::from_be_bytes([*c0, *c1]);
    let (mut experimenter, mut len, mut payload) = (0, 4, usize::from(*length));
    if class == 0xffff {
        experimenter = u32::from_be_bytes(*rest.first_chunk::<4>().ok_or(short)?);
        len = 8;
        payload = payload.checked_sub(4).ok_or(short)?;
    }
    Ok(RawHeader { class, number: number >> 1, masked: number & 1 != 0, experimenter, len, payload })
}

impl RawHeader {
    /// A number belongs to a field together with its length: with another it is unknown. Only tunnel options are as
    /// long as their TLV table says.
    fn field(&self) -> Option<Field> {
        let field = Field::by_header(self.class, self.number, self.experimenter)?;
        let size = usize::from(field.facts().size) * if self.masked { 2 } else { 1 };
        (self.payload == size || is_option(field)).then_some(field)
    }

    fn is_cookie(&self) -> bool {
        (self.class, self.number) == COOKIE && self.payload == if self.masked { 16 } else { 8 }
    }

    fn bad_field(&self, offset: usize) -> DecodeError {
        DecodeError::BadField { class: self.class, number: self.number, offset }
    }
}

/// Reads a header alone, as actions like `move` have them: the field, whether it says "masked", and the header's
/// length. The length that it gives must be the field's, else the field is unknown.
pub fn pull_header(bytes: &[u8]) -> Result<(Field, bool, usize), DecodeError> {
    let header = raw_header(bytes, 0)?;
    let field = header.field().ok_or_else(|| header.bad_field(0))?;
    Ok((field, header.masked, header.len))
}

/// Tunnel options are as long as their peer's TLV table says.
fn is_option(field: Field) -> bool {
    field.option().is_some()
}

/// One tunnel option as it stood on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionEntry {
    /// The field.
    pub field: Field,
    /// Bytes of its value; any number up to 124.
    pub size: usize,
    /// The value.
    pub value: Wide,
    /// Its mask, if there was one.
    pub mask: Option<Wide>,
    /// Bytes that the entry had.
    pub len: usize,
}

/// Reads one entry of a tunnel option from the front of `bytes`; `None` if it is one of another field.
pub fn pull_option(bytes: &[u8]) -> Option<Result<OptionEntry, DecodeError>> {
    let header = raw_header(bytes, 0).ok()?;
    let field = header.field().filter(|field| is_option(*field))?;
    Some(option_at(&header, field, bytes, 0))
}

fn option_at(
    header: &RawHeader,
    field: Field,
    bytes: &[u8],
    offset: usize,
) -> Result<OptionEntry, DecodeError> {
    let len = header.len + header.payload;
    let parts = if header.masked { 2 } else { 1 };
    let (size, payload) = (header.payload / parts, bytes.get(header.len..len));
    let payload = payload.filter(|payload| payload.len().is_multiple_of(parts) && size <= MAX_OPTION);
    let (value, mask) = payload.ok_or(DecodeError::BadLength { offset })?.split_at(size);
    let value = Wide::from_be_bytes(value);
    let mask = header.masked.then(|| Wide::from_be_bytes(mask));
    if mask.is_some_and(|mask| value & !mask != Wide::ZERO) {
        return Err(DecodeError::BadWildcards { field, offset });
    }
    Ok(OptionEntry { field, size, value, mask, len })
}

/// Reads one entry from the front of `bytes`, of a tunnel option only if its value has no more than 16 bytes
/// ([`pull_option`] reads the others): known field, right length, mask and value as the field allows them.
pub fn pull_entry(bytes: &[u8]) -> Result<Entry, DecodeError> {
    let header = raw_header(bytes, 0)?;
    // Alone, an entry tells a wrong length from an unknown number.
    if header.field().is_none()
        && Field::by_header(header.class, header.number, header.experimenter).is_some()
    {
        return Err(DecodeError::BadLength { offset: 0 });
    }
    entry_at(bytes, 0)
}

fn entry_at(bytes: &[u8], offset: usize) -> Result<Entry, DecodeError> {
    let header = raw_header(bytes, offset)?;
    let field = header.field().ok_or_else(|| header.bad_field(offset))?;
    let len = header.len + header.payload;
    let payload = bytes.get(header.len..len).ok_or(DecodeError::BadLength { offset })?;
    if is_option(field) {
        let option = option_at(&header, field, bytes, offset)?;
        let long = DecodeError::BadLength { offset };
        let value = option.value.narrow().ok_or(long)?;
        let mask = option.mask.map(|mask| mask.narrow().ok_or(long)).transpose()?;
        return Ok(Entry { field, value, mask, len });
    }
    let size = usize::from(field.facts().size);
    if payload.len() != size * if header.masked { 2 } else { 1 } {
        return Err(DecodeError::BadLength { offset });
    }
    let (value, mask) = payload.split_at(size);
    let value = number(value);
    let mask = header.masked.then(|| number(mask));
    check(field, value, mask, offset)?;
    Ok(Entry { field, value, mask, len })
}

fn check(field: Field, value: u128, mask: Option<u128>, offset: usize) -> Result<(), DecodeError> {
    if let Some(mask) = mask {
        if !field.is_mask_valid(mask) {
            return Err(DecodeError::BadMask { field, offset });
        }
        if value & !mask != 0 {
            return Err(DecodeError::BadWildcards { field, offset });
        }
    }
    if field.is_valid(value) { Ok(()) } else { Err(DecodeError::BadValue { field, offset }) }
}

/// Reads a match: all of `bytes` are entries, without padding. Entries of unknown fields are refused if `strict`,
/// else passed over; a cookie is taken only if `cookies`.
pub fn decode_match(bytes: &[u8], strict: bool, cookies: bool) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    let mut offset = 0;
    while offset < bytes.len() {
        let rest = &bytes[offset..];
        let header = raw_header(rest, offset)?;
        let len = header.len + header.payload;
        if rest.len() < len {
            return Err(DecodeError::BadLength { offset });
        }
        if header.is_cookie() {
            if !cookies || decoded.cookie.is_some() {
                return Err(DecodeError::BadCookie { offset });
            }
            let (value, mask) = rest[header.len..len].split_at(8);
            let mask = if header.masked { number(mask) as u64 } else { u64::MAX };
            decoded.cookie = Some((number(value) as u64, mask));
        } else if let Some(field) = header.field().filter(|field| is_option(*field)) {
            let option = option_at(&header, field, rest, offset)?;
            add_option(&mut decoded.m, &option, offset)?;
        } else {
            match entry_at(rest, offset) {
                Ok(entry) => add(&mut decoded.m, &entry, offset)?,
                Err(DecodeError::BadField { .. }) if !strict => {}
                Err(error) => return Err(error),
            }
        }
        offset += len;
    }
    Ok(decoded)
}

fn add_option(m: &mut Match, entry: &OptionEntry, offset: usize) -> Result<(), DecodeError> {
    let (field, value) = (entry.field, entry.value);
    if field.is_present(m) {
        return Err(DecodeError::Duplicate { field, offset });
    }
    let Some(n) = field.option() else { return Ok(()) };
    let option = match entry.mask {
        None => OptionMatch::exact(n, entry.size, value),
        Some(mask) => OptionMatch::masked(n, entry.size, value, mask),
    };
    m.set_option(option).map_err(|_| DecodeError::BadLength { offset })
}

fn add(m: &mut Match, entry: &Entry, offset: usize) -> Result<(), DecodeError> {
    let field = entry.field;
    if !field.applies_to_match(m) {
        return Err(DecodeError::BadPrereq { field, offset });
    }
    if !field.is_wildcarded(&m.mask) {
        return Err(DecodeError::Duplicate { field, offset });
    }
    m.require_ethernet(field);
    let mask = entry.mask.unwrap_or(u128::MAX);
    field.set_masked(m, entry.value, mask).map_err(|_| DecodeError::BadMask { field, offset })
}
