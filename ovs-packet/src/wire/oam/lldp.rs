//! The Link Layer Discovery Protocol (IEEE 802.1AB clause 8): nothing but TLVs, type 0x88cc, sent to
//! 01:80:c2:00:00:0e.
//!
//! ```text
//! ├ type 7 bits, length 9 bits ┼ value … ┤ … ┼ 0 2 bytes ┤
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::bytes::{u16_at, u32_at};
use super::super::field::{to_the_end, view};
use super::super::list::{Item, Items, body, head};

view! {
    /// An LLDP unit: its header is all of its TLVs, to the end mark; the payload is padding.
    view LldpView, value LldpHeader, 0 bytes, header header_len, end to_the_end;
}

fn header_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(head) = u16_at(bytes, at) {
        at += 2 + usize::from(head & 0x1ff);
        if head == 0 {
            break;
        }
    }
    // A last TLV that is cut belongs to the unit; the list says what is wrong with it.
    at.min(bytes.len())
}

impl<T: AsRef<[u8]>> LldpView<T> {
    /// The TLVs, without the end mark.
    pub fn tlvs(&self) -> Items<'_, LldpTlv<'_>> {
        Items::new(self.header(), 0)
    }
}

/// One TLV of an LLDP unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LldpTlv<'a> {
    /// Chassis (1).
    ChassisId {
        /// What names it: 4 an Ethernet address, 5 a network address, 7 a local name …
        subtype: u8,
        /// The name.
        id: &'a [u8],
    },
    /// Port (2).
    PortId {
        /// What names it: 3 an Ethernet address, 5 an interface name, 7 a local name …
        subtype: u8,
        /// The name.
        id: &'a [u8],
    },
    /// Time to live (3), in seconds.
    TimeToLive(u16),
    /// Port description (4), text.
    PortDescription(&'a [u8]),
    /// System name (5), text.
    SystemName(&'a [u8]),
    /// System description (6), text.
    SystemDescription(&'a [u8]),
    /// System capabilities (7).
    Capabilities {
        /// What it can be: 0x04 bridge, 0x10 router …
        supported: u16,
        /// What it is.
        enabled: u16,
    },
    /// Management address (8).
    ManagementAddress {
        /// Address family and address.
        address: &'a [u8],
        /// How the interface is numbered: 1 unknown, 2 ifIndex, 3 port.
        numbering: u8,
        /// The interface.
        interface: u32,
        /// Object identifier, encoded.
        object: &'a [u8],
    },
    /// Organization's own (127).
    Organization {
        /// The organization: 00:80:c2 is 802.1, 00:12:0f 802.3.
        oui: [u8; 3],
        /// Which of its TLVs.
        subtype: u8,
        /// What that says.
        data: &'a [u8],
    },
    /// Any other, or one of these with an unusual length.
    Unknown {
        /// Type, 0 to 127.
        kind: u8,
        /// Its value.
        data: &'a [u8],
    },
}

impl<'a> LldpTlv<'a> {
    /// The meaning of a type that we know, if the value has the form that it wants.
    fn known(kind: u8, data: &'a [u8]) -> Option<Self> {
        Some(match (kind, data) {
            (1, [subtype, id @ ..]) => Self::ChassisId { subtype: *subtype, id },
            (2, [subtype, id @ ..]) => Self::PortId { subtype: *subtype, id },
            (3, &[high, low]) => Self::TimeToLive(u16::from_be_bytes([high, low])),
            (4, _) => Self::PortDescription(data),
            (5, _) => Self::SystemName(data),
            (6, _) => Self::SystemDescription(data),
            (7, &[a, b, c, d]) => Self::Capabilities {
                supported: u16::from_be_bytes([a, b]),
                enabled: u16::from_be_bytes([c, d]),
            },
            (8, [len, rest @ ..]) => {
                let (address, rest) = rest.split_at_checked(usize::from(*len))?;
                let (object, end) = rest.get(6..)?.split_at_checked(usize::from(*rest.get(5)?))?;
                let numbering = *rest.first()?;
                let whole =
                    Self::ManagementAddress { address, numbering, interface: u32_at(rest, 1)?, object };
                return end.is_empty().then_some(whole);
            }
            (127, [a, b, c, subtype, data @ ..]) => {
                Self::Organization { oui: [*a, *b, *c], subtype: *subtype, data }
            }
            _ => return None,
        })
    }

    /// The TLV's type.
    pub fn kind(&self) -> u8 {
        match *self {
            Self::ChassisId { .. } => 1,
            Self::PortId { .. } => 2,
            Self::TimeToLive(_) => 3,
            Self::PortDescription(_) => 4,
            Self::SystemName(_) => 5,
            Self::SystemDescription(_) => 6,
            Self::Capabilities { .. } => 7,
            Self::ManagementAddress { .. } => 8,
            Self::Organization { .. } => 127,
            Self::Unknown { kind, .. } => kind,
        }
    }
}

impl<'a> Item<'a> for LldpTlv<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let head = u16::from_be_bytes(head(bytes)?);
        if head == 0 {
            return Ok(None);
        }
        let (kind, used) = ((head >> 9) as u8, 2 + usize::from(head & 0x1ff));
        let data = body(bytes, 2, used)?;
        Ok(Some((Self::known(kind, data).unwrap_or(Self::Unknown { kind, data }), used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.extend([0; 2]);
        match *self {
            Self::ChassisId { subtype, id } | Self::PortId { subtype, id } => {
                out.push(subtype);
                out.extend_from_slice(id);
            }
            Self::TimeToLive(seconds) => out.extend(seconds.to_be_bytes()),
            Self::PortDescription(text) | Self::SystemName(text) | Self::SystemDescription(text) => {
                out.extend_from_slice(text);
            }
            Self::Capabilities { supported, enabled } => {
                out.extend(supported.to_be_bytes());
                out.extend(enabled.to_be_bytes());
            }
            Self::ManagementAddress { address, numbering, interface, object } => {
                out.push(address.len() as u8);
                out.extend_from_slice(address);
                out.push(numbering);
                out.extend(interface.to_be_bytes());
                out.push(object.len() as u8);
                out.extend_from_slice(object);
            }
            Self::Organization { oui, subtype, data } => {
                out.extend(oui);
                out.push(subtype);
                out.extend_from_slice(data);
            }
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
        let len = (out.len() - from - 2) as u16 & 0x1ff;
        let head = u16::from(self.kind()) << 9 | len;
        out[from..from + 2].copy_from_slice(&head.to_be_bytes());
    }
}
