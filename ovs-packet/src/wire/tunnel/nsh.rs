//! The network service header (RFC 8300 section 2).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───┼─┼─┼───────────┼───────────┼───────┼───────┼───────────────┤
//! │ver│O│U│    ttl    │  length   │  U    │MD type│ next protocol │
//! │             service path identifier           │ service index │
//! │ MD type 1: context 16 bytes; 2: class 2 │ type 1 │ length 1 │ metadata, padded to 4 … │
//! └───────────────────────────────────────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::bytes::u32_at;
use super::super::field::{to_the_end, view};
use super::super::list::{Item, Items, body, head};

view! {
    /// A network service header with its context.
    view NshView, value NshHeader, 8 bytes, header header_len, end to_the_end;
    /// Version, flags, time to live, length.
    base set_base: u16 = 0 {
        /// Version: 0.
        version set_version: u8 = 14, 2;
        /// Operations and maintenance.
        is_oam set_is_oam: bool = 13, 1;
        /// Time to live.
        ttl set_ttl: u8 = 6, 6;
        /// Words of the header.
        length set_length: u8 = 0, 6;
    };
    /// Unassigned (4 bits), metadata type (4).
    metadata set_metadata: u8 = 2 {
        /// Metadata type: 1 fixed, 2 TLVs.
        md_type set_md_type: u8 = 0, 4;
    };
    /// What follows: 1 IPv4, 2 IPv6, 3 Ethernet, 4 NSH, 5 MPLS.
    next_protocol set_next_protocol: u8 = 3;
    /// Service path identifier (24 bits), service index (8).
    path set_path: u32 = 4 {
        /// Service path identifier.
        spi set_spi: u32 = 8, 24;
        /// Service index: where on the path.
        service_index set_service_index: u8 = 0, 8;
    };
}

fn header_len(bytes: &[u8]) -> usize {
    usize::from(bytes[1] & 0x3f) * 4
}

impl<T: AsRef<[u8]>> NshView<T> {
    /// The four context words of metadata type 1.
    pub fn context(&self) -> Option<[u32; 4]> {
        let context = self.variable();
        if self.md_type() != 1 || context.len() != 16 {
            return None;
        }
        Some([u32_at(context, 0)?, u32_at(context, 4)?, u32_at(context, 8)?, u32_at(context, 12)?])
    }

    /// The TLVs of metadata type 2; none for other types.
    pub fn tlvs(&self) -> Items<'_, NshTlv<'_>> {
        let bytes = if self.md_type() == 2 { self.variable() } else { &[] };
        Items::new(bytes, Self::LEN)
    }
}

/// One TLV of metadata type 2 (RFC 8300 section 2.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NshTlv<'a> {
    /// Class: who defines the types.
    pub class: u16,
    /// Type.
    pub kind: u8,
    /// Metadata: up to 127 bytes, without padding.
    pub data: &'a [u8],
}

impl<'a> Item<'a> for NshTlv<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [high, low, kind, len] = head(bytes)?;
        let len = usize::from(len & 0x7f);
        let data = body(bytes, 4, 4 + len)?;
        let used = 4 + len.next_multiple_of(4);
        Ok(Some((Self { class: u16::from_be_bytes([high, low]), kind, data }, used)))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.class.to_be_bytes());
        out.extend([self.kind, self.data.len() as u8 & 0x7f]);
        out.extend_from_slice(self.data);
        out.resize(out.len() + self.data.len().next_multiple_of(4) - self.data.len(), 0);
    }
}
