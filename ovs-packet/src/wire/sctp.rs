//! SCTP (RFC 9260).

use super::field::{fixed, to_the_end, view};

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
    pub fn chunks(&self) -> SctpChunks<'_> {
        SctpChunks { bytes: self.payload() }
    }
}

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SctpChunk<'a> {
    /// Type; 0 is data, 1 INIT.
    pub kind: u8,
    /// Flags, which depend on the type.
    pub flags: u8,
    /// Its bytes behind type, flags and length, without padding.
    pub data: &'a [u8],
}

/// The chunks of a packet; a malformed one ends them.
#[derive(Debug, Clone)]
pub struct SctpChunks<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for SctpChunks<'a> {
    type Item = SctpChunk<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let [kind, flags, high, low] = *self.bytes.first_chunk()?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let data = self.bytes.get(4..len)?;
        self.bytes = self.bytes.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some(SctpChunk { kind, flags, data })
    }
}
