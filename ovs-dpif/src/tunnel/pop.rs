//! Taking a tunnel's headers off a packet.

use ovs_flow::{TunnelFlags, TunnelKey, U16, U32};
use ovs_packet::checksum::{Sum, pseudo_v4, pseudo_v6};
use ovs_packet::edit::{Located, Transport};
use ovs_packet::wire::{EtherType, IpProtocol};
use ovs_packet::{LayerOffsets, Offload, Packet};

use super::{TunnelFormat, TunnelKind, gre, udp};
use crate::DropReason;

/// Namespace of packet types that are Ethernet types (OpenFlow 1.5 section 7.2.3.11).
pub(super) const ETHERTYPE_SPACE: u32 = 1 << 16;
/// Bytes of the shortest Ethernet frame that has a type.
const LEAST_FRAME: usize = 14;
const DONT_FRAGMENT: u8 = 0x40;

/// What a tunnel's own header says.
pub(super) struct Inside {
    /// Where the inner packet begins.
    pub at: usize,
    /// The inner packet's type, 0 for an Ethernet frame.
    pub packet_type: u32,
}

/// Takes the headers off, and fills `key` with what they were. The packet's type is the inner one from then on; its layers
/// are not known. A message of the tunnel's own protocol that carries no packet stays whole. Gives whether it was a mirrored
/// frame (ERSPAN).
pub(crate) fn pop(
    packet: &mut Packet,
    format: TunnelFormat,
    key: &mut TunnelKey,
) -> Result<bool, DropReason> {
    let Found { inside, end, mirrored } = read(packet, format, key).ok_or(DropReason::TunnelPop)?;
    let Some(inside) = inside else { return Ok(mirrored) };
    if inside.at >= end || inside.packet_type == 0 && end - inside.at < LEAST_FRAME {
        return Err(DropReason::TunnelPop);
    }
    // Behind the outer packet there may be padding of its frame.
    packet.truncate(end);
    packet.pull_front(inside.at).map_err(|_| DropReason::TunnelPop)?;
    let facts = packet.facts_mut();
    facts.decapsulated();
    facts.packet_type = inside.packet_type;
    facts.rss_hash = None;
    *packet.layers_mut() = LayerOffsets::default();
    Ok(mirrored)
}

/// What [`read`] has found.
struct Found {
    /// `None` for a message that carries nothing.
    inside: Option<Inside>,
    /// Where the packet ends.
    end: usize,
    /// Whether it is a mirrored frame.
    mirrored: bool,
}

/// Reads the outer headers.
fn read(packet: &Packet, format: TunnelFormat, key: &mut TunnelKey) -> Option<Found> {
    let located = Located::of(packet)?;
    let transport = located.transport.filter(|transport| !transport.fragment)?;
    network(packet.data(), located.l3, transport.v6, key)?;
    let found = |inside, end| Found { inside: Some(inside), end, mirrored: false };
    if format.kind.default_port().is_none() {
        format.kind.protocols().contains(&transport.protocol.0).then_some(())?;
        let data = packet.data().get(..transport.end)?;
        if format.kind == TunnelKind::Srv6 {
            return Some(found(routed(data, located.l3, transport)?, transport.end));
        }
        let mirrored = gre::is_mirrored(data, transport.at);
        let inside = Some(gre::read(data, transport.at, packet.facts().offload, key)?);
        return Some(Found { inside, end: transport.end, mirrored });
    }
    if transport.protocol != IpProtocol::UDP {
        return None;
    }
    let end = udp(packet, located.l3, transport, format.kind, key)?;
    let (data, at) = (packet.data().get(..end)?, transport.at + 8);
    let inside = match format.kind {
        TunnelKind::Vxlan => udp::vxlan(data, at, format, key)?,
        TunnelKind::Geneve => udp::geneve(data, at, key)?,
        TunnelKind::Lisp => udp::lisp(data, at, key)?,
        TunnelKind::Bareudp => udp::bare(data, at, format)?,
        _ => {
            let (inside, end) = udp::gtpu(data, at, key)?;
            return Some(Found { inside, end, mirrored: false });
        }
    };
    Some(found(inside, end))
}

fn network(data: &[u8], l3: usize, v6: bool, key: &mut TunnelKey) -> Option<()> {
    let mut flags = TunnelFlags::empty();
    if v6 {
        let header: &[u8; 40] = data.get(l3..)?.first_chunk()?;
        key.ipv6_src.copy_from_slice(&header[8..24]);
        key.ipv6_dst.copy_from_slice(&header[24..]);
        (key.tos, key.ttl) = (header[0] << 4 | header[1] >> 4, header[7]);
        // Nobody fragments IPv6 on the way.
    } else {
        let header: &[u8; 20] = data.get(l3..)?.first_chunk()?;
        key.src = U32::from_bytes([header[12], header[13], header[14], header[15]]);
        key.dst = U32::from_bytes([header[16], header[17], header[18], header[19]]);
        (key.tos, key.ttl) = (header[1], header[8]);
        flags.set(TunnelFlags::DONT_FRAGMENT, header[6] & DONT_FRAGMENT != 0);
    }
    key.flags = flags.bits();
    Some(())
}

/// Reads a UDP header and checks its sum; gives where the datagram ends.
fn udp(
    packet: &Packet,
    l3: usize,
    transport: Transport,
    kind: TunnelKind,
    key: &mut TunnelKey,
) -> Option<usize> {
    let data = packet.data().get(..transport.end)?;
    let header: &[u8; 8] = data.get(transport.at..)?.first_chunk()?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let len = usize::from(word(4));
    let end = transport.at + len;
    if len < 8 || end > transport.end {
        return None;
    }
    (key.tp_src, key.tp_dst) = (U16::new(word(0)), U16::new(word(2)));
    if word(6) != 0 {
        key.flags |= TunnelFlags::CSUM.bits();
        is_intact(packet, l3, Transport { end, ..transport }, kind).then_some(())?;
    }
    Some(end)
}

/// Whether a UDP checksum is right, as far as that can be said: one that a device or a sender of this host vouches for is, and
/// so is one over bytes whose own checksum is still to be made. Open vSwitch 3.1 sums up GTP-U before it writes its length: such
/// a sum counts as right, too, or else nobody could talk to it.
fn is_intact(packet: &Packet, l3: usize, udp: Transport, kind: TunnelKind) -> bool {
    /// Where GTP-U has its length, from the UDP header on.
    const GTPU_LENGTH: usize = 10;
    let offload = packet.facts().offload;
    if offload.contains(Offload::CSUM_BAD) {
        return false;
    }
    if offload.intersects(Offload::CSUM_VALID | Offload::NEEDS_L4_CSUM | Offload::NEEDS_OUTER_L4_CSUM) {
        return true;
    }
    let data = packet.data();
    let Some(datagram) = data.get(udp.at..udp.end) else { return false };
    let (len, protocol) = (datagram.len(), IpProtocol::UDP);
    let pseudo = if udp.v6 {
        let address = |at: usize| std::array::from_fn(|i| data[l3 + at + i]);
        pseudo_v6(address(8), address(24), protocol, len as u32)
    } else {
        let address = |at: usize| std::array::from_fn(|i| data[l3 + at + i]);
        pseudo_v4(address(12), address(16), protocol, len as u16)
    };
    let sum = Sum::of(datagram).and(pseudo);
    let unwritten = || {
        let length = datagram.get(GTPU_LENGTH..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))?;
        (kind == TunnelKind::Gtpu).then(|| sum.without(Sum::word(length)))
    };
    sum.checksum() == 0 || unwritten().is_some_and(|sum| sum.checksum() == 0)
}

/// What IPv6 segment routing carries (RFC 8754): the last segment is ours, and nothing but routing headers that have
/// been walked stands between.
fn routed(data: &[u8], l3: usize, transport: Transport) -> Option<Inside> {
    const ROUTING: u8 = 43;
    const SEGMENT_ROUTING: u8 = 4;
    if !transport.v6 {
        return None;
    }
    let (mut next, mut at) = (*data.get(l3 + 6)?, l3 + 40);
    while at < transport.at {
        let [after, words, kind, left] = *data.get(at..)?.first_chunk()?;
        if (next, kind, left) != (ROUTING, SEGMENT_ROUTING, 0) {
            return None;
        }
        (next, at) = (after, at + 8 + usize::from(words) * 8);
    }
    let inner = match next {
        4 => EtherType::IPV4,
        41 => EtherType::IPV6,
        _ => return None,
    };
    Some(Inside { at: transport.at, packet_type: ETHERTYPE_SPACE | u32::from(inner.0) })
}

/// Of what an Ethernet type names.
pub(super) fn packet_type(ether_type: u16) -> u32 {
    if ether_type == EtherType::TEB.0 { 0 } else { ETHERTYPE_SPACE | u32::from(ether_type) }
}
