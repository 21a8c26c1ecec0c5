//! GRE: version 0 (RFC 2784, RFC 2890), with the routing of RFC 1701, and version 1 of PPTP (RFC 2637).
//!
//! ```text
//!  0                   1                   2                   3
//! ├─┼─┼─┼─┼─┼─────┼─┼───────┼─────┼───────────────────────────────┤
//! │C│R│K│S│s│recur│A│ flags │ ver │         protocol type         │
//! │      checksum (C or R)        │         offset (C or R)       │
//! │              key (K); PPTP: payload length, call              │
//! │                     sequence number (S)                       │
//! │                  acknowledgment number (A)                    │
//! │ source routes (R): family 2 │ offset 1 │ length 1 │ data …    │
//! └───────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::bytes::{u16_at, u32_at};
use super::super::field::{to_the_end, view};
use super::super::list::{Item, Items, body, head};
use super::super::{EtherType, WireError};
use crate::checksum;

view! {
    /// A GRE header with all that its flags announce.
    view GreView, value GreHeader, 4 bytes, header header_len, end to_the_end;
    /// Flags and version.
    flags set_flags: u16 = 0 {
        /// There is a checksum.
        has_checksum set_has_checksum: bool = 15, 1;
        /// There are source routes.
        has_routing set_has_routing: bool = 14, 1;
        /// There is a key.
        has_key set_has_key: bool = 13, 1;
        /// There is a sequence number.
        has_sequence set_has_sequence: bool = 12, 1;
        /// The source route is strict.
        is_strict set_is_strict: bool = 11, 1;
        /// Further encapsulations that are allowed.
        recursion set_recursion: u8 = 8, 3;
        /// There is an acknowledgment number (PPTP).
        has_acknowledgment set_has_acknowledgment: bool = 7, 1;
        /// Version: 0, or 1 for PPTP.
        version set_version: u8 = 0, 3;
    };
    /// Type of the payload.
    protocol set_protocol: EtherType = 2;
}

/// Where the optional words lie, by the flags.
struct Words {
    checksum: Option<usize>,
    key: Option<usize>,
    sequence: Option<usize>,
    acknowledgment: Option<usize>,
    end: usize,
}

impl Words {
    fn of(flags: u16) -> Self {
        let mut end = 4;
        let mut word = |present: bool| {
            let at = end;
            end += if present { 4 } else { 0 };
            present.then_some(at)
        };
        let checksum = word(flags & 0xc000 != 0);
        let key = word(flags & 0x2000 != 0);
        let sequence = word(flags & 0x1000 != 0);
        let acknowledgment = word(flags & 0x0087 == 0x0081);
        Self { checksum, key, sequence, acknowledgment, end }
    }
}

fn header_len(bytes: &[u8]) -> usize {
    let flags = u16::from_be_bytes([bytes[0], bytes[1]]);
    let mut end = Words::of(flags).end;
    if flags & 0x4000 != 0 {
        // The routes end with one that is empty.
        while let Some([family, route]) = u16_at(bytes, end).zip(u16_at(bytes, end + 2)).map(<[u16; 2]>::from)
        {
            let len = usize::from(route & 0xff);
            end += 4 + len;
            if family == 0 && len == 0 {
                return end;
            }
        }
        end += 4;
    }
    end
}

impl<T: AsRef<[u8]>> GreView<T> {
    /// The checksum, if there is one.
    pub fn checksum(&self) -> Option<u16> {
        let at = Words::of(self.flags()).checksum.filter(|_| self.has_checksum())?;
        u16_at(self.header(), at)
    }

    /// True if the checksum over header and payload is right or absent.
    pub fn checksum_ok(&self) -> bool {
        !self.has_checksum() || checksum::internet(self.bytes.as_ref()) == 0
    }

    /// The offset of the active source route, if there are any.
    pub fn routing_offset(&self) -> Option<u16> {
        let at = Words::of(self.flags()).checksum.filter(|_| self.has_routing())?;
        u16_at(self.header(), at + 2)
    }

    /// The key, if there is one. In version 1 its upper half is the payload's length, its lower the call.
    pub fn key(&self) -> Option<u32> {
        u32_at(self.header(), Words::of(self.flags()).key?)
    }

    /// The sequence number, if there is one.
    pub fn sequence(&self) -> Option<u32> {
        u32_at(self.header(), Words::of(self.flags()).sequence?)
    }

    /// The acknowledgment number, if there is one (version 1).
    pub fn acknowledgment(&self) -> Option<u32> {
        u32_at(self.header(), Words::of(self.flags()).acknowledgment?)
    }

    /// The source routes; none unless the flags announce them.
    pub fn routes(&self) -> Items<'_, GreRoute<'_>> {
        let from = Words::of(self.flags()).end;
        let bytes = self.header().get(from..).filter(|_| self.has_routing());
        Items::new(bytes.unwrap_or_default(), from)
    }
}

/// One source route entry (RFC 1701).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GreRoute<'a> {
    /// Address family.
    pub family: u16,
    /// Offset of the active address.
    pub offset: u8,
    /// Routing information.
    pub data: &'a [u8],
}

impl<'a> Item<'a> for GreRoute<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [high, low, offset, len] = head(bytes)?;
        let family = u16::from_be_bytes([high, low]);
        if family == 0 && len == 0 {
            return Ok(None);
        }
        let used = 4 + usize::from(len);
        Ok(Some((Self { family, offset, data: body(bytes, 4, used)? }, used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.family.to_be_bytes());
        out.extend([self.offset, self.data.len() as u8]);
        out.extend_from_slice(self.data);
    }
}
