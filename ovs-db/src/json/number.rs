//! Numbers: which are integers, and how reals print.

use super::Json;
use super::error::{JsonError, JsonErrorKind};

/// Reads the number at the start of `text`; gives it and its length in bytes. `base` is the offset of
/// `text` in the whole input, for errors.
pub(super) fn parse(text: &[u8], base: usize) -> Result<(Json, usize), JsonError> {
    let bad = |at: usize| Err(JsonErrorKind::BadNumber.at(base + at));
    let digits_at = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();

    let mut pos = usize::from(text.first() == Some(&b'-'));
    let whole = digits_at(pos);
    if whole == 0 || (whole > 1 && text[pos] == b'0') {
        return bad(pos);
    }
    pos += whole;
    let mut simple = true;
    if text.get(pos) == Some(&b'.') {
        simple = false;
        let fraction = digits_at(pos + 1);
        if fraction == 0 {
            return bad(pos + 1);
        }
        pos += 1 + fraction;
    }
    if matches!(text.get(pos), Some(b'e' | b'E')) {
        simple = false;
        pos += 1 + usize::from(matches!(text.get(pos + 1), Some(b'+' | b'-')));
        let exponent = digits_at(pos);
        if exponent == 0 {
            return bad(pos);
        }
        pos += exponent;
    }
    // Only ASCII was accepted above.
    let number = std::str::from_utf8(&text[..pos]).map_err(|_| JsonErrorKind::BadNumber.at(base))?;
    let integer = if simple { number.parse().ok() } else { whole_number(number) };
    if let Some(n) = integer {
        return Ok((Json::Integer(n), pos));
    }
    match number.parse::<f64>() {
        Ok(r) if r.is_finite() => Ok((Json::from(r), pos)),
        _ => Err(JsonErrorKind::NumberRange.at(base)),
    }
}

/// The value of a well-formed number with a fraction or an exponent, if it is exactly an `i64`.
fn whole_number(number: &str) -> Option<i64> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = whole.chars().chain(fraction.chars()).collect();
    let significant = digits.trim_start_matches('0');
    let core = significant.trim_end_matches('0');
    if core.is_empty() {
        return Some(0);
    }
    // An exponent too large for an i64 cannot give a number in range (the text is far shorter).
    let exponent: i64 = exponent.parse().ok()?;
    let zeros = exponent.checked_sub(fraction.len() as i64)? + (significant.len() - core.len()) as i64;
    if zeros < 0 || core.len() as i64 + zeros > 19 {
        return None;
    }
    let magnitude = core.parse::<i128>().ok()? * 10i128.pow(zeros as u32);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// Significant digits of a printed real.
const DIGITS: i32 = 15;

/// The text of a finite real with 15 significant digits, in C's `%.15g` form.
pub(crate) fn format_real(real: f64) -> String {
    if real == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{real:.*e}", (DIGITS - 1) as usize);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        return strip_zeros(&format!("{real:.*}", (DIGITS - 1 - exponent) as usize)).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", strip_zeros(mantissa), exponent.abs())
}

/// Removes zeros at the end of a fraction, and the point if nothing stays behind it.
fn strip_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}
