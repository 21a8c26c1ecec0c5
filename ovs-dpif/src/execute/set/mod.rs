//! `set`: overwrites fields of metadata and headers, under masks, and keeps checksums right.

mod ip;
mod link;
mod transport;

use ovs_flow::Metadata;
use ovs_packet::Packet;

use crate::SetField;

/// Overwrites what `field` says. A header that the packet does not have is left alone: the megaflow that leads
/// here matches on its presence, so this is a fragment, or a packet cut short.
pub(super) fn set(field: &SetField, packet: &mut Packet, metadata: &mut Metadata) {
    match field {
        SetField::Priority(priority) => {
            metadata.priority = *priority;
            packet.facts_mut().queue = *priority;
        }
        SetField::Mark(mark) => {
            metadata.mark = mark.apply(metadata.mark);
            packet.facts_mut().mark = metadata.mark;
        }
        SetField::Tunnel(tunnel) => match &mut metadata.tunnel {
            Some(old) => old.clone_from(tunnel),
            none => *none = Some(tunnel.clone()),
        },
        SetField::Ethernet { src, dst } => link::ethernet(packet, *src, *dst),
        SetField::Nsh(nsh) => super::nsh::set(packet, nsh),
        SetField::Mpls(entry) => link::mpls(packet, *entry),
        SetField::Arp { sip, tip, op, sha, tha } => link::arp(packet, (*sip, *tip), *op, (*sha, *tha)),
        SetField::Ipv4 { src, dst, tos, ttl, .. } => ip::v4(packet, (*src, *dst), *tos, *ttl),
        SetField::Ipv6 { src, dst, label, tclass, hlimit, .. } => {
            ip::v6(packet, (*src, *dst), *label, *tclass, *hlimit);
        }
        SetField::Tcp { src, dst } => transport::ports(packet, transport::TCP, *src, *dst),
        SetField::Udp { src, dst } => transport::ports(packet, transport::UDP, *src, *dst),
        SetField::Sctp { src, dst } => transport::ports(packet, transport::SCTP, *src, *dst),
        SetField::Icmp { kind, code } | SetField::Icmpv6 { kind, code } => {
            transport::icmp(packet, *kind, *code);
        }
        SetField::Nd { target, sll, tll } => transport::neighbor(packet, *target, *sll, *tll),
        SetField::NdExtension { reserved, option } => {
            transport::neighbor_extension(packet, *reserved, *option);
        }
    }
}
