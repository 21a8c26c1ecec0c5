//! IPv4 (RFC 791) and its options (RFC 791 section 3.1, RFC 2113, RFC 1393).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───────┼───────┼───────────────┼───────────────────────────────┤
//! │version│  ihl  │ dscp      │ecn│          total length         │
//! │         identification        │flags│     fragment offset     │
//! │      ttl      │   protocol    │        header checksum        │
//! │                         source address                        │
//! │                      destination address                      │
//! │ options, to ihl × 4 bytes …                                   │
//! └───────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::field::view;
use super::super::list::{Item, Items, body, head};
use super::super::{IpProtocol, WireError};
use crate::checksum;

view! {
    /// An IPv4 header with its options. The payload ends where the total length says.
    view Ipv4View, value Ipv4Header, 20 bytes, header header_len, end end;
    /// Version (4 bits) and header length in words (4).
    version_ihl set_version_ihl: u8 = 0 {
        /// Version; 4, or this is something else.
        version set_version: u8 = 4, 4;
        /// Header length in words of four bytes.
        ihl set_ihl: u8 = 0, 4;
    };
    /// Type of service: DSCP (6 bits) and ECN (2).
    tos set_tos: u8 = 1 {
        /// Differentiated services code point (RFC 2474).
        dscp set_dscp: u8 = 2, 6;
        /// Explicit congestion notification (RFC 3168).
        ecn set_ecn: u8 = 0, 2;
    };
    /// Bytes of header and payload.
    total_len set_total_len: u16 = 2;
    /// Identification, shared by the fragments of one packet.
    id set_id: u16 = 4;
    /// Flags (3 bits) and fragment offset in units of eight bytes (13).
    fragment set_fragment: u16 = 6 {
        /// The packet must not be fragmented.
        dont_fragment set_dont_fragment: bool = 14, 1;
        /// More fragments follow.
        more_fragments set_more_fragments: bool = 13, 1;
        /// Fragment offset in units of eight bytes.
        offset_units set_offset_units: u16 = 0, 13;
    };
    /// Time to live.
    ttl set_ttl: u8 = 8;
    /// Protocol of the payload.
    protocol set_protocol: IpProtocol = 9;
    /// Header checksum.
    checksum set_checksum: u16 = 10;
    /// Source address.
    src set_src: [u8; 4] = 12;
    /// Destination address.
    dst set_dst: [u8; 4] = 16;
}

fn header_len(bytes: &[u8]) -> usize {
    usize::from(bytes[0] & 0x0f) * 4
}

fn end(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))
}

impl<T: AsRef<[u8]>> Ipv4View<T> {
    /// Where in the whole packet this fragment's payload begins, in bytes.
    pub fn fragment_offset(&self) -> u16 {
        self.offset_units() << 3
    }

    /// True if the header checksum is right.
    pub fn checksum_ok(&self) -> bool {
        checksum::internet(self.header()) == 0
    }

    /// The options; those for padding are left out.
    pub fn options(&self) -> Items<'_, Ipv4Option<'_>> {
        Items::new(self.variable(), Self::LEN)
    }

    /// The sum of the pseudo header of this packet's payload.
    pub fn pseudo(&self) -> checksum::Sum {
        checksum::pseudo_v4(self.src(), self.dst(), self.protocol(), self.payload().len() as u16)
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Ipv4View<T> {
    /// Computes and sets the header checksum.
    pub fn fill_checksum(&mut self) {
        self.set_checksum(0);
        let checksum = checksum::internet(self.header());
        self.set_checksum(checksum);
    }
}

/// One IPv4 option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ipv4Option<'a> {
    /// Record route (7), loose (131) or strict (137) source route: addresses, and where the next one goes.
    Route {
        /// Which of the three.
        kind: u8,
        /// Pointer: 4 for the first address.
        pointer: u8,
        /// Addresses of four bytes, and whatever is left over.
        route: &'a [u8],
    },
    /// Timestamp (68).
    Timestamp {
        /// Pointer: 5 for the first entry.
        pointer: u8,
        /// Hosts without room (4 bits) and format (4).
        overflow_flag: u8,
        /// Entries of four or eight bytes.
        data: &'a [u8],
    },
    /// Stream identifier (136).
    StreamId(u16),
    /// Router alert (148, RFC 2113).
    RouterAlert(u16),
    /// Any other, or one of these with an unusual length.
    Unknown {
        /// Type: copied flag, class and number.
        kind: u8,
        /// Its bytes behind type and length.
        data: &'a [u8],
    },
}

impl<'a> Item<'a> for Ipv4Option<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        // Type 1 is one byte of padding, type 0 the end; neither has a length.
        let skip = bytes.iter().take_while(|kind| **kind == 1).count();
        let bytes = &bytes[skip..];
        if bytes.first().is_none_or(|kind| *kind == 0) {
            return Ok(None);
        }
        let [kind, len] = head(bytes)?;
        let data = body(bytes, 2, usize::from(len))?;
        let option = match (kind, data) {
            (7 | 131 | 137, [pointer, route @ ..]) => Self::Route { kind, pointer: *pointer, route },
            (68, [pointer, overflow_flag, data @ ..]) => {
                Self::Timestamp { pointer: *pointer, overflow_flag: *overflow_flag, data }
            }
            (136, &[high, low]) => Self::StreamId(u16::from_be_bytes([high, low])),
            (148, &[high, low]) => Self::RouterAlert(u16::from_be_bytes([high, low])),
            _ => Self::Unknown { kind, data },
        };
        Ok(Some((option, skip + usize::from(len))))
    }

    fn put(&self, out: &mut Vec<u8>) {
        let mut option = |kind: u8, first: &[u8], rest: &[u8]| {
            out.extend([kind, (2 + first.len() + rest.len()) as u8]);
            out.extend_from_slice(first);
            out.extend_from_slice(rest);
        };
        match *self {
            Self::Route { kind, pointer, route } => option(kind, &[pointer], route),
            Self::Timestamp { pointer, overflow_flag, data } => option(68, &[pointer, overflow_flag], data),
            Self::StreamId(id) => option(136, &id.to_be_bytes(), &[]),
            Self::RouterAlert(value) => option(148, &value.to_be_bytes(), &[]),
            Self::Unknown { kind, data } => option(kind, &[], data),
        }
    }
}
