//! Putting headers around a packet.

use ovs_packet::checksum::{internet, pseudo_v4, pseudo_v6};
use ovs_packet::edit::{complete_checksum, complete_outer_checksum};
use ovs_packet::wire::IpProtocol;
use ovs_packet::{ABSENT, LayerOffsets, Offload, Packet};

use super::flow_hash::flow_hash;
use super::{ETHERNET, TnlPush};
use crate::DropReason;

/// Puts the headers around `packet`, whose layer offsets are those of its bytes; afterwards they are those of the outer
/// packet. Unfinished work inside stays unfinished, so that a device or the next output does it.
pub(crate) fn push(packet: &mut Packet, push: &TnlPush) -> Result<(), DropReason> {
    let (l4, v6) = push.layout().ok_or(DropReason::TunnelPush)?;
    let payload = packet.len() + push.header.len() - l4;
    // What cannot be said in the length field of the outer header.
    let total = u16::try_from(if v6 { payload } else { payload + l4 - ETHERNET });
    let total = total.map_err(|_| DropReason::TunnelPush)?;
    finish_nested(packet)?;
    let port = source_port(push.source_ports, flow_hash(packet));
    let room = packet.push_front(push.header.len()).map_err(|_| DropReason::NoBuffer)?;
    room.copy_from_slice(&push.header);
    let sum = if v6 { write_v6(room, total) } else { write_v4(room, total) };
    let partial = if room.len() >= l4 + 8 && is_udp(room, v6) {
        write_udp(&mut room[l4..], port, payload as u16, sum)
    } else {
        false
    };
    let facts = packet.facts_mut();
    if facts.is_unfinished() || partial {
        facts.encapsulated(push.kind.offload(), partial);
    }
    facts.rss_hash = None;
    facts.packet_type = 0;
    *packet.layers_mut() =
        LayerOffsets { l2_5: ABSENT, l3: ETHERNET as u16, l4: l4 as u16, ..LayerOffsets::default() };
    Ok(())
}

/// Work that is to be done inside of one tunnel already cannot be left to be done inside of two.
fn finish_nested(packet: &mut Packet) -> Result<(), DropReason> {
    if !packet.facts().offload.intersects(Offload::TUNNEL) {
        return Ok(());
    }
    if packet.facts().offload.intersects(Offload::SEGMENT) {
        return Err(DropReason::TunnelPush);
    }
    let done = complete_checksum(packet).and_then(|()| complete_outer_checksum(packet));
    packet.facts_mut().offload.remove(Offload::TUNNEL);
    done.map_err(|_| DropReason::TunnelPush)
}

/// A port of the range, evenly spread.
fn source_port((least, most): (u16, u16), hash: u32) -> u16 {
    let width = u64::from(most.saturating_sub(least));
    least + ((u64::from(hash) * width) >> 32) as u16
}

/// Completes an IPv4 header; gives what the pseudo header adds up to for a UDP packet.
fn write_v4(header: &mut [u8], total: u16) -> u16 {
    let ip = &mut header[ETHERNET..ETHERNET + 20];
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    ip[10..12].fill(0);
    let checksum = internet(ip);
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    let address = |at: usize| [ip[at], ip[at + 1], ip[at + 2], ip[at + 3]];
    pseudo_v4(address(12), address(16), IpProtocol::UDP, total - 20).value()
}

/// The same for IPv6.
fn write_v6(header: &mut [u8], payload: u16) -> u16 {
    let ip = &mut header[ETHERNET..ETHERNET + 40];
    ip[4..6].copy_from_slice(&payload.to_be_bytes());
    let address = |at: usize| std::array::from_fn(|i| ip[at + i]);
    pseudo_v6(address(8), address(24), IpProtocol::UDP, payload.into()).value()
}

fn is_udp(header: &[u8], v6: bool) -> bool {
    let protocol = if v6 { header[ETHERNET + 6] } else { header[ETHERNET + 9] };
    IpProtocol(protocol) == IpProtocol::UDP
}

/// Completes a UDP header; says whether its checksum is wanted, and is that of the pseudo header now.
fn write_udp(udp: &mut [u8], port: u16, len: u16, sum: u16) -> bool {
    udp[..2].copy_from_slice(&port.to_be_bytes());
    udp[4..6].copy_from_slice(&len.to_be_bytes());
    let wanted = udp[6..8] != [0; 2];
    if wanted {
        udp[6..8].copy_from_slice(&sum.to_be_bytes());
    }
    wanted
}
