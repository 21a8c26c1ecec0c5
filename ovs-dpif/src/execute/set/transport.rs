//! Ports, ICMP and neighbour discovery.

use ovs_packet::Packet;
use ovs_packet::edit::{Icmp, Neighbor, Ports};
use ovs_packet::wire::IpProtocol;

use crate::Masked;

pub(super) const TCP: IpProtocol = IpProtocol::TCP;
pub(super) const UDP: IpProtocol = IpProtocol::UDP;
pub(super) const SCTP: IpProtocol = IpProtocol::SCTP;

pub(super) fn ports(packet: &mut Packet, protocol: IpProtocol, src: Masked<u16>, dst: Masked<u16>) {
    if let Some(mut ports) = Ports::of(packet).filter(|ports| ports.protocol() == protocol) {
        ports.set(src.apply(ports.src()), dst.apply(ports.dst()));
    }
}

pub(super) fn icmp(packet: &mut Packet, kind: Masked<u8>, code: Masked<u8>) {
    if let Some(mut icmp) = Icmp::of(packet) {
        icmp.set(kind.apply(icmp.kind()), code.apply(icmp.code()));
    }
}

pub(super) fn neighbor(
    packet: &mut Packet,
    target: Masked<[u8; 16]>,
    sll: Masked<[u8; 6]>,
    tll: Masked<[u8; 6]>,
) {
    let Some(mut neighbor) = Neighbor::of(packet) else { return };
    if !target.is_none() {
        neighbor.set_target(target.apply(neighbor.target()));
    }
    if let Some(old) = neighbor.source_ether() {
        neighbor.set_source_ether(sll.apply(old));
    }
    if let Some(old) = neighbor.target_ether() {
        neighbor.set_target_ether(tll.apply(old));
    }
}

pub(super) fn neighbor_extension(packet: &mut Packet, reserved: Masked<u32>, option: Masked<u8>) {
    let Some(mut neighbor) = Neighbor::of(packet) else { return };
    if !reserved.is_none() {
        neighbor.set_flags(reserved.apply(neighbor.flags()));
    }
    if let Some(old) = neighbor.option_kind().filter(|_| !option.is_none()) {
        neighbor.set_option_kind(option.apply(old));
    }
}
