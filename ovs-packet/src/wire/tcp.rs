//! TCP (RFC 9293).

use super::field::{to_the_end, view};

view! {
    /// A TCP header with its options.
    view TcpView, value TcpHeader, 20 bytes, header header_len, end to_the_end;
    /// Source port.
    src_port set_src_port: u16 = 0;
    /// Destination port.
    dst_port set_dst_port: u16 = 2;
    /// Sequence number of the payload's first byte.
    sequence set_sequence: u32 = 4;
    /// Next sequence number that the sender expects.
    acknowledgment set_acknowledgment: u32 = 8;
    /// Data offset in words (4 bits), reserved (3), flags (9).
    offset_flags set_offset_flags: u16 = 12;
    /// Receive window.
    window set_window: u16 = 14;
    /// Checksum over pseudo header, header and payload.
    checksum set_checksum: u16 = 16;
    /// Urgent pointer.
    urgent set_urgent: u16 = 18;
}

fn header_len(bytes: &[u8]) -> usize {
    usize::from(bytes[12] >> 4) * 4
}

bitflags::bitflags! {
    /// The flags of a TCP header; unknown bits are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct TcpFlags: u16 {
        /// No more data.
        const FIN = 0x001;
        /// Synchronize sequence numbers.
        const SYN = 0x002;
        /// Reset.
        const RST = 0x004;
        /// Push.
        const PSH = 0x008;
        /// The acknowledgment field means something.
        const ACK = 0x010;
        /// The urgent pointer means something.
        const URG = 0x020;
        /// ECN echo.
        const ECE = 0x040;
        /// Congestion window reduced.
        const CWR = 0x080;
        /// Accurate ECN.
        const AE = 0x100;
        /// The three reserved bits and whatever else.
        const _ = !0;
    }
}

impl<T: AsRef<[u8]>> TcpView<T> {
    /// The flags and reserved bits: the lower 12 bits of their word.
    pub fn flags(&self) -> TcpFlags {
        TcpFlags::from_bits_retain(self.offset_flags() & 0x0fff)
    }

    /// The options.
    pub fn options(&self) -> TcpOptions<'_> {
        TcpOptions { bytes: &self.header()[Self::LEN.min(self.header_len())..] }
    }
}

/// One TCP option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpOption<'a> {
    /// Kind; 2 is the maximum segment size, 3 window scale, 4 SACK permitted, 5 SACK, 8 timestamps.
    pub kind: u8,
    /// Its bytes behind kind and length.
    pub data: &'a [u8],
}

/// The options of a header; padding is left out, and a malformed option ends them.
#[derive(Debug, Clone)]
pub struct TcpOptions<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&kind, rest) = self.bytes.split_first()?;
            match kind {
                0 => return None,
                1 => self.bytes = rest,
                _ => {
                    let len = usize::from(*rest.first()?);
                    let data = self.bytes.get(2..len)?;
                    self.bytes = &self.bytes[len..];
                    return Some(TcpOption { kind, data });
                }
            }
        }
    }
}
