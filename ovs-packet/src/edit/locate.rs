//! Finding the headers that an edit needs.

use crate::{
    Packet,
    wire::{
        EtherType, IpProtocol,
        bytes::{u8_at, u16_at},
    },
};

/// Where a packet's headers are. Offsets count from the packet's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Where the network header (or what else follows the `EtherType`) begins.
    pub l3: usize,
    /// The `EtherType` behind all VLAN tags.
    pub ether_type: EtherType,
    /// The transport header; absent if not IP, truncated, or in a later fragment.
    pub transport: Option<Transport>,
}

/// Where the transport header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Its first byte.
    pub at: usize,
    /// One past the last byte of the IP packet (the frame may go on with padding).
    pub end: usize,
    /// What it is.
    pub protocol: IpProtocol,
    /// The network header is IPv6.
    pub v6: bool,
    /// The packet is the first fragment of a longer one.
    pub fragment: bool,
    /// The pseudo header holds another address than the network header's destination: an IPv6 routing header with
    /// segments left (RFC 8200 section 8.1), or an IPv4 source route that has not ended (RFC 1122 section 3.2.1.8).
    pub routed: bool,
}

/// VLAN tags that are walked over at most.
const MAX_TAGS: usize = 8;

/// IPv6 extension headers that are walked over at most.
const MAX_EXTENSIONS: usize = 16;

/// Namespace of packet types that are `EtherType`s (OpenFlow 1.5 section 7.2.3.11).
pub(super) const ETHER_TYPE_SPACE: u32 = 1;

impl Located {
    /// Walks the packet's headers. None if they are cut off before the network header.
    #[inline]
    pub fn of(packet: &Packet) -> Option<Self> {
        Self::within(packet.data(), 0, packet.facts().packet_type)
    }

    /// Walks headers that begin at `from`, of such a packet type (0: Ethernet, `1 << 16 | EtherType`: the network
    /// header itself). Offsets count from the first byte of `data`.
    #[inline]
    pub(crate) fn within(data: &[u8], from: usize, packet_type: u32) -> Option<Self> {
        let (l3, ether_type) = network(data, from, packet_type)?;
        let transport = match ether_type {
            EtherType::IPV4 => transport_v4(data, l3),
            EtherType::IPV6 => transport_v6(data, l3),
            _ => None,
        };
        Some(Self { l3, ether_type, transport })
    }
}

/// Where the network header of headers at `from` begins, and its type.
#[inline]
pub(crate) fn network(data: &[u8], from: usize, packet_type: u32) -> Option<(usize, EtherType)> {
    if packet_type >> 16 == ETHER_TYPE_SPACE {
        return Some((from, EtherType(packet_type as u16)));
    }
    let mut at = from + 12;
    for _ in 0..=MAX_TAGS {
        let ether_type = EtherType(u16_at(data, at)?);
        if !ether_type.is_vlan() {
            return Some((at + 2, ether_type));
        }
        at += 4;
    }
    None
}

#[inline]
fn transport_v4(data: &[u8], l3: usize) -> Option<Transport> {
    let header: &[u8; 20] = data.get(l3..)?.first_chunk()?;
    let header_len = usize::from(header[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    if header[0] >> 4 != 4 || header_len < 20 || total < header_len || fragment & 0x1fff != 0 {
        return None;
    }
    let end = (l3 + total).min(data.len());
    let at = l3 + header_len;
    let routed = header_len > 20 && data.get(l3 + 20..at).is_some_and(source_route_goes_on);
    let (protocol, fragment) = (IpProtocol(header[9]), fragment & 0x2000 != 0);
    (at <= end).then_some(Transport { at, end, protocol, v6: false, fragment, routed })
}

/// True if a loose or strict source route (RFC 791 section 3.1) has addresses left.
fn source_route_goes_on(mut options: &[u8]) -> bool {
    while let Some((&kind, rest)) = options.split_first() {
        options = match kind {
            0 => return false,
            1 => rest,
            _ => {
                let len = usize::from(u8_at(options, 1).unwrap_or(0));
                let Some(pointer) = options.get(2..len) else { return false };
                // The pointer counts from 1 and passes the length once the route has been walked.
                if matches!(kind, 131 | 137) && pointer.first().is_some_and(|at| usize::from(*at) <= len) {
                    return true;
                }
                &options[len..]
            }
        };
    }
    false
}

fn transport_v6(data: &[u8], l3: usize) -> Option<Transport> {
    let header = data.get(l3..)?;
    let payload = usize::from(u16_at(header, 4)?);
    let mut protocol = IpProtocol(u8_at(header, 6)?);
    if header.len() < 40 || header[0] >> 4 != 6 {
        return None;
    }
    let end = (l3 + 40 + payload).min(data.len());
    let data = &data[..end];
    let (mut at, mut fragment, mut routed) = (l3 + 40, false, false);
    for _ in 0..MAX_EXTENSIONS {
        let length = match protocol {
            IpProtocol::HOP_BY_HOP | IpProtocol::DESTINATION => usize::from(u8_at(data, at + 1)?) * 8 + 8,
            IpProtocol::ROUTING => {
                routed |= u8_at(data, at + 3)? != 0;
                usize::from(u8_at(data, at + 1)?) * 8 + 8
            }
            IpProtocol::AH => usize::from(u8_at(data, at + 1)?) * 4 + 8,
            IpProtocol::FRAGMENT => {
                let word = u16_at(data, at + 2)?;
                if word & 0xfff8 != 0 {
                    return None;
                }
                fragment |= word & 1 != 0;
                8
            }
            _ => return Some(Transport { at, end, protocol, v6: true, fragment, routed }),
        };
        protocol = IpProtocol(u8_at(data, at)?);
        at += length;
        if at > end {
            return None;
        }
    }
    None
}
