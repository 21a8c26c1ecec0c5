//! The segment routing header of IPv6 (RFC 8754 section 2).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───────────────┼───────────────┼───────────────┼───────────────┤
//! │  next header  │    length     │   type = 4    │ segments left │
//! │  last entry   │     flags     │              tag              │
//! │ segment list: addresses, the last of the path first …         │
//! │ TLVs: type 1 │ length 1 │ value …                             │
//! └───────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::field::{to_the_end, view};
use super::super::list::{Item, Items, body, head};
use super::super::{IpProtocol, WireError};
use super::extension::extension_len;

view! {
    /// A segment routing header with its segment list and TLVs.
    view SegmentRoutingView, value SegmentRoutingHeader, 8 bytes, header extension_len, end to_the_end;
    /// What follows.
    next_header set_next_header: IpProtocol = 0;
    /// Length in units of eight bytes, without the first.
    ext_len set_ext_len: u8 = 1;
    /// Routing type: 4.
    kind set_kind: u8 = 2;
    /// Segments still to be visited; index of the active one.
    segments_left set_segments_left: u8 = 3;
    /// Index of the last segment in the list.
    last_entry set_last_entry: u8 = 4;
    /// Flags; none is defined but what extensions define.
    flags set_flags: u8 = 5;
    /// Tag: packets of one kind.
    tag set_tag: u16 = 6;
}

impl<T: AsRef<[u8]>> SegmentRoutingView<T> {
    /// The segments, the last of the path first.
    pub fn segments(&self) -> Items<'_, [u8; 16]> {
        Items::counted(self.variable(), Self::LEN, usize::from(self.last_entry()) + 1)
    }

    /// The TLVs behind the segments; those for padding are left out.
    pub fn tlvs(&self) -> Items<'_, SegmentTlv<'_>> {
        let from = (usize::from(self.last_entry()) + 1) * 16;
        Items::new(self.variable().get(from..).unwrap_or_default(), Self::LEN + from)
    }
}

/// One TLV of a segment routing header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SegmentTlv<'a> {
    /// Keyed hash over the header (5, RFC 8754 section 2.1.2).
    Hmac {
        /// Destination addresses are not verified (the highest bit), reserved.
        flags: u16,
        /// Which key.
        key: u32,
        /// The hash, up to 32 bytes.
        value: &'a [u8],
    },
    /// Any other.
    Unknown {
        /// Type.
        kind: u8,
        /// Its bytes behind type and length.
        data: &'a [u8],
    },
}

impl<'a> Item<'a> for SegmentTlv<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let mut at = 0;
        // Type 0 is one byte of padding, type 4 padding with a length.
        while let Some(&kind @ (0 | 4)) = bytes.get(at) {
            at += if kind == 0 { 1 } else { 2 + usize::from(head::<2>(&bytes[at..])?[1]) };
        }
        let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else {
            let (needed, len) = (at, bytes.len());
            return if needed > len { Err(WireError::Truncated { needed, len }) } else { Ok(None) };
        };
        let [kind, len] = head(rest)?;
        let used = usize::from(len) + 2;
        let data = body(rest, 2, used)?;
        let tlv = match (kind, data) {
            (5, [high, low, k0, k1, k2, k3, value @ ..]) => Self::Hmac {
                flags: u16::from_be_bytes([*high, *low]),
                key: u32::from_be_bytes([*k0, *k1, *k2, *k3]),
                value,
            },
            _ => Self::Unknown { kind, data },
        };
        Ok(Some((tlv, at + used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Hmac { flags, key, value } => {
                out.extend([5, (value.len() + 6) as u8]);
                out.extend(flags.to_be_bytes());
                out.extend(key.to_be_bytes());
                out.extend_from_slice(value);
            }
            Self::Unknown { kind, data } => {
                out.extend([kind, data.len() as u8]);
                out.extend_from_slice(data);
            }
        }
    }
}
