//! Taking a tunnel's headers off a packet.

use ovs_flow::{TunnelFlags, TunnelKey, U16, U32, U64};
use ovs_packet::checksum::{Sum, pseudo_v4, pseudo_v6};
use ovs_packet::edit::{Located, Transport};
use ovs_packet::wire::{EtherType, IpProtocol};
use ovs_packet::{LayerOffsets, Offload, Packet};

use super::TunnelKind;
use crate::DropReason;

/// Namespace of packet types that are Ethernet types (OpenFlow 1.5 section 7.2.3.11).
const ETHERTYPE_SPACE: u32 = 1 << 16;
/// Bytes of the shortest Ethernet frame that has a type.
const LEAST_FRAME: usize = 14;
const DONT_FRAGMENT: u8 = 0x40;

/// What a tunnel's own header says.
struct Inside {
    /// Where the inner packet begins.
    at: usize,
    /// The inner packet's type, 0 for an Ethernet frame.
    packet_type: u32,
}

/// Takes the headers off, and says what they were. The packet's type is the inner one from then on; its layers are not known.
pub(crate) fn pop(packet: &mut Packet, kind: TunnelKind) -> Result<Box<TunnelKey>, DropReason> {
    let mut key = Box::<TunnelKey>::default();
    let (inside, end) = read(packet, kind, &mut key).ok_or(DropReason::TunnelPop)?;
    if inside.at > end || inside.packet_type == 0 && end - inside.at < LEAST_FRAME {
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
    Ok(key)
}

/// Reads the outer headers; gives what is inside of them and where the packet ends.
fn read(packet: &Packet, kind: TunnelKind, key: &mut TunnelKey) -> Option<(Inside, usize)> {
    let located = Located::of(packet)?;
    let transport = located.transport.filter(|transport| !transport.fragment)?;
    network(packet.data(), located.l3, transport.v6, key)?;
    if transport.protocol != IpProtocol::UDP {
        return None;
    }
    let end = udp(packet, located.l3, transport, key)?;
    let data = packet.data().get(..end)?;
    let inside = match kind {
        TunnelKind::Vxlan => vxlan(data, transport.at + 8, key),
        TunnelKind::Geneve => geneve(data, transport.at + 8, key),
    }?;
    Some((inside, end))
}

fn network(data: &[u8], l3: usize, v6: bool, key: &mut TunnelKey) -> Option<()> {
    let mut flags = TunnelFlags::KEY;
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
fn udp(packet: &Packet, l3: usize, transport: Transport, key: &mut TunnelKey) -> Option<usize> {
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
        is_intact(packet, l3, Transport { end, ..transport }).then_some(())?;
    }
    Some(end)
}

/// Whether a UDP checksum is right, as far as that can be said: one that a device or a sender of this host vouches for is, and
/// so is one over bytes whose own checksum is still to be made.
fn is_intact(packet: &Packet, l3: usize, udp: Transport) -> bool {
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
    Sum::of(datagram).and(pseudo).checksum() == 0
}

/// RFC 7348 section 5: the I flag, and nothing that an extension would add.
fn vxlan(data: &[u8], at: usize, key: &mut TunnelKey) -> Option<Inside> {
    let header: &[u8; 8] = data.get(at..)?.first_chunk()?;
    let [0x08, 0, 0, 0, a, b, c, 0] = *header else { return None };
    key.id = U64::new(u64::from(u32::from_be_bytes([0, a, b, c])));
    Some(Inside { at: at + 8, packet_type: 0 })
}

/// RFC 8926 section 3.4.
fn geneve(data: &[u8], at: usize, key: &mut TunnelKey) -> Option<Inside> {
    const OAM: u8 = 0x80;
    let header: &[u8; 8] = data.get(at..)?.first_chunk()?;
    let [first, flags, high, low, a, b, c, _] = *header;
    if first >> 6 != 0 {
        return None;
    }
    let end = at + 8 + usize::from(first & 0x3f) * 4;
    let options = data.get(at + 8..end)?;
    are_whole(options).then_some(())?;
    if flags & OAM != 0 {
        key.flags |= TunnelFlags::OAM.bits();
    }
    key.id = U64::new(u64::from(u32::from_be_bytes([0, a, b, c])));
    if !options.is_empty() {
        key.set_options(options).then_some(())?;
    }
    Some(Inside { at: end, packet_type: packet_type(u16::from_be_bytes([high, low])) })
}

/// Whether the last option ends where the options do.
fn are_whole(mut options: &[u8]) -> bool {
    while let [_, _, _, len, ..] = options {
        let Some(rest) = options.get(4 + usize::from(len & 0x1f) * 4..) else { return false };
        options = rest;
    }
    options.is_empty()
}

/// Of what an Ethernet type names.
fn packet_type(ether_type: u16) -> u32 {
    if ether_type == EtherType::TEB.0 { 0 } else { ETHERTYPE_SPACE | u32::from(ether_type) }
}
