//! `push_eth` and `pop_eth`: between Ethernet frames and bare network-layer packets.

use ovs_packet::Packet;

use crate::DropReason;

/// Bytes of an Ethernet header without tags.
const HEADER: usize = 14;
/// Namespace of packet types that are Ethernet types (OpenFlow 1.5 section 7.2.3.11).
const ETHERTYPE_SPACE: u32 = 1 << 16;

/// Puts an Ethernet header in front of a packet that has none; its type is the packet's own.
pub(super) fn push(packet: &mut Packet, src: [u8; 6], dst: [u8; 6]) -> Result<(), DropReason> {
    let kind = packet.facts().packet_type;
    if kind & 0xffff_0000 != ETHERTYPE_SPACE {
        return Err(DropReason::UnsupportedPacketType);
    }
    let header = packet.push_front(HEADER).map_err(|_| DropReason::NoBuffer)?;
    header[..6].copy_from_slice(&dst);
    header[6..12].copy_from_slice(&src);
    header[12..].copy_from_slice(&(kind as u16).to_be_bytes());
    packet.facts_mut().packet_type = 0;
    Ok(())
}

/// Takes the Ethernet header away; the packet's type is the header's from then on.
pub(super) fn pop(packet: &mut Packet) -> Result<(), DropReason> {
    if packet.facts().packet_type != 0 {
        return Err(DropReason::UnsupportedPacketType);
    }
    let Some(&[high, low]) = packet.data().get(12..HEADER) else { return Err(DropReason::InvalidPacket) };
    packet.pull_front(HEADER).map_err(|_| DropReason::InvalidPacket)?;
    packet.facts_mut().packet_type = ETHERTYPE_SPACE | u32::from(u16::from_be_bytes([high, low]));
    Ok(())
}
