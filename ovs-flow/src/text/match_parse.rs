//! Parsing matches in OpenFlow syntax.

use alloc::string::{String, ToString};

use super::number::{parse_number, parse_wide_number};
use super::{NoNames, PortNames};
use crate::field::numbers::{eth, ip};
use crate::field::{Field, Masking, Subfield, SubfieldError, ValueError};
use crate::{Match, NoRoom, OptionMatch, Wide};

/// Why a match's text is refused; the texts are those that users of the tools know. `column` counts bytes from the
/// text's beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchError {
    /// No field or protocol has this name.
    #[error("unknown keyword {name}")]
    UnknownKeyword {
        /// The name as written.
        name: String,
        /// Where it begins.
        column: usize,
    },
    /// The value is not one of the field's.
    #[error("{source}")]
    Value {
        /// The field, if there is one of this name.
        field: Option<Field>,
        /// What is wrong with it.
        source: ValueError,
        /// Where the field begins.
        column: usize,
    },
    /// The part of a field in brackets makes no sense.
    #[error("{name}: {source}")]
    Subfield {
        /// As written.
        name: String,
        /// What is wrong with it.
        source: SubfieldError,
        /// Where it begins.
        column: usize,
    },
    /// No message can carry the constraint: the field has no number on the wire, or only some bits are matched of one
    /// that is matched as a whole.
    #[error("actions are invalid with specified match (OFPBAC_MATCH_INCONSISTENT)")]
    Unspeakable {
        /// The field.
        field: Field,
        /// Where it begins.
        column: usize,
    },
}

impl MatchError {
    /// Where in the text the trouble is, in bytes from its beginning.
    pub fn column(&self) -> usize {
        match self {
            Self::UnknownKeyword { column, .. }
            | Self::Value { column, .. }
            | Self::Unspeakable { column, .. }
            | Self::Subfield { column, .. } => *column,
        }
    }

    /// The field that it is about, if the text names one.
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::UnknownKeyword { .. } => None,
            Self::Value { field, .. } => *field,
            Self::Subfield { source, .. } => source.field(),
            Self::Unspeakable { field, .. } => Some(*field),
        }
    }

    /// What would have been right: `a decimal or 0x… number of at most 2 bytes`.
    pub fn expected(&self) -> String {
        match self {
            Self::UnknownKeyword { .. } => String::from("a field or a protocol (ovs-fields(7))"),
            Self::Value { source, .. } => source.expected(),
            Self::Subfield { source, .. } => source.expected(),
            Self::Unspeakable { field, .. } if field.headers().next().is_none() => {
                String::from("a field that has a number on the wire")
            }
            Self::Unspeakable { .. } => String::from("all bits of the field"),
        }
    }

    fn at(mut self, at: usize) -> Self {
        match &mut self {
            Self::UnknownKeyword { column, .. }
            | Self::Value { column, .. }
            | Self::Unspeakable { column, .. }
            | Self::Subfield { column, .. } => {
                *column = at;
            }
        }
        self
    }
}

/// One item of a comma-separated list: `name`, `name=value`, `name:value` or `name(value)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What stands before the value.
    pub name: &'a str,
    /// The value; empty if there is none.
    pub value: &'a str,
    /// What stands between the two: `=`, `:`, `(`, or `None`.
    pub delimiter: Option<char>,
    /// Where the name begins, in bytes.
    pub column: usize,
}

/// The items of a list that is separated by commas and white space, with parentheses kept together. An item
/// whose parenthesis is never closed reaches to the end.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    core::iter::from_fn(move || {
        at += text[at..].find(|c| !is_separator(c))?;
        let rest = &text[at..];
        let (token, used) = one_token(rest, at);
        at += used;
        Some(token)
    })
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | ' ' | '\t' | '\r' | '\n')
}

fn one_token(rest: &str, column: usize) -> (Token<'_>, usize) {
    let end = rest.find(|c: char| is_separator(c) || matches!(c, '=' | ':' | '('));
    let Some(end) = end else {
        return (Token { name: rest, value: "", delimiter: None, column }, rest.len());
    };
    let name = &rest[..end];
    let delimiter = rest[end..].chars().next().filter(|c| !is_separator(*c));
    match delimiter {
        None => (Token { name, value: "", delimiter, column }, end),
        Some('(') => {
            let close = closing(&rest[end..]).map_or(rest.len(), |i| end + i);
            let value = rest.get(end + 1..close).unwrap_or("");
            (Token { name, value, delimiter, column }, (close + 1).min(rest.len()))
        }
        Some(_) => {
            let value = &rest[end + 1..];
            let len = value_length(value);
            (Token { name, value: &value[..len], delimiter, column }, end + 1 + len)
        }
    }
}

/// The index of the parenthesis that closes the one at the beginning.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(i, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(i)
    })
}

/// Up to the next separator outside of parentheses.
fn value_length(text: &str) -> usize {
    let mut depth = 0_usize;
    text.find(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is_separator(c)
    })
    .unwrap_or(text.len())
}

/// Name, Ethernet type, IP protocol; a type of zero says "Ethernet" alone.
const PROTOCOLS: [(&str, u16, u8); 18] = [
    ("eth", 0, 0),
    ("ip", eth::IPV4, 0),
    ("ipv4", eth::IPV4, 0),
    ("ip4", eth::IPV4, 0),
    ("arp", eth::ARP, 0),
    ("icmp", eth::IPV4, ip::ICMP),
    ("tcp", eth::IPV4, ip::TCP),
    ("udp", eth::IPV4, ip::UDP),
    ("sctp", eth::IPV4, ip::SCTP),
    ("ipv6", eth::IPV6, 0),
    ("ip6", eth::IPV6, 0),
    ("tcp6", eth::IPV6, ip::TCP),
    ("udp6", eth::IPV6, ip::UDP),
    ("sctp6", eth::IPV6, ip::SCTP),
    ("icmp6", eth::IPV6, ip::ICMPV6),
    ("rarp", eth::RARP, 0),
    ("mpls", eth::MPLS, 0),
    ("mplsm", eth::MPLS_MCAST, 0),
];

/// Whether this is a protocol's name (`tcp`, `arp` …).
pub fn is_protocol(name: &str) -> bool {
    protocol(name).is_some()
}

/// The Ethernet type and the IP protocol that a protocol's name stands for; zero is none.
pub(super) fn protocol(name: &str) -> Option<(u16, u8)> {
    PROTOCOLS.iter().find(|(n, ..)| *n == name).map(|(_, dl_type, nw_proto)| (*dl_type, *nw_proto))
}

/// Adds what a protocol's name stands for; false if there is no such protocol.
pub fn parse_protocol(name: &str, m: &mut Match) -> bool {
    let Some((dl_type, nw_proto)) = protocol(name) else { return false };
    if name == "eth" {
        Field::PACKET_TYPE.set_match(m, 0);
    }
    m.require_ethernet(Field::ETH_TYPE);
    if dl_type != 0 {
        Field::ETH_TYPE.set_match(m, dl_type.into());
    }
    if nw_proto != 0 {
        Field::IP_PROTO.set_match(m, nw_proto.into());
    }
    true
}

/// Adds one field's constraint, `name` being a field or some bits of one. What the match said of it before is replaced.
pub fn parse_field(name: &str, value: &str, m: &mut Match, ports: &impl PortNames) -> Result<(), MatchError> {
    if name.contains('[') {
        return parse_subfield(name, value, m);
    }
    let Some(field) = Field::by_name(name) else {
        return Err(MatchError::UnknownKeyword { name: name.into(), column: 0 });
    };
    if let Some(n) = field.option() {
        return parse_option(field, n, value, m, ports);
    }
    let (value, mask) = if value.is_empty() { field.parse("0/0", ports) } else { field.parse(value, ports) }
        .map_err(|source| MatchError::Value { field: Some(field), source, column: 0 })?;
    m.require_ethernet(field);
    // Exact fields came with all bits or none: parse() has refused the rest.
    let _ = field.set_masked(m, value, mask);
    Ok(())
}

/// Constrains an option, of which a match says something once.
fn parse_option(
    field: Field,
    n: usize,
    text: &str,
    m: &mut Match,
    ports: &impl PortNames,
) -> Result<(), MatchError> {
    let wrong = |source| MatchError::Value { field: Some(field), source, column: 0 };
    if field.is_present(m) {
        return Err(wrong(ValueError::SetTwice { field }));
    }
    let (value, mask) = field.parse_wide(if text.is_empty() { "0/0" } else { text }, ports).map_err(wrong)?;
    let option = if mask == Wide::MAX {
        OptionMatch::exact(n, OptionMatch::len_of(&value), value)
    } else {
        OptionMatch::masked(n, OptionMatch::len_of(&(value | mask)), value, mask)
    };
    m.set_option(option).map_err(|NoRoom| wrong(ValueError::NoRoom { field }))
}

/// Constrains some bits of an option, and leaves what the match says of the others.
fn parse_option_bits(subfield: Subfield, n: usize, text: &str, m: &mut Match) -> Result<(), SubfieldError> {
    let field = subfield.field();
    let value = parse_wide_number(text, field.longest().into())
        .map_err(|_| SubfieldError::NotInteger { field, text: text.into() })?;
    if value.bit_len() > subfield.width() {
        return Err(SubfieldError::TooWide { field, text: value.to_string(), width: subfield.width() });
    }
    let (value, bits) = (value.shl(subfield.start()), subfield.wide_bits());
    let old = m.option(n);
    let (old_value, old_mask) = old.map_or((Wide::ZERO, Wide::ZERO), |old| (old.value, old.mask));
    let (value, mask) = (old_value & !bits | value, old_mask | bits);
    let len = OptionMatch::len_of(&mask).max(old.map_or(0, |old| old.len));
    // One that is long enough for all of its bits says nothing of longer ones.
    m.set_option(OptionMatch::masked(n, len, value, mask))
        .map_err(|NoRoom| SubfieldError::NotInteger { field, text: text.into() })
}

/// Constrains some bits, and leaves what the match says of the others.
fn parse_subfield(name: &str, text: &str, m: &mut Match) -> Result<(), MatchError> {
    let wrong = |source| MatchError::Subfield { name: name.into(), source, column: 0 };
    let subfield: Subfield = name.parse().map_err(wrong)?;
    let field = subfield.field();
    if let Some(n) = field.option() {
        return parse_option_bits(subfield, n, text, m).map_err(wrong);
    }
    let value = parse_number(text, field.facts().size.into())
        .map_err(|_| wrong(SubfieldError::NotInteger { field, text: text.into() }))?;
    let low = subfield.bits() >> subfield.start();
    if value & !low != 0 {
        let text = field.text(value, u128::MAX, &NoNames).to_string();
        return Err(wrong(SubfieldError::TooWide { field, text, width: subfield.width() }));
    }
    if !field.is_mask_valid(subfield.bits()) {
        return Err(MatchError::Unspeakable { field, column: 0 });
    }
    let (old, old_mask) = field.get_match(m);
    let value = value << subfield.start();
    let mask = if field.facts().masking == Masking::Exact { field.full() } else { subfield.bits() };
    m.require_ethernet(field);
    let _ = field.set_masked(m, old & !mask | value, old_mask | mask);
    Ok(())
}

/// Parses a match that consists of nothing else than fields and protocols.
///
/// ```
/// use ovs_flow::text::{NoNames, MatchDisplay, parse_match};
///
/// let m = parse_match("tcp, nw_src=10.1.2.3/8,tp_dst=80", &NoNames)?;
/// assert_eq!(MatchDisplay { m: &m, ports: &NoNames }.to_string(), "tcp,nw_src=10.0.0.0/8,tp_dst=80");
/// # Ok::<(), ovs_flow::text::MatchError>(())
/// ```
pub fn parse_match(text: &str, ports: &impl PortNames) -> Result<Match, MatchError> {
    let mut m = Match::default();
    let mut unspeakable = None;
    for token in tokens(text) {
        if parse_protocol(token.name, &mut m) {
            continue;
        }
        let known = token.name.contains('[') || Field::by_name(token.name).is_some();
        if !known && token.value.is_empty() {
            let source = ValueError::Missing { field: token.name.into() };
            return Err(MatchError::Value { field: None, source, column: token.column });
        }
        match parse_field(token.name, token.value, &mut m, ports).map_err(|error| error.at(token.column)) {
            // What is not understood at all is worse, and said first.
            Err(error @ MatchError::Unspeakable { .. }) => unspeakable = unspeakable.or(Some(error)),
            result => result?,
        }
    }
    if let Some(error) = unspeakable {
        return Err(error);
    }
    match m.unspeakable() {
        None => Ok(m),
        Some(field) => Err(MatchError::Unspeakable { field, column: column_of(text, field) }),
    }
}

/// Where a field is named last.
fn column_of(text: &str, field: Field) -> usize {
    let names =
        |token: &Token<'_>| Field::by_name(token.name.split('[').next().unwrap_or_default()) == Some(field);
    tokens(text).filter(names).last().map_or(0, |token| token.column)
}
