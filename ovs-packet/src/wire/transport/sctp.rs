//! SCTP (RFC 9260 section 3).
//!
//! ```text
//! ├───────────────────────────────┼───────────────────────────────┤
//! │          source port          │        destination port       │
//! │                       verification tag                        │
//! │                  CRC32c, little-endian (appendix A)           │
//! │ chunks: type 1 │ flags 1 │ length 2 │ value │ padding to 4 …  │
//! └───────────────────────────────┴───────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::{fixed, to_the_end, view};
use super::super::list::{Item, Items, body, head};
use crate::checksum::crc32c;

view! {
    /// An SCTP common header; the payload is chunks.
    view SctpView, value SctpHeader, 12 bytes, header fixed::<12>, end to_the_end;
    /// Source port.
    src_port set_src_port: u16 = 0;
    /// Destination port.
    dst_port set_dst_port: u16 = 2;
    /// Verification tag.
    tag set_tag: u32 = 4;
    /// `CRC32c` of the packet, as its bytes stand ([`crc32c`](crate::checksum::crc32c) in little-endian order).
    checksum set_checksum: [u8; 4] = 8;
}

impl<T: AsRef<[u8]>> SctpView<T> {
    /// The chunks.
    pub fn chunks(&self) -> Items<'_, SctpChunk<'_>> {
        Items::new(self.payload(), Self::LEN)
    }

    /// What the checksum should be.
    fn computed(&self) -> [u8; 4] {
        let bytes = self.bytes.as_ref();
        crc32c(&[&bytes[..8], &[0; 4], &bytes[12..]]).to_le_bytes()
    }

    /// True if the checksum is right.
    pub fn checksum_ok(&self) -> bool {
        self.checksum() == self.computed()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> SctpView<T> {
    /// Computes and sets the checksum.
    pub fn fill_checksum(&mut self) {
        let checksum = self.computed();
        self.set_checksum(checksum);
    }
}

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SctpChunk<'a> {
    /// Type; 0 is data, 1 INIT, 2 INIT ACK, 3 SACK, 4 HEARTBEAT, 6 ABORT, 7 SHUTDOWN, 10 COOKIE ECHO …
    pub kind: u8,
    /// Flags, which depend on the type.
    pub flags: u8,
    /// Its bytes behind type, flags and length, without padding.
    pub data: &'a [u8],
}

impl<'a> Item<'a> for SctpChunk<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let [kind, flags, high, low] = head(bytes)?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let data = body(bytes, 4, len)?;
        Ok(Some((Self { kind, flags, data }, len.next_multiple_of(4))))
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend([self.kind, self.flags]);
        out.extend(((self.data.len() + 4) as u16).to_be_bytes());
        out.extend_from_slice(self.data);
        out.resize(out.len() + self.data.len().next_multiple_of(4) - self.data.len(), 0);
    }
}
