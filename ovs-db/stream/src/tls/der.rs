//! A reader of DER (X.690), as much of it as certificates need. Total: whatever the bytes, it gives an element or
//! [`Malformed`], and each byte is looked at a bounded number of times.

/// The bytes are no DER of the expected shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// What it holds.
    pub(super) content: &'a [u8],
    /// The element itself, with tag and length.
    pub(super) whole: &'a [u8],
}

/// Takes elements off the front of some bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails if anything is left.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// The next element. Tags of more than one byte and lengths of more than four are refused.
    pub(super) fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let bytes = self.0;
        let (tag, length) = match bytes {
            [tag, length, ..] if tag & 0x1f != 0x1f => (*tag, *length),
            _ => return Err(Malformed),
        };
        let (head, length) = if length < 0x80 {
            (2, usize::from(length))
        } else {
            let count = usize::from(length & 0x7f);
            let digits = bytes.get(2..2 + count).ok_or(Malformed)?;
            // The shortest form is the only one.
            if count == 0 || count > 4 || digits[0] == 0 || (count == 1 && digits[0] < 0x80) {
                return Err(Malformed);
            }
            (2 + count, digits.iter().fold(0, |n, digit| n << 8 | usize::from(*digit)))
        };
        let end = head.checked_add(length).ok_or(Malformed)?;
        let whole = bytes.get(..end).ok_or(Malformed)?;
        self.0 = &bytes[end..];
        Ok(Element { tag, content: &whole[head..], whole })
    }

    /// The next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        self.element().and_then(|element| if element.tag == tag { Ok(element) } else { Err(Malformed) })
    }

    /// The next element, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.0.first() == Some(&tag) { self.element().map(Some) } else { Ok(None) }
    }
}

/// The bytes of a bit string that consists of whole bytes.
pub(super) fn whole_bits(content: &[u8]) -> Result<&[u8], Malformed> {
    match content {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(Malformed),
    }
}

/// A boolean that is missing is false.
pub(super) fn boolean(element: Option<Element<'_>>) -> Result<bool, Malformed> {
    match element.map(|element| element.content) {
        None | Some([0]) => Ok(false),
        Some([_]) => Ok(true),
        Some(_) => Err(Malformed),
    }
}

/// A small integer that is not negative.
pub(super) fn small(content: &[u8]) -> Result<u32, Malformed> {
    match content {
        [first, ..] if content.len() <= 4 && *first < 0x80 => {
            Ok(content.iter().fold(0, |n, byte| n << 8 | u32::from(*byte)))
        }
        _ => Err(Malformed),
    }
}

/// Seconds since 1970 of a `UTCTime` or `GeneralizedTime` as RFC 5280 (4.1.2.5) has them: to the second, in UTC.
/// Times before 1970 are 0.
pub(super) fn time(element: Element<'_>) -> Result<u64, Malformed> {
    let text = element.content;
    let (year, rest) = match (element.tag, text.len()) {
        (UTC_TIME, 13) => {
            let year = number(&text[..2])?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &text[2..])
        }
        (GENERALIZED_TIME, 15) => (number(&text[..4])?, &text[4..]),
        _ => return Err(Malformed),
    };
    let part = |at: usize| number(&rest[at..at + 2]);
    let (month, day, hour, minute, second) = (part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    if rest[10] != b'Z' || !valid || second > 60 {
        return Err(Malformed);
    }
    let seconds = days(year, month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Ok(u64::try_from(seconds).unwrap_or(0))
}

fn number(digits: &[u8]) -> Result<u32, Malformed> {
    digits.iter().try_fold(0, |n, digit| match digit {
        b'0'..=b'9' => Ok(n * 10 + u32::from(digit - b'0')),
        _ => Err(Malformed),
    })
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(year: u32, month: u32, day: u32) -> i64 {
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.saturating_sub(1), month + 9) };
    let leap = year / 4 - year / 100 + year / 400;
    i64::from(year * 365 + leap + (153 * month + 2) / 5 + day) - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        let at = |tag, text: &str| time(Element { tag, content: text.as_bytes(), whole: &[] });
        assert_eq!(at(UTC_TIME, "700101000000Z"), Ok(0));
        assert_eq!(at(UTC_TIME, "240229235959Z"), Ok(1_709_251_199));
        assert_eq!(at(GENERALIZED_TIME, "20380119031407Z"), Ok(2_147_483_647));
        assert_eq!(at(UTC_TIME, "491231235959Z"), Ok(2_524_607_999));
        assert_eq!(at(UTC_TIME, "500101000000Z"), Ok(0));
        for bad in ["24022923595Z", "2402292359590", "241329000000Z", "2402292359x9Z"] {
            assert_eq!(at(UTC_TIME, bad), Err(Malformed), "{bad}");
        }
    }

    #[test]
    fn lengths_have_one_form() {
        let read = |bytes: &[u8]| Reader::new(bytes).element().map(|e| e.content.len());
        assert_eq!(read(&[4, 1, 9]), Ok(1));
        assert_eq!(read(&[4, 0x81, 1, 9]), Err(Malformed));
        assert_eq!(read(&[4, 0x80, 9, 0, 0]), Err(Malformed));
        assert_eq!(read(&[4, 2, 9]), Err(Malformed));
        assert_eq!(read(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]), Err(Malformed));
        assert_eq!(read(&[0x1f, 1, 9]), Err(Malformed));
        let long = [&[4, 0x81, 0x80][..], &[0; 128]].concat();
        assert_eq!(read(&long), Ok(128));
    }
}
