//! ICMPv6 (RFC 4443). [`Icmpv6Message`] is what a message says.
//!
//! ```text
//! ├─ type 1 ─┼─ code 1 ─┼─ checksum 2 ─┤
//! ├─ depends on the type: id 2, sequence 2; MTU 4; pointer 4 ─┤
//! ├─ data, or the packet that the message is about … ─┤
//! ```

use alloc::vec::Vec;

use super::super::WireError;
use super::super::field::{fixed, to_the_end, view};
use crate::checksum::Sum;

view! {
    /// An ICMPv6 header with the word that depends on the type.
    view Icmpv6View, value Icmpv6Header, 8 bytes, header fixed::<8>, end to_the_end;
    /// Type.
    kind set_kind: u8 = 0;
    /// Code.
    code set_code: u8 = 1;
    /// Checksum over pseudo header and message.
    checksum set_checksum: u16 = 2;
    /// Depends on the type: the MTU of "too big", a parameter problem's pointer.
    specific set_specific: u32 = 4 {
        /// An echo's identifier.
        echo_id set_echo_id: u16 = 16, 16;
        /// An echo's sequence number.
        echo_sequence set_echo_sequence: u16 = 0, 16;
    };
}

impl<T: AsRef<[u8]>> Icmpv6View<T> {
    /// True if the checksum is right. `pseudo` is the sum of the [pseudo header](crate::checksum::pseudo_v6).
    pub fn checksum_ok(&self, pseudo: Sum) -> bool {
        pseudo.and(Sum::of(self.bytes.as_ref())).checksum() == 0
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Icmpv6View<T> {
    /// Computes and sets the checksum.
    pub fn fill_checksum(&mut self, pseudo: Sum) {
        self.set_checksum(0);
        let checksum = pseudo.and(Sum::of(self.bytes.as_ref())).checksum();
        self.set_checksum(checksum);
    }
}

/// What an ICMPv6 message says. Neighbour and multicast listener discovery have views of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Icmpv6Message<'a> {
    /// Destination unreachable (1).
    Unreachable {
        /// Why; 0 no route, 1 prohibited, 3 address, 4 port.
        code: u8,
        /// The packet's first bytes, from its IPv6 header on.
        packet: &'a [u8],
    },
    /// Packet too big (2).
    TooBig {
        /// Next-hop MTU.
        mtu: u32,
        /// The packet's first bytes.
        packet: &'a [u8],
    },
    /// Time exceeded (3).
    TimeExceeded {
        /// In transit (0) or while reassembling (1).
        code: u8,
        /// The packet's first bytes.
        packet: &'a [u8],
    },
    /// Parameter problem (4).
    ParameterProblem {
        /// Kind of problem.
        code: u8,
        /// Which byte of the packet.
        pointer: u32,
        /// The packet's first bytes.
        packet: &'a [u8],
    },
    /// Echo request (128) or reply (129).
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
    /// Any other.
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

impl<'a> Icmpv6Message<'a> {
    /// Reads a message. Fails if it has no whole header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let view = Icmpv6View::new_checked(bytes)?;
        let data = bytes.get(Icmpv6Header::LEN..).unwrap_or_default();
        let (kind, code, specific) = (view.kind(), view.code(), view.specific());
        Ok(match (kind, code) {
            (1, _) => Self::Unreachable { code, packet: data },
            (2, 0) => Self::TooBig { mtu: specific, packet: data },
            (3, _) => Self::TimeExceeded { code, packet: data },
            (4, _) => Self::ParameterProblem { code, pointer: specific, packet: data },
            (128 | 129, 0) => {
                Self::Echo { reply: kind == 129, id: view.echo_id(), sequence: view.echo_sequence(), data }
            }
            _ => Self::Unknown { kind, code, specific, data },
        })
    }

    /// The message as bytes. The checksum covers `pseudo`, the sum of the
    /// [pseudo header](crate::checksum::pseudo_v6) for a message of [`len`](Self::len) bytes.
    pub fn to_vec(&self, pseudo: Sum) -> Vec<u8> {
        let (kind, code, specific, data) = match *self {
            Self::Unreachable { code, packet } => (1, code, 0, packet),
            Self::TooBig { mtu, packet } => (2, 0, mtu, packet),
            Self::TimeExceeded { code, packet } => (3, code, 0, packet),
            Self::ParameterProblem { code, pointer, packet } => (4, code, pointer, packet),
            Self::Echo { reply, id, sequence, data } => {
                (128 + u8::from(reply), 0, u32::from(id) << 16 | u32::from(sequence), data)
            }
            Self::Unknown { kind, code, specific, data } => (kind, code, specific, data),
        };
        let mut header = Icmpv6Header { kind, code, checksum: 0, specific };
        header.checksum = pseudo.and(Sum::of(&header.to_bytes())).and(Sum::of(data)).checksum();
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(data);
        bytes
    }

    /// What follows the header.
    pub fn data(&self) -> &'a [u8] {
        match *self {
            Self::Unreachable { packet, .. }
            | Self::TooBig { packet, .. }
            | Self::TimeExceeded { packet, .. }
            | Self::ParameterProblem { packet, .. } => packet,
            Self::Echo { data, .. } | Self::Unknown { data, .. } => data,
        }
    }

    /// Bytes of the message.
    #[expect(clippy::len_without_is_empty, reason = "a message has a header at least")]
    pub fn len(&self) -> usize {
        Icmpv6Header::LEN + self.data().len()
    }
}
