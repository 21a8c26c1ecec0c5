//! IPv4 and IPv6. Only what changes is written: a write costs a checksum update.

use ovs_packet::Packet;
use ovs_packet::edit::{Ipv4, Ipv6};

use crate::Masked;

pub(super) fn v4(
    packet: &mut Packet,
    (src, dst): (Masked<[u8; 4]>, Masked<[u8; 4]>),
    tos: Masked<u8>,
    ttl: Masked<u8>,
) {
    let Some(mut ip) = Ipv4::of(packet) else { return };
    if !src.is_none() {
        ip.set_src(src.apply(ip.src()));
    }
    if !dst.is_none() {
        ip.set_dst(dst.apply(ip.dst()));
    }
    if !tos.is_none() {
        ip.set_tos(tos.apply(ip.tos()));
    }
    if !ttl.is_none() {
        ip.set_ttl(ttl.apply(ip.ttl()));
    }
}

pub(super) fn v6(
    packet: &mut Packet,
    (src, dst): (Masked<[u8; 16]>, Masked<[u8; 16]>),
    label: Masked<u32>,
    tclass: Masked<u8>,
    hlimit: Masked<u8>,
) {
    let Some(mut ip) = Ipv6::of(packet) else { return };
    if !src.is_none() {
        ip.set_src(src.apply(ip.src()));
    }
    if !dst.is_none() {
        ip.set_dst(dst.apply(ip.dst()));
    }
    if !label.is_none() {
        ip.set_flow_label(label.apply(ip.flow_label()));
    }
    if !tclass.is_none() {
        ip.set_traffic_class(tclass.apply(ip.traffic_class()));
    }
    if !hlimit.is_none() {
        ip.set_hop_limit(hlimit.apply(ip.hop_limit()));
    }
}
