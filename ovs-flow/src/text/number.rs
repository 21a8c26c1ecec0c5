//! Numbers as users write them: decimal, `0x` hexadecimal, or octal with a leading zero.

use crate::Wide;

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// No digits, or something else than digits.
    Syntax,
    /// More bits than asked for.
    TooLarge,
}

/// A number of at most `bytes` bytes. Decimal numbers have 64 bits and may be negative (two's complement of 64 bits).
pub(crate) fn parse_number(text: &str, bytes: usize) -> Result<u128, NumberError> {
    let value = if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // The prefix alone is zero, to the tools.
        if digits.is_empty() { 0 } else { digits_of(digits, 16, u128::MAX)? }
    } else {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let radix = if digits.len() > 1 && digits.starts_with('0') { 8 } else { 10 };
        let value = digits_of(digits, radix, u64::MAX.into())? as u64;
        u128::from(if negative { value.wrapping_neg() } else { value })
    };
    if bytes < 16 && value >> (8 * bytes) != 0 {
        return Err(NumberError::TooLarge);
    }
    Ok(value)
}

/// A number of at most `bytes` bytes, however many these are. Only hexadecimal ones have more than 64 bits.
pub(crate) fn parse_wide_number(text: &str, bytes: usize) -> Result<Wide, NumberError> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).filter(|d| !d.is_empty()) {
        None => parse_number(text, 16)?.into(),
        Some(digits) if !digits.bytes().all(|b| b.is_ascii_hexdigit()) => return Err(NumberError::Syntax),
        Some(digits) => Wide::from_hex(digits).ok_or(NumberError::TooLarge)?,
    };
    if usize::from(value.bit_len()) > 8 * bytes { Err(NumberError::TooLarge) } else { Ok(value) }
}

fn digits_of(digits: &str, radix: u32, max: u128) -> Result<u128, NumberError> {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(NumberError::Syntax);
    }
    u128::from_str_radix(digits, radix).ok().filter(|v| *v <= max).ok_or(NumberError::TooLarge)
}
