//! Ethernet, MPLS and ARP.

use ovs_packet::Packet;
use ovs_packet::edit::{Arp, set_ether_dst, set_ether_src, set_mpls, top_mpls};

use crate::Masked;

pub(super) fn ethernet(packet: &mut Packet, src: Masked<[u8; 6]>, dst: Masked<[u8; 6]>) {
    let Some(addresses) = packet.data().first_chunk::<12>() else { return };
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = *addresses;
    if packet.facts().packet_type == 0 {
        set_ether_dst(packet, dst.apply([d0, d1, d2, d3, d4, d5]));
        set_ether_src(packet, src.apply([s0, s1, s2, s3, s4, s5]));
    }
}

pub(super) fn mpls(packet: &mut Packet, entry: Masked<u32>) {
    if let Some(old) = top_mpls(packet) {
        set_mpls(packet, entry.apply(old));
    }
}

pub(super) fn arp(
    packet: &mut Packet,
    (sip, tip): (Masked<[u8; 4]>, Masked<[u8; 4]>),
    op: Masked<u16>,
    (sha, tha): (Masked<[u8; 6]>, Masked<[u8; 6]>),
) {
    let Some(mut arp) = Arp::of(packet) else { return };
    arp.set_sender_ip(sip.apply(arp.sender_ip()));
    arp.set_target_ip(tip.apply(arp.target_ip()));
    arp.set_operation(op.apply(arp.operation()));
    arp.set_sender_ether(sha.apply(arp.sender_ether()));
    arp.set_target_ether(tha.apply(arp.target_ether()));
}
