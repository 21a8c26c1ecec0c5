//! TCP (RFC 9293) and its options (RFC 9293 section 3.2, RFC 7323, RFC 2018).
//!
//! ```text
//!  0                   1                   2                   3
//! ├───────────────────────────────┼───────────────────────────────┤
//! │          source port          │        destination port       │
//! │                        sequence number                        │
//! │                     acknowledgment number                     │
//! │offset │rsvd │     flags       │            window             │
//! │           checksum            │        urgent pointer         │
//! │ options, to offset × 4 bytes …                                │
//! └───────────────────────────────┴───────────────────────────────┘
//! ```

use alloc::vec::Vec;

use super::super::field::{Part, to_the_end, view};
use super::super::list::{Item, Items, body, head};
use super::super::{WireError, bytes::u32_at};
use crate::checksum::Sum;

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
    offset_flags set_offset_flags: u16 = 12 {
        /// Words of the header.
        data_offset set_data_offset: u8 = 12, 4;
        /// The flags and reserved bits: the lower 12 bits of their word.
        flags set_flags: TcpFlags = 0, 12;
    };
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

impl Part for TcpFlags {
    fn from_bits(bits: u64) -> Self {
        Self::from_bits_retain(bits as u16)
    }

    fn into_bits(self) -> u64 {
        u64::from(self.bits())
    }
}

impl<T: AsRef<[u8]>> TcpView<T> {
    /// The options; those for padding are left out.
    pub fn options(&self) -> Items<'_, TcpOption<'_>> {
        Items::new(self.variable(), Self::LEN)
    }

    /// True if the checksum is right. `pseudo` is the sum of the [pseudo header](crate::checksum::pseudo_v4).
    pub fn checksum_ok(&self, pseudo: Sum) -> bool {
        pseudo.and(Sum::of(self.bytes.as_ref())).checksum() == 0
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> TcpView<T> {
    /// Computes and sets the checksum.
    pub fn fill_checksum(&mut self, pseudo: Sum) {
        self.set_checksum(0);
        let checksum = pseudo.and(Sum::of(self.bytes.as_ref())).checksum();
        self.set_checksum(checksum);
    }
}

/// One TCP option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TcpOption<'a> {
    /// Maximum segment size (kind 2), in bytes.
    MaxSegmentSize(u16),
    /// Window scale (kind 3): a shift of 0 to 14.
    WindowScale(u8),
    /// Selective acknowledgment permitted (kind 4).
    SackPermitted,
    /// Selective acknowledgment (kind 5): up to four blocks.
    Sack(SackBlocks<'a>),
    /// Timestamps (kind 8).
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The peer's clock as it was last heard.
        echo: u32,
    },
    /// Any other, or one of these with an unusual length.
    Unknown {
        /// Kind.
        kind: u8,
        /// Its bytes behind kind and length.
        data: &'a [u8],
    },
}

/// The blocks of a selective acknowledgment: pairs of the first sequence number and the one after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SackBlocks<'a>(&'a [u8]);

impl<'a> SackBlocks<'a> {
    /// Blocks as they stand on the wire; none if that is not a multiple of eight bytes.
    pub fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        bytes.len().is_multiple_of(8).then_some(Self(bytes))
    }

    /// The blocks.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let (blocks, _) = self.0.as_chunks::<8>();
        blocks.iter().filter_map(|block| Some((u32_at(block, 0)?, u32_at(block, 4)?)))
    }

    /// The bytes as they stand on the wire.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Item<'a> for TcpOption<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        // Kind 1 is one byte of padding, kind 0 the end; neither has a length.
        let skip = bytes.iter().take_while(|kind| **kind == 1).count();
        let bytes = &bytes[skip..];
        if bytes.first().is_none_or(|kind| *kind == 0) {
            return Ok(None);
        }
        let [kind, len] = head(bytes)?;
        let data = body(bytes, 2, usize::from(len))?;
        let option = match (kind, data) {
            (2, &[high, low]) => Self::MaxSegmentSize(u16::from_be_bytes([high, low])),
            (3, &[shift]) => Self::WindowScale(shift),
            (4, []) => Self::SackPermitted,
            (5, _) if data.len().is_multiple_of(8) => Self::Sack(SackBlocks(data)),
            (8, &[v0, v1, v2, v3, e0, e1, e2, e3]) => Self::Timestamps {
                value: u32::from_be_bytes([v0, v1, v2, v3]),
                echo: u32::from_be_bytes([e0, e1, e2, e3]),
            },
            _ => Self::Unknown { kind, data },
        };
        Ok(Some((option, skip + usize::from(len))))
    }

    fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::MaxSegmentSize(size) => {
                out.extend([2, 4]);
                out.extend(size.to_be_bytes());
            }
            Self::WindowScale(shift) => out.extend([3, 3, shift]),
            Self::SackPermitted => out.extend([4, 2]),
            Self::Sack(blocks) => put_option(out, 5, blocks.0),
            Self::Timestamps { value, echo } => {
                out.extend([8, 10]);
                out.extend(value.to_be_bytes());
                out.extend(echo.to_be_bytes());
            }
            Self::Unknown { kind, data } => put_option(out, kind, data),
        }
    }
}

fn put_option(out: &mut Vec<u8>, kind: u8, data: &[u8]) {
    out.extend([kind, (data.len() + 2) as u8]);
    out.extend_from_slice(data);
}
