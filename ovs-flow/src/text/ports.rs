//! Where port names come from.

use alloc::string::String;
use core::fmt;

use crate::{DpPort, OfPort, OptionPlaces};

/// Names of a bridge's ports, and its options of tunnels.
pub trait PortNames {
    /// The name to print for this number, if it has one.
    fn name(&self, port: OfPort) -> Option<&str>;

    /// The number behind this name.
    fn number(&self, name: &str) -> Option<OfPort>;

    /// Where keys have options of tunnels: without a table, four bytes each.
    fn option_places(&self) -> &OptionPlaces {
        &OptionPlaces::UNMAPPED
    }

    /// Prints a port: reserved name, else name (in quotes where it needs them), else number.
    fn write_of_port(&self, port: OfPort, f: &mut dyn fmt::Write) -> fmt::Result {
        if let Some(reserved) = port.reserved_name() {
            return f.write_str(reserved);
        }
        match self.name(port) {
            None => write!(f, "{}", port.0),
            Some(name) => write_name(name, f),
        }
    }
}

/// Names of a datapath's ports.
pub trait DpPortNames {
    /// The name to print for this number, if it has one.
    fn name(&self, port: DpPort) -> Option<&str>;

    /// The number behind this name.
    fn number(&self, name: &str) -> Option<DpPort>;
}

/// No names: numbers are printed, and only numbers are understood.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl PortNames for NoNames {
    fn name(&self, _: OfPort) -> Option<&str> {
        None
    }

    fn number(&self, _: &str) -> Option<OfPort> {
        None
    }
}

impl DpPortNames for NoNames {
    fn name(&self, _: DpPort) -> Option<&str> {
        None
    }

    fn number(&self, _: &str) -> Option<DpPort> {
        None
    }
}

/// A name as it is; in JSON quotes if it could be taken for something else.
fn write_name(name: &str, f: &mut dyn fmt::Write) -> fmt::Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && name.chars().all(plain) && !is_reserved(name) {
        return f.write_str(name);
    }
    f.write_char('"')?;
    for c in name.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

const RESERVED: [(&str, OfPort); 11] = [
    ("IN_PORT", OfPort::IN_PORT),
    ("TABLE", OfPort::TABLE),
    ("NORMAL", OfPort::NORMAL),
    ("FLOOD", OfPort::FLOOD),
    ("ALL", OfPort::ALL),
    ("CONTROLLER", OfPort::CONTROLLER),
    ("LOCAL", OfPort::LOCAL),
    ("ANY", OfPort::NONE),
    ("NONE", OfPort::NONE),
    ("UNSET", OfPort::UNSET),
    ("MAX", OfPort::MAX),
];

fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|(reserved, _)| reserved.eq_ignore_ascii_case(name))
}

/// A port as users write it: a decimal number of either space, a reserved name in any case, or one of `ports`'
/// names, in quotes or not. `None` if it is none of these.
pub fn parse_of_port(text: &str, ports: &(impl PortNames + ?Sized)) -> Option<OfPort> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.parse::<u32>().ok()? {
            n if n <= 0xffff => Some(OfPort(n as u16)),
            n => OfPort::from_u32(n),
        };
    }
    if let Some((_, port)) = RESERVED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return (*port != OfPort::MAX).then_some(*port);
    }
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(quoted) => ports.number(&unquoted(quoted)?),
        None => ports.number(text),
    }
}

/// The inside of a JSON string.
fn unquoted(text: &str) -> Option<String> {
    let mut name = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            name.push(c);
            continue;
        }
        name.push(match chars.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => char::from_u32((0..4).try_fold(0, |n, _| Some(n << 4 | chars.next()?.to_digit(16)?))?)?,
            c => c,
        });
    }
    Some(name)
}
