//! Layers to bytes, from the innermost out.

use alloc::vec::Vec;

use super::BuildError;
use super::layer::{Ip, Layer};
use crate::checksum::{Sum, crc32c, internet, pseudo_v4, pseudo_v6};
use crate::wire::{
    ArpHeader, EtherType, EthernetHeader, IcmpHeader, IpProtocol, Ipv4Header, Ipv6Header, MplsHeader,
    SctpHeader, TcpHeader, UdpHeader, VlanHeader,
};

/// Longest content of a layer with a length field.
const MAX: usize = 65_535;

/// The bytes of all layers.
pub(super) fn emit(layers: &[Layer]) -> Result<Vec<u8>, BuildError> {
    let mut content = Vec::new();
    for (index, layer) in layers.iter().enumerate().rev() {
        if content.len() > MAX - 60 && !matches!(layer, Layer::Ethernet { .. }) {
            return Err(BuildError::TooLong { layer: index });
        }
        let outer = index.checked_sub(1).and_then(|outer| layers.get(outer));
        content = match *layer {
            Layer::Payload(len) if len > MAX => return Err(BuildError::TooLong { layer: index }),
            Layer::Payload(len) => (0..len).map(|i| i as u8).collect(),
            _ => wrap(layer, outer, layers.get(index + 1), &content),
        };
    }
    Ok(content)
}

/// A layer around its content.
fn wrap(layer: &Layer, outer: Option<&Layer>, inner: Option<&Layer>, content: &[u8]) -> Vec<u8> {
    match *layer {
        Layer::Ethernet { src, dst, ether_type } => {
            let ether_type = ether_type.map_or_else(|| ether_type_of(inner), EtherType);
            join(&EthernetHeader { dst, src, ether_type }.to_bytes(), content)
        }
        // The tag's type stands in front of it, in the outer layer.
        Layer::Vlan { tci, .. } => {
            join(&VlanHeader { tci, ether_type: ether_type_of(inner) }.to_bytes(), content)
        }
        Layer::Mpls { label, traffic_class, ttl } => {
            let bottom = u32::from(!matches!(inner, Some(Layer::Mpls { .. })));
            let entry = label << 12 | u32::from(traffic_class & 7) << 9 | bottom << 8 | u32::from(ttl);
            join(&MplsHeader { entry }.to_bytes(), content)
        }
        Layer::Arp { op, sender, target } => arp(op, sender, target, content),
        Layer::Ipv4 { src, dst, ip } => ipv4(src, dst, ip, inner, content),
        Layer::Ipv6 { src, dst, ip } => ipv6(src, dst, ip, inner, content),
        _ => transport(layer, outer, content),
    }
}

fn join(header: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(header.len() + content.len());
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(content);
    bytes
}

/// The type that announces a layer.
fn ether_type_of(layer: Option<&Layer>) -> EtherType {
    match layer {
        Some(Layer::Vlan { tpid, .. }) => EtherType(*tpid),
        Some(Layer::Mpls { .. }) => EtherType::MPLS,
        Some(Layer::Arp { .. }) => EtherType::ARP,
        Some(Layer::Ipv4 { .. }) => EtherType::IPV4,
        Some(Layer::Ipv6 { .. }) => EtherType::IPV6,
        Some(Layer::Ethernet { .. }) => EtherType::TEB,
        // For local experiments (IEEE 802 clause 9.2.4).
        _ => EtherType(0x88b5),
    }
}

/// The protocol number that announces a layer.
fn protocol_of(layer: Option<&Layer>) -> IpProtocol {
    match layer {
        Some(Layer::Tcp { .. }) => IpProtocol::TCP,
        Some(Layer::Udp { .. }) => IpProtocol::UDP,
        Some(Layer::Sctp { .. }) => IpProtocol::SCTP,
        Some(Layer::Icmp { v6: false, .. }) => IpProtocol::ICMP,
        Some(Layer::Icmp { v6: true, .. }) => IpProtocol::ICMPV6,
        Some(Layer::Ipv4 { .. }) => IpProtocol(4),
        Some(Layer::Ipv6 { .. }) => IpProtocol(41),
        // For experiments (RFC 3692).
        _ => IpProtocol(253),
    }
}

fn arp(operation: u16, sender: ([u8; 6], [u8; 4]), target: ([u8; 6], [u8; 4]), content: &[u8]) -> Vec<u8> {
    let header = ArpHeader {
        hardware: 1,
        protocol: EtherType::IPV4,
        hardware_len: 6,
        protocol_len: 4,
        operation,
        sender_ether: sender.0,
        sender_ip: sender.1,
        target_ether: target.0,
        target_ip: target.1,
    };
    join(&header.to_bytes(), content)
}

fn ipv4(src: [u8; 4], dst: [u8; 4], ip: Ip, inner: Option<&Layer>, content: &[u8]) -> Vec<u8> {
    let mut header = Ipv4Header {
        version_ihl: 0x45,
        tos: ip.tos,
        total_len: (20 + content.len()) as u16,
        id: ip.id,
        fragment: 0,
        ttl: ip.ttl,
        protocol: ip.protocol.map_or_else(|| protocol_of(inner), IpProtocol),
        checksum: 0,
        src,
        dst,
    };
    header.checksum = internet(&header.to_bytes());
    join(&header.to_bytes(), content)
}

fn ipv6(src: [u8; 16], dst: [u8; 16], ip: Ip, inner: Option<&Layer>, content: &[u8]) -> Vec<u8> {
    let header = Ipv6Header {
        version_class_label: 6 << 28 | u32::from(ip.tos) << 20 | u32::from(ip.id),
        payload_len: content.len() as u16,
        next_header: ip.protocol.map_or_else(|| protocol_of(inner), IpProtocol),
        hop_limit: ip.ttl,
        src,
        dst,
    };
    join(&header.to_bytes(), content)
}

/// A transport header with its checksum, whose pseudo header comes from the layer around it.
fn transport(layer: &Layer, outer: Option<&Layer>, content: &[u8]) -> Vec<u8> {
    let (mut bytes, field) = match *layer {
        Layer::Tcp { src, dst, flags, seq, ack } => (tcp(src, dst, flags, seq, ack, content), 16),
        Layer::Udp { src, dst } => {
            let length = (8 + content.len()) as u16;
            (join(&UdpHeader { src_port: src, dst_port: dst, length, checksum: 0 }.to_bytes(), content), 6)
        }
        Layer::Sctp { src, dst } => return sctp(src, dst, content),
        Layer::Icmp { kind, code, id, seq, .. } => {
            let specific = u32::from(id) << 16 | u32::from(seq);
            (join(&IcmpHeader { kind, code, checksum: 0, specific }.to_bytes(), content), 2)
        }
        // The others do not come here.
        _ => return content.into(),
    };
    let protocol = protocol_of(Some(layer));
    let pseudo = match outer {
        _ if protocol == IpProtocol::ICMP => Sum::default(),
        Some(Layer::Ipv4 { src, dst, .. }) => pseudo_v4(*src, *dst, protocol, bytes.len() as u16),
        Some(Layer::Ipv6 { src, dst, .. }) => pseudo_v6(*src, *dst, protocol, bytes.len() as u32),
        _ => Sum::default(),
    };
    let checksum = match pseudo.and(Sum::of(&bytes)).checksum() {
        0 if protocol == IpProtocol::UDP => 0xffff,
        checksum => checksum,
    };
    crate::wire::bytes::put(&mut bytes, field, &checksum.to_be_bytes());
    bytes
}

fn tcp(
    src_port: u16,
    dst_port: u16,
    flags: u16,
    sequence: u32,
    acknowledgment: u32,
    content: &[u8],
) -> Vec<u8> {
    let header = TcpHeader {
        src_port,
        dst_port,
        sequence,
        acknowledgment,
        offset_flags: 5 << 12 | flags & 0x0fff,
        window: 0xffff,
        checksum: 0,
        urgent: 0,
    };
    join(&header.to_bytes(), content)
}

fn sctp(src_port: u16, dst_port: u16, content: &[u8]) -> Vec<u8> {
    let mut header = SctpHeader { src_port, dst_port, tag: 0, checksum: [0; 4] };
    header.checksum = crc32c(&[&header.to_bytes(), content]).to_le_bytes();
    join(&header.to_bytes(), content)
}
