//! Where port names come from.

use core::fmt;

use crate::{DpPort, OfPort};

/// Names of a bridge's ports.
pub trait PortNames {
    /// The name to print for this number, if it has one.
    fn name(&self, port: OfPort) -> Option<&str>;

    /// The number behind this name.
    fn number(&self, name: &str) -> Option<OfPort>;

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

/// A port as users write it: a number of either space, a reserved name in any case, or one of `ports`'
/// names, in quotes or not. `None` if it is none of these.
pub fn parse_of_port(text: &str, ports: &(impl PortNames + ?Sized)) -> Option<OfPort> {
    if let Ok(number) = super::number::parse_number(text, 4) {
        return match number as u32 {
            n if n <= 0xffff => Some(OfPort(n as u16)),
            n => OfPort::from_u32(n),
        };
    }
    if let Some((_, port)) = RESERVED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return (*port != OfPort::MAX).then_some(*port);
    }
    if let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        return ports.number(inner);
    }
    ports.number(text)
}
