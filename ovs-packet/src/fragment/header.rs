//! What the headers say of a fragment.

use super::{Family, Refusal};
use crate::{
    Packet,
    edit::network,
    wire::{
        EtherType, IpProtocol,
        bytes::{array_at, u8_at, u16_at, u32_at},
    },
};

/// Bytes of an IPv6 fragment header.
pub(super) const FRAGMENT_HEADER: usize = 8;

/// Longest IPv4 packet, and longest payload of IPv6.
pub(super) const LONGEST: usize = 65_535;

/// IPv6 extension headers that are walked over at most.
const MAX_EXTENSIONS: usize = 16;

/// An IP packet, and where it can be cut or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub family: Family,
    /// Where the network header begins.
    pub l3: usize,
    /// One past the headers that every fragment has: the IPv4 header, or IPv6's and its extension headers up to and
    /// including a routing header or hop-by-hop options. A fragment header stands here, if there is one.
    pub unfragmentable: usize,
    /// Where the payload begins.
    pub payload: usize,
    /// One past the last byte of the IP packet.
    pub end: usize,
    /// Where the number stands that says what follows the unfragmentable part.
    pub next_at: usize,
    /// What the payload begins with, in the first fragment.
    pub protocol: IpProtocol,
    /// Payload bytes in front of this fragment's.
    pub offset: usize,
    /// This is not the last fragment.
    pub more: bool,
    /// IPv4 only: do not fragment.
    pub dont_fragment: bool,
    /// There is a fragment header (IPv6), or the packet is a part (IPv4).
    pub is_fragment: bool,
    /// Identification.
    pub id: u32,
    /// Explicit congestion notification.
    pub ecn: u8,
    /// Addresses; IPv4's in the first four bytes.
    pub src: [u8; 16],
    pub dst: [u8; 16],
}

impl Header {
    /// None if the packet is not IP; an error if it is, but cut off or contradictory.
    pub(super) fn of(packet: &Packet) -> Option<Result<Self, Refusal>> {
        let data = packet.data();
        let (l3, ether_type) = network(data, 0, packet.facts().packet_type)?;
        match ether_type {
            EtherType::IPV4 => Some(v4(data, l3).ok_or(Refusal::Malformed)),
            EtherType::IPV6 => Some(v6(data, l3).ok_or(Refusal::Malformed)),
            _ => None,
        }
    }

    /// Payload bytes of this packet.
    pub(super) fn len(&self) -> usize {
        self.end - self.payload
    }

    /// Bytes of the network packet.
    pub(super) fn packet_len(&self) -> usize {
        self.end - self.l3
    }

    /// What a whole of `payload` bytes would say in its length field.
    pub(super) fn whole_len(&self, payload: usize) -> usize {
        match self.family {
            Family::V4 => self.unfragmentable - self.l3 + payload,
            Family::V6 => self.unfragmentable - self.l3 - 40 + payload,
        }
    }
}

/// Which version's fragment a packet with malformed headers says it is, if it does.
pub(super) fn claims_to_be_a_fragment(packet: &Packet) -> Option<Family> {
    let data = packet.data();
    let (l3, ether_type) = network(data, 0, packet.facts().packet_type)?;
    match ether_type {
        EtherType::IPV4 => u16_at(data, l3 + 6).filter(|word| word & 0x3fff != 0).map(|_| Family::V4),
        _ => u8_at(data, l3 + 6).filter(|next| *next == IpProtocol::FRAGMENT.0).map(|_| Family::V6),
    }
}

fn v4(data: &[u8], l3: usize) -> Option<Header> {
    let version_ihl = u8_at(data, l3)?;
    let header_len = usize::from(version_ihl & 0x0f) * 4;
    let total = usize::from(u16_at(data, l3 + 2)?);
    let word = u16_at(data, l3 + 6)?;
    let whole = version_ihl >> 4 == 4 && header_len >= 20 && total >= header_len && l3 + total <= data.len();
    let widen = |address: [u8; 4]| {
        let mut wide = [0; 16];
        wide[..4].copy_from_slice(&address);
        wide
    };
    whole.then_some(())?;
    Some(Header {
        family: Family::V4,
        l3,
        unfragmentable: l3 + header_len,
        payload: l3 + header_len,
        end: l3 + total,
        next_at: l3 + 9,
        protocol: IpProtocol(u8_at(data, l3 + 9)?),
        offset: usize::from(word & 0x1fff) * 8,
        more: word & 0x2000 != 0,
        dont_fragment: word & 0x4000 != 0,
        is_fragment: word & 0x3fff != 0,
        id: u32::from(u16_at(data, l3 + 4)?),
        ecn: u8_at(data, l3 + 1)? & 3,
        src: widen(array_at(data, l3 + 12)?),
        dst: widen(array_at(data, l3 + 16)?),
    })
}

fn v6(data: &[u8], l3: usize) -> Option<Header> {
    let first = u16_at(data, l3)?;
    let end = l3 + 40 + usize::from(u16_at(data, l3 + 4)?);
    let data = data.get(..end).filter(|_| first >> 12 == 6)?;
    let (mut at, mut next_at) = (l3 + 40, l3 + 6);
    let mut header = Header {
        family: Family::V6,
        l3,
        unfragmentable: at,
        payload: at,
        end,
        next_at,
        protocol: IpProtocol(u8_at(data, next_at)?),
        offset: 0,
        more: false,
        dont_fragment: false,
        is_fragment: false,
        id: 0,
        ecn: (first >> 4) as u8 & 3,
        src: array_at(data, l3 + 8)?,
        dst: array_at(data, l3 + 24)?,
    };
    // Whatever stands in front of a routing header is for every node on its way (RFC 8200 section 4.5); destination
    // options behind it are not, unless a fragment header shows that the sender thought so.
    for _ in 0..MAX_EXTENSIONS {
        let next = IpProtocol(u8_at(data, next_at)?);
        match next {
            // Hop-by-hop options come first or mean nothing (RFC 8200 section 4.1).
            IpProtocol::HOP_BY_HOP if next_at != l3 + 6 => break,
            IpProtocol::HOP_BY_HOP | IpProtocol::ROUTING | IpProtocol::DESTINATION => {
                let len = usize::from(u8_at(data, at + 1)?) * 8 + 8;
                (next_at, at) = (at, at + len);
                data.get(..at)?;
                if next != IpProtocol::DESTINATION {
                    (header.next_at, header.unfragmentable, header.payload) = (next_at, at, at);
                    header.protocol = IpProtocol(u8_at(data, next_at)?);
                }
            }
            IpProtocol::FRAGMENT => {
                let word = u16_at(data, at + 2)?;
                (header.next_at, header.unfragmentable, header.payload) = (next_at, at, at + FRAGMENT_HEADER);
                header.protocol = IpProtocol(u8_at(data, at)?);
                header.offset = usize::from(word & 0xfff8);
                header.more = word & 1 != 0;
                header.id = u32_at(data, at + 4)?;
                header.is_fragment = true;
                return Some(header);
            }
            _ => break,
        }
    }
    Some(header)
}
