//! Fragment kinds of OpenFlow matches.

use core::fmt;

use crate::FragKind;
use crate::field::ValueError;

const ANY: u8 = FragKind::ANY.bits();
const LATER: u8 = FragKind::LATER.bits();
/// Name, value, mask.
const KINDS: [(&str, u8, u8); 5] = [
    ("no", 0, ANY | LATER),
    ("yes", ANY, ANY),
    ("first", ANY, ANY | LATER),
    ("later", ANY | LATER, ANY | LATER),
    ("not_later", 0, LATER),
];

pub(crate) fn parse(text: &str) -> Result<(u8, u8), ValueError> {
    KINDS
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(text))
        .map(|(_, value, mask)| (*value, *mask))
        .ok_or_else(|| ValueError::Frag { text: text.into() })
}

/// The kind's name; a fragment that is "later" without being one is no kind.
pub(crate) fn write(f: &mut impl fmt::Write, value: u8, mask: u8) -> fmt::Result {
    let mask = mask & (ANY | LATER);
    let value = value & mask;
    if mask == LATER {
        return f.write_str(if value == 0 { "not_later" } else { "later" });
    }
    if mask == ANY {
        return f.write_str(if value == 0 { "no" } else { "yes" });
    }
    let name = KINDS.iter().find(|(_, v, m)| *v == value && *m == mask).map_or("<error>", |(name, ..)| name);
    f.write_str(name)
}
