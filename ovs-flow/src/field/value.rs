//! The text of single values: what stands behind `field=` in a match and in `set_field`.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::facts::{Format, Masking};
use super::rows::Field;
use crate::text::addr::{Eth, Ip4, Ip6, parse_eth, parse_ipv4, parse_ipv6};
use crate::text::flags::{CT_STATE, TCP_FLAGS, TUN_FLAGS, write_masked, write_set};
use crate::text::number::{NumberError, parse_number, parse_wide_number};
use crate::text::{PortNames, frag};
use crate::{MAX_OPTION, OfPort, TunnelFlags, Wide};

/// Why a value's text is refused. The texts are those that users of the tools know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Not a number.
    #[error("{text}: bad syntax for {field} {part}")]
    Syntax {
        /// The whole value as written.
        text: String,
        /// The field.
        field: Field,
        /// `value` or `mask`.
        part: &'static str,
    },
    /// A number with too many bits.
    #[error("{text}: {part} too large for {size}-byte field {field}")]
    TooLarge {
        /// The whole value as written.
        text: String,
        /// The field.
        field: Field,
        /// `value` or `mask`.
        part: &'static str,
        /// Bytes of the field.
        size: u8,
    },
    /// A mask that the field does not allow.
    #[error("{text}: invalid mask for field {field}")]
    Mask {
        /// The whole value as written.
        text: String,
        /// The field.
        field: Field,
    },
    /// Not an Ethernet address.
    #[error("{text}: invalid Ethernet address")]
    Ethernet {
        /// As written.
        text: String,
    },
    /// Not an IPv4 address.
    #[error("{text}: invalid IP address")]
    Ipv4 {
        /// As written.
        text: String,
    },
    /// Not an IPv6 address.
    #[error("{text}: invalid IPv6 address")]
    Ipv6 {
        /// As written.
        text: String,
    },
    /// A prefix longer than the address.
    #[error("{text}: {family} network prefix bits not between 0 and {bits}, inclusive")]
    Prefix {
        /// As written.
        text: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// 32 or 128.
        bits: u8,
    },
    /// No such port.
    #[error("{text}: {problem} for {field}")]
    Port {
        /// As written.
        text: String,
        /// The field.
        field: Field,
        /// `invalid or unknown port`, or what fields of 32 bits have instead.
        problem: &'static str,
    },
    /// No such kind of fragment.
    #[error(
        "{text}: unknown fragment type (valid types are \"no\", \"yes\", \"first\", \"later\", \"not_later\""
    )]
    Frag {
        /// As written.
        text: String,
    },
    /// No such flag.
    #[error("{flag}: unknown {what} flag(s)")]
    UnknownFlag {
        /// The flag as written.
        flag: String,
        /// `TCP`, `ct_state` …
        what: &'static str,
    },
    /// A flag twice.
    #[error("{flag}: Each {what} flag can be specified only once")]
    FlagTwice {
        /// The flag as written.
        flag: String,
        /// `TCP`, `ct_state` …
        what: &'static str,
    },
    /// Signed and unsigned flags mixed, or a sign missing.
    #[error("{text}: {what} must be preceded by '+' (for SET) or '-' (NOT SET)")]
    FlagSign {
        /// The rest of the text where the sign should be.
        text: String,
        /// `TCP`, `ct_state` …
        what: &'static str,
    },
    /// A packet type without its parentheses or numbers.
    #[error("{text}: bad syntax for packet type {expected}")]
    PacketType {
        /// As written.
        text: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A tunnel option twice.
    #[error("field {field} set multiple times")]
    SetTwice {
        /// The option.
        field: Field,
    },
    /// There is no room for all the options that a match asks for.
    #[error("field {field} exceeds maximum size for tunnel metadata (used {used}, max {max})", used = crate::TUN_METADATA_BYTES, max = crate::TUN_METADATA_BYTES)]
    NoRoom {
        /// The option.
        field: Field,
    },
    /// A field that needs a value has none.
    #[error("field {field} missing value")]
    Missing {
        /// The name as written.
        field: String,
    },
}

impl ValueError {
    /// What would have been right.
    pub fn expected(&self) -> String {
        match self {
            Self::Syntax { field, .. } | Self::TooLarge { field, .. } => {
                format!("a decimal or 0x number of at most {} bytes", field.longest())
            }
            Self::Mask { .. } => "no mask: the field is matched as a whole".into(),
            Self::Ethernet { .. } => "xx:xx:xx:xx:xx:xx, or two of them with a slash between".into(),
            Self::Ipv4 { .. } => "A.B.C.D, A.B.C.D/BITS or A.B.C.D/A.B.C.D".into(),
            Self::Ipv6 { .. } => "an IPv6 address, with /BITS or /ADDRESS for a mask".into(),
            Self::Prefix { bits, .. } => format!("a prefix of 0 to {bits} bits"),
            Self::Port { .. } => "a port's number from 0 to 65535, a reserved port or a port's name".into(),
            Self::Frag { .. } => "no, yes, first, later or not_later".into(),
            Self::UnknownFlag { what, .. } => format!("flags of {what}"),
            Self::SetTwice { .. } => "each option once".into(),
            Self::NoRoom { .. } => "options of 256 bytes together".into(),
            Self::FlagTwice { .. } => "each flag once".into(),
            Self::FlagSign { .. } => "+ or - before each flag".into(),
            Self::PacketType { .. } => "(NAMESPACE,TYPE)".into(),
            Self::Missing { .. } => "a value".into(),
        }
    }
}

impl Field {
    /// Parses the text of a value, or of `value/mask`; `*` is no constraint. Gives value and mask.
    pub fn parse(self, text: &str, ports: &impl PortNames) -> Result<(u128, u128), ValueError> {
        let full = self.full();
        if text == "*" {
            return Ok((0, 0));
        }
        let (value, mask) = match self.facts().format {
            Format::Decimal | Format::Hexadecimal => self.parse_integer(text)?,
            Format::Ethernet => parse_eth(text)
                .ok_or_else(|| ValueError::Ethernet { text: text.into() })
                .map(|(a, m)| (number(&a), number(&m)))?,
            Format::Ipv4 => parse_ipv4(text).map(|(a, m)| (u128::from(a), u128::from(m)))?,
            Format::Ipv6 => {
                parse_ipv6(text).map(|(a, m)| (u128::from_be_bytes(a), u128::from_be_bytes(m)))?
            }
            Format::CtState => wide(CT_STATE.parse(text)?),
            Format::TcpFlags => wide(TCP_FLAGS.parse(text)?),
            Format::TunFlags => {
                let (value, mask) = TUN_FLAGS.parse(text)?;
                wide((value, if mask == TUN_FLAGS.all() { TunnelFlags::OAM.bits().into() } else { mask }))
            }
            Format::Frag => {
                let (value, mask) = frag::parse(text)?;
                (value.into(), mask.into())
            }
            Format::Port | Format::Port32 => (self.parse_port(text, ports)?, u128::MAX),
            Format::PacketType => (parse_packet_type(text)?, u128::MAX),
        };
        if !self.is_mask_valid(mask) {
            return Err(ValueError::Mask { text: text.into(), field: self });
        }
        Ok((value, mask & full))
    }

    /// Bytes of the longest value that a text can give it.
    pub(crate) fn longest(self) -> u8 {
        if self.option().is_some() { MAX_OPTION as u8 } else { self.facts().size }
    }

    /// Parses the text of an option's value, or of `value/mask`; `*` is no constraint. Gives value and mask, which has all
    /// bits of [`Wide`] if there is none. Other fields' are parsed as [`Field::parse`] does.
    pub fn parse_wide(self, text: &str, ports: &impl PortNames) -> Result<(Wide, Wide), ValueError> {
        if self.option().is_none() {
            let (value, mask) = self.parse(text, ports)?;
            let mask = if mask == self.full() { Wide::MAX } else { mask.into() };
            return Ok((value.into(), mask));
        }
        if text == "*" {
            return Ok((Wide::ZERO, Wide::ZERO));
        }
        let size = self.longest();
        let part = |digits: &str, part| {
            parse_wide_number(digits, size.into()).map_err(|error| match error {
                NumberError::Syntax => ValueError::Syntax { text: text.into(), field: self, part },
                NumberError::TooLarge => ValueError::TooLarge { text: text.into(), field: self, part, size },
            })
        };
        match text.split_once('/') {
            None => Ok((part(text, "value")?, Wide::MAX)),
            Some((value, mask)) => Ok((part(value, "value")?, part(mask, "mask")?)),
        }
    }

    /// Whether a match may have this mask, as wide as the field on the wire: exact fields know no bit or all.
    pub(crate) fn is_mask_valid(self, mask: u128) -> bool {
        let bits = 8 * u32::from(self.facts().size);
        let ones = u128::MAX >> (128 - bits);
        self.facts().masking == Masking::Bitwise || mask & ones == ones || mask & ones == 0
    }

    fn parse_integer(self, text: &str) -> Result<(u128, u128), ValueError> {
        // Of an option only numbers of 128 bits fit what this gives.
        let size = if self.option().is_some() { 16 } else { self.facts().size };
        let part = |digits: &str, part| {
            parse_number(digits, usize::from(size)).map_err(|error| match error {
                NumberError::Syntax => ValueError::Syntax { text: text.into(), field: self, part },
                NumberError::TooLarge => ValueError::TooLarge { text: text.into(), field: self, part, size },
            })
        };
        match text.split_once('/') {
            None => Ok((part(text, "value")?, u128::MAX)),
            Some((value, mask)) => Ok((part(value, "value")?, part(mask, "mask")?)),
        }
    }

    fn parse_port(self, text: &str, ports: &impl PortNames) -> Result<u128, ValueError> {
        let problem = match self.facts().format {
            Format::Port32 => "port value out of range",
            _ => "invalid or unknown port",
        };
        let port = crate::text::parse_of_port(text, ports).ok_or_else(|| ValueError::Port {
            text: text.into(),
            field: self,
            problem,
        })?;
        Ok(match self.facts().format {
            Format::Port32 => port.to_u32().into(),
            _ => port.0.into(),
        })
    }

    /// A value under a mask as `set_field` writes it; `mask` with all bits is left out.
    pub fn text<P: PortNames>(self, value: u128, mask: u128, ports: &P) -> FieldText<'_, P> {
        FieldText { field: self, value, mask, ports }
    }
}

/// Prints a value, see [`Field::text`].
pub struct FieldText<'a, P> {
    field: Field,
    value: u128,
    mask: u128,
    ports: &'a P,
}

impl<P: PortNames> fmt::Display for FieldText<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = self.field.full();
        if self.mask == 0 {
            return f.write_str("ANY");
        }
        let exact = self.mask & full == full;
        match self.field.facts().format {
            Format::Decimal => write!(f, "{}", self.value)?,
            Format::Hexadecimal => write_hex(f, self.value)?,
            Format::Ethernet => {
                write!(f, "{}", Eth(tail(self.value)))?;
                if !exact {
                    write!(f, "/{}", Eth(tail(self.mask)))?;
                }
                return Ok(());
            }
            Format::Ipv4 => {
                return write!(
                    f,
                    "{}",
                    Ip4(self.value as u32, if exact { u32::MAX } else { self.mask as u32 })
                );
            }
            Format::Ipv6 => return write!(f, "{}", Ip6(self.value.to_be_bytes(), self.mask.to_be_bytes())),
            Format::CtState => return write_flags(f, &CT_STATE, self, exact),
            Format::TcpFlags => return write_flags(f, &TCP_FLAGS, self, exact),
            Format::TunFlags => return write_flags(f, &TUN_FLAGS, self, exact),
            Format::Frag => return frag::write(f, self.value as u8, self.mask as u8),
            Format::Port => return self.ports.write_of_port(OfPort(self.value as u16), f),
            Format::Port32 => {
                let port = OfPort::from_u32(self.value as u32).unwrap_or(OfPort::NONE);
                return self.ports.write_of_port(port, f);
            }
            Format::PacketType => {
                return write_packet_type(f, self.value as u32);
            }
        }
        if !exact {
            f.write_str("/")?;
            write_hex(f, self.mask)?;
        }
        Ok(())
    }
}

fn write_flags<P>(
    f: &mut fmt::Formatter<'_>,
    names: &crate::text::flags::Flags,
    text: &FieldText<'_, P>,
    exact: bool,
) -> fmt::Result {
    if exact {
        write_set(f, names, text.value as u32)
    } else {
        write_masked(f, names, text.value as u32, text.mask as u32, names.all())
    }
}

/// Zero is `0`, everything else has `0x`.
pub(crate) fn write_hex(f: &mut impl fmt::Write, value: u128) -> fmt::Result {
    if value == 0 { f.write_str("0") } else { write!(f, "{value:#x}") }
}

/// Ethernet types are hexadecimal, types of other namespaces decimal.
pub(crate) fn write_packet_type(f: &mut impl fmt::Write, packet_type: u32) -> fmt::Result {
    match (packet_type >> 16, packet_type & 0xffff) {
        (1, 0) => f.write_str("(1,0)"),
        (1, kind) => write!(f, "(1,{kind:#x})"),
        // What is behind a header that was taken off is yet to be found out.
        (0, 0xfffe) => f.write_str("(0,0xfffe)"),
        (namespace, kind) => write!(f, "({namespace},{kind})"),
    }
}

fn wide((value, mask): (u32, u32)) -> (u128, u128) {
    (value.into(), mask.into())
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

pub(crate) fn tail(value: u128) -> [u8; 6] {
    let mut bytes = [0; 6];
    bytes.copy_from_slice(&value.to_be_bytes()[10..]);
    bytes
}

fn parse_packet_type(text: &str) -> Result<u128, ValueError> {
    let fail = |expected| ValueError::PacketType { text: text.into(), expected };
    let inner = text.strip_prefix('(').ok_or_else(|| fail("missing '('"))?;
    let (namespace, rest) = inner.split_once(',').ok_or_else(|| fail("missing ','"))?;
    // Whatever follows the parenthesis is not looked at, as the tools do.
    let (kind, _) = rest.split_once(')').ok_or_else(|| fail("missing ')'"))?;
    let number = |s, expected| parse_number(s, 2).map_err(|_| fail(expected));
    Ok(number(namespace, "namespace")? << 16 | number(kind, "type")?)
}
