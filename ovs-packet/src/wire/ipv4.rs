//! IPv4 (RFC 791).

use super::IpProtocol;
use super::field::view;
use crate::checksum;

view! {
    /// An IPv4 header with its options. The payload ends where the total length says.
    view Ipv4View, value Ipv4Header, 20 bytes, header header_len, end end;
    /// Version (4 bits) and header length in words (4).
    version_ihl set_version_ihl: u8 = 0;
    /// Type of service: DSCP (6 bits) and ECN (2).
    tos set_tos: u8 = 1;
    /// Bytes of header and payload.
    total_len set_total_len: u16 = 2;
    /// Identification, shared by the fragments of one packet.
    id set_id: u16 = 4;
    /// Flags (3 bits) and fragment offset in units of eight bytes (13).
    fragment set_fragment: u16 = 6;
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
    /// Version; 4, or this is something else.
    pub fn version(&self) -> u8 {
        self.version_ihl() >> 4
    }

    /// Differentiated services code point (RFC 2474).
    pub fn dscp(&self) -> u8 {
        self.tos() >> 2
    }

    /// Explicit congestion notification (RFC 3168).
    pub fn ecn(&self) -> u8 {
        self.tos() & 3
    }

    /// The packet must not be fragmented.
    pub fn dont_fragment(&self) -> bool {
        self.fragment() & 0x4000 != 0
    }

    /// More fragments follow.
    pub fn more_fragments(&self) -> bool {
        self.fragment() & 0x2000 != 0
    }

    /// Where in the whole packet this fragment's payload begins, in bytes.
    pub fn fragment_offset(&self) -> u16 {
        (self.fragment() & 0x1fff) << 3
    }

    /// True if the header checksum is right.
    pub fn checksum_ok(&self) -> bool {
        checksum::internet(self.header()) == 0
    }

    /// The options.
    pub fn options(&self) -> Ipv4Options<'_> {
        Ipv4Options { bytes: &self.header()[Self::LEN.min(self.header_len())..] }
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
pub struct Ipv4Option<'a> {
    /// Type: copied flag, class and number.
    pub kind: u8,
    /// Its bytes behind type and length.
    pub data: &'a [u8],
}

/// The options of a header; padding is left out, and a malformed option ends them.
#[derive(Debug, Clone)]
pub struct Ipv4Options<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Ipv4Options<'a> {
    type Item = Ipv4Option<'a>;

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
                    return Some(Ipv4Option { kind, data });
                }
            }
        }
    }
}
