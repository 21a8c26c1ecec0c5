//! The headers around those that unfinished work concerns.

use super::{Located, Transport, locate::ETHER_TYPE_SPACE};
use crate::{
    Offload, Packet,
    wire::{
        EtherType, IpProtocol,
        bytes::{u8_at, u16_at},
    },
};

/// Outer headers: network header, and the transport or tunnel header behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outer {
    pub l3: usize,
    /// UDP, GRE, or the inner packet itself (IP in IP).
    pub transport: Transport,
    /// A GRE header with a checksum, which covers it and all behind it.
    pub gre_checksum: bool,
    /// A GRE header with a sequence number, of which each packet must have its own.
    pub gre_sequence: bool,
}

/// The headers that unfinished work concerns, and those around them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nested {
    pub outer: Option<Outer>,
    pub inner: Located,
}

const GRE_CHECKSUM: u16 = 0x8000;
const GRE_KEY: u16 = 0x2000;
const GRE_SEQUENCE: u16 = 0x1000;
/// Source routes and version, neither of which is understood.
const GRE_STRANGE: u16 = 0x4007;

/// IPv4 and IPv6 as the payload of IP.
const IPV4_IN_IP: IpProtocol = IpProtocol(4);
const IPV6_IN_IP: IpProtocol = IpProtocol(41);

impl Nested {
    /// Walks the outermost headers and, if the packet's facts name a tunnel, those inside. None if the tunnel's header
    /// is not there.
    pub(super) fn of(packet: &Packet) -> Option<Self> {
        let located = Located::of(packet)?;
        let tunnel = packet.facts().offload & Offload::TUNNEL;
        if tunnel.is_empty() {
            return Some(Self { outer: None, inner: located });
        }
        let transport = located.transport.filter(|transport| !transport.fragment)?;
        let data = packet.data().get(..transport.end)?;
        let payload = Payload::of(data, transport, tunnel)?;
        let outer = Outer {
            l3: located.l3,
            transport,
            gre_checksum: payload.flags & GRE_CHECKSUM != 0,
            gre_sequence: payload.flags & GRE_SEQUENCE != 0,
        };
        Some(Self { outer: Some(outer), inner: Located::within(data, payload.at, payload.packet_type)? })
    }
}

/// What a tunnel carries.
struct Payload {
    at: usize,
    packet_type: u32,
    /// Of a GRE header; 0 for others.
    flags: u16,
}

impl Payload {
    fn of(data: &[u8], transport: Transport, tunnel: Offload) -> Option<Self> {
        let Transport { at, protocol, .. } = transport;
        match (tunnel, protocol) {
            (Offload::IN_VXLAN, IpProtocol::UDP) => Self::vxlan(data, at + 8),
            (Offload::IN_GENEVE, IpProtocol::UDP) => Self::geneve(data, at + 8),
            (Offload::IN_GRE, IpProtocol::GRE) => Self::gre(data, at),
            (Offload::IN_IP, IPV4_IN_IP) => Some(Self::bare(at, EtherType::IPV4)),
            (Offload::IN_IP, IPV6_IN_IP) => Some(Self::bare(at, EtherType::IPV6)),
            _ => None,
        }
    }

    /// RFC 7348; with the P flag its last reserved byte of the first word names the protocol (draft-ietf-nvo3-vxlan-gpe).
    fn vxlan(data: &[u8], at: usize) -> Option<Self> {
        let next = if u8_at(data, at)? & 0x04 == 0 { 3 } else { u8_at(data, at + 3)? };
        match next {
            1 => Some(Self::bare(at + 8, EtherType::IPV4)),
            2 => Some(Self::bare(at + 8, EtherType::IPV6)),
            3 => Some(Self::typed(at + 8, EtherType::TEB.0)),
            _ => None,
        }
    }

    /// RFC 8926 section 3.4.
    fn geneve(data: &[u8], at: usize) -> Option<Self> {
        let words = u8_at(data, at).filter(|first| first >> 6 == 0)?;
        Some(Self::typed(at + 8 + usize::from(words) * 4, u16_at(data, at + 2)?))
    }

    /// RFC 2784, RFC 2890.
    fn gre(data: &[u8], at: usize) -> Option<Self> {
        let flags = u16_at(data, at).filter(|flags| flags & GRE_STRANGE == 0)?;
        let optional = [GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE];
        let words = optional.into_iter().filter(|flag| flags & flag != 0).count();
        let payload = Self::typed(at + 4 + 4 * words, u16_at(data, at + 2)?);
        Some(Self { flags, ..payload })
    }

    fn typed(at: usize, ether_type: u16) -> Self {
        if ether_type == EtherType::TEB.0 {
            return Self { at, packet_type: 0, flags: 0 };
        }
        Self::bare(at, EtherType(ether_type))
    }

    fn bare(at: usize, ether_type: EtherType) -> Self {
        Self { at, packet_type: ETHER_TYPE_SPACE << 16 | u32::from(ether_type.0), flags: 0 }
    }
}
