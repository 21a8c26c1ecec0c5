//! ICMP (RFC 792, RFC 950, RFC 1191, RFC 4884). [`IcmpMessage`] is what a message says.
//!
//! ```text
//! ├─ type 1 ─┼─ code 1 ─┼─ checksum 2 ─┤
//! ├─ depends on the type: id 2, sequence 2; gateway 4; pointer 1; next-hop MTU 2 ─┤
//! ├─ data, or the packet that the message is about … ─┤
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::bytes::u32_at;
use super::super::field::{fixed, to_the_end, view};
use crate::checksum;

view! {
    /// An ICMP header with the word that depends on the type.
    view IcmpView, value IcmpHeader, 8 bytes, header fixed::<8>, end to_the_end;
    /// Type.
    kind set_kind: u8 = 0;
    /// Code.
    code set_code: u8 = 1;
    /// Checksum over the message.
    checksum set_checksum: u16 = 2;
    /// Depends on the type: identifier and sequence number of an echo, a redirect's gateway.
    specific set_specific: u32 = 4 {
        /// An echo's or timestamp's identifier.
        echo_id set_echo_id: u16 = 16, 16;
        /// An echo's or timestamp's sequence number.
        echo_sequence set_echo_sequence: u16 = 0, 16;
        /// Next-hop MTU of "fragmentation needed" (RFC 1191).
        next_hop_mtu set_next_hop_mtu: u16 = 0, 16;
        /// A parameter problem's pointer.
        pointer set_pointer: u8 = 24, 8;
        /// Words of the embedded packet, if extensions follow it (RFC 4884).
        embedded_words set_embedded_words: u8 = 16, 8;
    };
}

impl<T: AsRef<[u8]>> IcmpView<T> {
    /// True if the checksum is right.
    pub fn checksum_ok(&self) -> bool {
        checksum::internet(self.bytes.as_ref()) == 0
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> IcmpView<T> {
    /// Computes and sets the checksum.
    pub fn fill_checksum(&mut self) {
        self.set_checksum(0);
        let checksum = checksum::internet(self.bytes.as_ref());
        self.set_checksum(checksum);
    }
}

/// What an ICMP message says. Reserved fields are not part of that; the checksum is computed on writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IcmpMessage<'a> {
    /// Echo request (8) or reply (0).
    Echo {
        /// It is a reply.
        reply: bool,
        /// Identifier.
        id: u16,
        /// Sequence number.
        sequence: u16,
        /// Data.
        data: &'a [u8],
    },
    /// Destination unreachable (3).
    Unreachable {
        /// Why; 1 host, 3 port, 4 fragmentation needed.
        code: u8,
        /// Next-hop MTU, if fragmentation was needed.
        mtu: u16,
        /// The packet's first bytes, from its IP header on.
        packet: &'a [u8],
    },
    /// Source quench (4).
    SourceQuench {
        /// The packet's first bytes.
        packet: &'a [u8],
    },
    /// Redirect (5).
    Redirect {
        /// For the network (0), host (1), with type of service (2, 3).
        code: u8,
        /// The better gateway.
        gateway: [u8; 4],
        /// The packet's first bytes.
        packet: &'a [u8],
    },
    /// Time exceeded (11).
    TimeExceeded {
        /// In transit (0) or while reassembling (1).
        code: u8,
        /// The packet's first bytes.
        packet: &'a [u8],
    },
    /// Parameter problem (12).
    ParameterProblem {
        /// Kind of problem.
        code: u8,
        /// Which byte of the packet.
        pointer: u8,
        /// The packet's first bytes.
        packet: &'a [u8],
    },
    /// Timestamp request (13) or reply (14); times in milliseconds since midnight UT.
    Timestamp {
        /// It is a reply.
        reply: bool,
        /// Identifier.
        id: u16,
        /// Sequence number.
        sequence: u16,
        /// When it was sent, received and sent back.
        times: [u32; 3],
    },
    /// Address mask request (17) or reply (18).
    AddressMask {
        /// It is a reply.
        reply: bool,
        /// Identifier.
        id: u16,
        /// Sequence number.
        sequence: u16,
        /// The mask.
        mask: [u8; 4],
    },
    /// Any other, or one of these with an unusual code or length.
    Unknown {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// The word behind the checksum.
        specific: u32,
        /// What follows.
        data: &'a [u8],
    },
}

impl<'a> IcmpMessage<'a> {
    /// Reads a message. Fails if it has no whole header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let view = IcmpView::new_checked(bytes)?;
        let data = bytes.get(IcmpHeader::LEN..).unwrap_or_default();
        let (kind, code, specific) = (view.kind(), view.code(), view.specific());
        let (id, sequence) = (view.echo_id(), view.echo_sequence());
        Ok(match (kind, code) {
            (0 | 8, 0) => Self::Echo { reply: kind == 0, id, sequence, data },
            (3, _) => Self::Unreachable { code, mtu: view.next_hop_mtu(), packet: data },
            (4, 0) => Self::SourceQuench { packet: data },
            (5, _) => Self::Redirect { code, gateway: specific.to_be_bytes(), packet: data },
            (11, _) => Self::TimeExceeded { code, packet: data },
            (12, _) => Self::ParameterProblem { code, pointer: view.pointer(), packet: data },
            (13 | 14, 0) if data.len() == 12 => {
                let time = |at| u32_at(data, at).unwrap_or_default();
                Self::Timestamp { reply: kind == 14, id, sequence, times: [time(0), time(4), time(8)] }
            }
            (17 | 18, 0) => match *data {
                [a, b, c, d] => Self::AddressMask { reply: kind == 18, id, sequence, mask: [a, b, c, d] },
                _ => Self::Unknown { kind, code, specific, data },
            },
            _ => Self::Unknown { kind, code, specific, data },
        })
    }

    /// The message as bytes, with its checksum.
    pub fn to_vec(&self) -> Vec<u8> {
        let pair = |id: u16, sequence: u16| u32::from(id) << 16 | u32::from(sequence);
        let mut times_or_mask = Vec::new();
        let (kind, code, specific, data) = match *self {
            Self::Echo { reply, id, sequence, data } => {
                (if reply { 0 } else { 8 }, 0, pair(id, sequence), data)
            }
            Self::Unreachable { code, mtu, packet } => (3, code, u32::from(mtu), packet),
            Self::SourceQuench { packet } => (4, 0, 0, packet),
            Self::Redirect { code, gateway, packet } => (5, code, u32::from_be_bytes(gateway), packet),
            Self::TimeExceeded { code, packet } => (11, code, 0, packet),
            Self::ParameterProblem { code, pointer, packet } => (12, code, u32::from(pointer) << 24, packet),
            Self::Timestamp { reply, id, sequence, times } => {
                times_or_mask.extend(times.iter().flat_map(|time| time.to_be_bytes()));
                (13 + u8::from(reply), 0, pair(id, sequence), &times_or_mask[..])
            }
            Self::AddressMask { reply, id, sequence, mask } => {
                times_or_mask.extend(mask);
                (17 + u8::from(reply), 0, pair(id, sequence), &times_or_mask[..])
            }
            Self::Unknown { kind, code, specific, data } => (kind, code, specific, data),
        };
        let mut header = IcmpHeader { kind, code, checksum: 0, specific };
        let sum = checksum::Sum::of(&header.to_bytes()).and(checksum::Sum::of(data));
        header.checksum = sum.checksum();
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(data);
        bytes
    }
}
