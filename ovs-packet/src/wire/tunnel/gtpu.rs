//! GTP-U, the user plane of the GPRS tunnelling protocol (3GPP TS 29.281 section 5).
//!
//! ```text
//! ├ version 3, PT 1, spare 1, E 1, S 1, PN 1 ┼ type 1 ┼ length 2 ┼ TEID 4 ┤
//! ├ sequence 2 ┼ N-PDU 1 ┼ next extension 1 ┤                if any of E, S, PN is set
//! ├ length 1, in words ┼ content … ┼ next extension 1 ┤       while the next extension is not 0 (and E is set)
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::bytes::{u8_at, u16_at};
use super::super::field::view;
use super::super::list::ListError;

view! {
    /// A GTP-U header with its optional fields and extension headers. The payload ends where the length says.
    view GtpuView, value GtpuHeader, 8 bytes, header header_len, end end;
    /// Version (3 bits), protocol type (1), spare (1), and what optional fields mean something.
    flags set_flags: u8 = 0 {
        /// Version: 1.
        version set_version: u8 = 5, 3;
        /// Protocol type: true for GTP, false for GTP'.
        is_gtp set_is_gtp: bool = 4, 1;
        /// The next extension header's type means something.
        has_extensions set_has_extensions: bool = 2, 1;
        /// The sequence number means something.
        has_sequence set_has_sequence: bool = 1, 1;
        /// The N-PDU number means something.
        has_npdu set_has_npdu: bool = 0, 1;
    };
    /// Message type: 1 echo request, 2 echo response, 26 error indication, 254 end marker, 255 a packet (G-PDU).
    message set_message: u8 = 1;
    /// Bytes behind the first eight.
    length set_length: u16 = 2;
    /// Tunnel endpoint identifier.
    teid set_teid: u32 = 4;
}

/// Flags of which any makes the optional word be there.
const OPTIONAL: u8 = 7;

fn end(bytes: &[u8]) -> usize {
    8 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))
}

fn header_len(bytes: &[u8]) -> usize {
    let flags = bytes[0];
    if flags & OPTIONAL == 0 {
        return 8;
    }
    let mut len = 12;
    let mut next = bytes.get(11).copied().filter(|_| flags & 4 != 0).unwrap_or(0);
    while next != 0 {
        // A length of 0 would never end; the list says what is wrong with it.
        let Some(words @ 1..) = u8_at(bytes, len) else { return len + 4 };
        len += usize::from(words) * 4;
        next = u8_at(bytes, len - 1).unwrap_or(0);
    }
    len
}

impl<T: AsRef<[u8]>> GtpuView<T> {
    /// The sequence number, if it means something.
    pub fn sequence(&self) -> Option<u16> {
        u16_at(self.header(), 8).filter(|_| self.has_sequence())
    }

    /// The N-PDU number, if it means something.
    pub fn npdu(&self) -> Option<u8> {
        u8_at(self.header(), 10).filter(|_| self.has_npdu())
    }

    /// The extension headers; none unless the flags announce them.
    pub fn extensions(&self) -> GtpuExtensions<'_> {
        let next = u8_at(self.header(), 11).filter(|_| self.has_extensions()).unwrap_or(0);
        GtpuExtensions { next, rest: self.header().get(12..).unwrap_or_default(), offset: 12 }
    }
}

/// One extension header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GtpuExtension<'a> {
    /// Type; 0x85 is a PDU session container, 0xc0 a PDCP number.
    pub kind: u8,
    /// Content, without length and next type: 2, 6, 10 … bytes.
    pub data: &'a [u8],
}

impl GtpuExtension<'_> {
    /// Appends the extension as it stands on the wire, before one of type `next` (0 for none).
    pub fn put(&self, next: u8, out: &mut Vec<u8>) {
        let words = (self.data.len() + 2).div_ceil(4);
        out.push(words as u8);
        out.extend_from_slice(self.data);
        out.resize(out.len() + words * 4 - self.data.len() - 2, 0);
        out.push(next);
    }
}

/// The extension headers of a message. Each names the type of the next, so they are not read apart from each other.
#[derive(Debug, Clone)]
pub struct GtpuExtensions<'a> {
    next: u8,
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for GtpuExtensions<'a> {
    type Item = Result<GtpuExtension<'a>, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = core::mem::take(&mut self.next);
        if kind == 0 {
            return None;
        }
        let (offset, len) = (self.offset, self.rest.len());
        let claimed = usize::from(u8_at(self.rest, 0).unwrap_or(0)) * 4;
        if claimed == 0 {
            let error = match len {
                0 => WireError::Truncated { needed: 4, len },
                _ => WireError::BadLength { claimed, least: 4 },
            };
            return Some(Err(ListError { offset, error }));
        }
        let Some((extension, rest)) = self.rest.split_at_checked(claimed) else {
            return Some(Err(ListError { offset, error: WireError::Truncated { needed: claimed, len } }));
        };
        (self.next, self.rest, self.offset) = (extension[claimed - 1], rest, offset + claimed);
        Some(Ok(GtpuExtension { kind, data: &extension[1..claimed - 1] }))
    }
}
