//! Putting headers around a packet.

use std::time::Duration;

use ovs_packet::checksum::{internet, pseudo_v4, pseudo_v6};
use ovs_packet::edit::{complete_checksum, complete_outer_checksum};
use ovs_packet::wire::IpProtocol;
use ovs_packet::{ABSENT, LayerOffsets, Offload, Packet};

use super::flow_hash::flow_hash;
use super::{ETHERNET, FlowLabel, TnlPush, TunnelKind, gre};
use crate::DropReason;

/// Whether a packet that is still to be cut must be cut before the headers go around it: no device cuts inside of two
/// tunnels or of one that it does not know, and a checksum or number in the header is one packet's.
pub(crate) fn wants_segments(packet: &Packet, push: &TnlPush) -> bool {
    let offload = packet.facts().offload;
    offload.intersects(Offload::SEGMENT) && (offload.intersects(Offload::TUNNEL) || !leaves_work(push))
}

/// Whether work on the packet can be left to be done inside of the headers.
fn leaves_work(push: &TnlPush) -> bool {
    let gre = push.kind.protocols() == TunnelKind::Gre.protocols();
    let summed = || push.layout().is_some_and(|(l4, _)| gre::has_checksum(&push.header[l4..]));
    !push.kind.offload().is_empty() && push.sequence.is_none() && !(gre && summed())
}

/// Puts the headers around `packet`, whose layer offsets are those of its bytes; afterwards they are those of the outer
/// packet. Unfinished work inside stays unfinished where that is possible, so that a device or the next output does it.
pub(crate) fn push(packet: &mut Packet, push: &TnlPush, now: Duration) -> Result<(), DropReason> {
    let (l4, v6) = push.layout().ok_or(DropReason::TunnelPush)?;
    let payload = packet.len() + push.header.len() - l4;
    // What cannot be said in the length field of the outer header.
    let total = u16::try_from(if v6 { payload } else { payload + l4 - ETHERNET });
    let total = total.map_err(|_| DropReason::TunnelPush)?;
    let leaves = leaves_work(push);
    finish_inside(packet, leaves)?;
    let udp = push.kind.default_port().is_some();
    let hash = if udp || push.label == FlowLabel::Hash { flow_hash(packet) } else { 0 };
    let label = label(packet, push.label, hash);
    let room = packet.push_front(push.header.len()).map_err(|_| DropReason::NoBuffer)?;
    room.copy_from_slice(&push.header);
    if v6 {
        write_v6(room, total, label);
    } else {
        write_v4(room, total);
    }
    let port = source_port(push.source_ports, hash);
    let partial =
        udp && room.len() >= l4 + 8 && write_udp(&mut room[ETHERNET..], l4 - ETHERNET, port, payload as u16);
    if push.kind == TunnelKind::Gtpu
        && let Some(length) = room.get_mut(l4 + 10..l4 + 12)
    {
        // Of what follows the first eight bytes of its own header.
        length.copy_from_slice(&(payload.saturating_sub(16) as u16).to_be_bytes());
    }
    if push.kind.is_gre() || push.kind.is_erspan() {
        let number = push.sequence.as_ref().map(super::Sequence::next);
        gre::complete(packet.data_mut(), l4, push.kind, number, now);
    }
    mark(packet, push, leaves, partial, l4);
    Ok(())
}

/// Says of a packet that was wrapped what it is now, and what is left to be done.
fn mark(packet: &mut Packet, push: &TnlPush, leaves: bool, partial: bool, l4: usize) {
    let facts = packet.facts_mut();
    if leaves {
        if facts.is_unfinished() || partial {
            facts.encapsulated(push.kind.offload(), partial);
        }
    } else {
        // Nothing is left inside.
        facts.offload.set(Offload::NEEDS_OUTER_L4_CSUM, partial);
    }
    facts.rss_hash = None;
    facts.packet_type = 0;
    *packet.layers_mut() =
        LayerOffsets { l2_5: ABSENT, l3: ETHERNET as u16, l4: l4 as u16, ..LayerOffsets::default() };
}

/// Work that is to be done inside of one tunnel already cannot be left to be done inside of two; nor can any if the headers
/// do not allow it.
fn finish_inside(packet: &mut Packet, leaves: bool) -> Result<(), DropReason> {
    let offload = packet.facts().offload;
    if leaves && !offload.intersects(Offload::TUNNEL | Offload::NEEDS_OUTER_L4_CSUM) {
        return Ok(());
    }
    if offload.intersects(Offload::SEGMENT) {
        return Err(DropReason::TunnelPush);
    }
    let done = complete_checksum(packet).and_then(|()| complete_outer_checksum(packet));
    packet.facts_mut().offload.remove(Offload::TUNNEL);
    done.map_err(|_| DropReason::TunnelPush)
}

/// The flow label, if it is not that of the header.
fn label(packet: &Packet, label: FlowLabel, hash: u32) -> Option<u32> {
    const BITS: u32 = 0x000f_ffff;
    match label {
        FlowLabel::Header => None,
        FlowLabel::Hash => Some(hash & BITS),
        FlowLabel::Copy => {
            let first: [u8; 4] = *packet.data().get(usize::from(packet.layers().l3)..)?.first_chunk()?;
            let first = u32::from_be_bytes(first);
            (first >> 28 == 6).then_some(first & BITS)
        }
    }
}

/// A port of the range, evenly spread.
fn source_port((least, most): (u16, u16), hash: u32) -> u16 {
    let width = u64::from(most.saturating_sub(least));
    least + ((u64::from(hash) * width) >> 32) as u16
}

/// Completes an IPv4 header.
fn write_v4(header: &mut [u8], total: u16) {
    let ip = &mut header[ETHERNET..ETHERNET + 20];
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    ip[10..12].fill(0);
    let checksum = internet(ip);
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// Completes an IPv6 header.
fn write_v6(header: &mut [u8], payload: u16, label: Option<u32>) {
    let ip = &mut header[ETHERNET..ETHERNET + 40];
    if let Some(label) = label {
        let [_, a, b, c] = label.to_be_bytes();
        ip[1] = ip[1] & 0xf0 | a;
        (ip[2], ip[3]) = (b, c);
    }
    ip[4..6].copy_from_slice(&payload.to_be_bytes());
}

/// Completes the UDP header at `at` behind an IP header, which begins with `ip`; says whether its checksum is wanted, and is that
/// of the pseudo header now.
fn write_udp(ip: &mut [u8], at: usize, port: u16, len: u16) -> bool {
    let (ip, udp) = ip.split_at_mut(at);
    udp[..2].copy_from_slice(&port.to_be_bytes());
    udp[4..6].copy_from_slice(&len.to_be_bytes());
    let wanted = udp[6..8] != [0; 2];
    if wanted {
        udp[6..8].copy_from_slice(&pseudo(ip, len).to_be_bytes());
    }
    wanted
}

/// What the pseudo header of a UDP packet adds up to behind an IP header.
fn pseudo(ip: &[u8], len: u16) -> u16 {
    let sum = if ip.len() == 20 {
        let address = |at: usize| std::array::from_fn(|i| ip[at + i]);
        pseudo_v4(address(12), address(16), IpProtocol::UDP, len)
    } else {
        let address = |at: usize| std::array::from_fn(|i| ip[at + i]);
        pseudo_v6(address(8), address(24), IpProtocol::UDP, len.into())
    };
    sum.value()
}
