//! How headers say what follows them: numbers to protocols for [walking](super::walk), protocols to numbers for
//! [building](crate::build).

use super::{EtherType, IgmpQueryHeader, IpProtocol, MldQueryHeader, Protocol, bytes};

/// Ethernet types. Where one type has several protocols, [`refine`] tells them apart.
pub(crate) const ETHER_TYPES: &[(EtherType, Protocol)] = &[
    (EtherType::IPV4, Protocol::Ipv4),
    (EtherType::IPV6, Protocol::Ipv6),
    (EtherType::ARP, Protocol::Arp),
    (EtherType::RARP, Protocol::Arp),
    (EtherType::VLAN, Protocol::Vlan),
    (EtherType::SERVICE_VLAN, Protocol::Vlan),
    (EtherType::MPLS, Protocol::Mpls),
    (EtherType::MPLS_MULTICAST, Protocol::Mpls),
    (EtherType::TEB, Protocol::Ethernet),
    (EtherType::SLOW, Protocol::Lacp),
    (EtherType::SLOW, Protocol::Marker),
    (EtherType::LLDP, Protocol::Lldp),
    (EtherType::CFM, Protocol::Cfm),
    (EtherType::CFM, Protocol::Ccm),
    (EtherType::CFM, Protocol::Loopback),
    (EtherType::CFM, Protocol::Linktrace),
    (EtherType::CFM, Protocol::LinktraceReply),
    (EtherType::NSH, Protocol::Nsh),
    (EtherType::ERSPAN2, Protocol::Erspan2),
    (EtherType::ERSPAN3, Protocol::Erspan3),
];

/// IP protocols.
pub(crate) const IP_PROTOCOLS: &[(IpProtocol, Protocol)] = &[
    (IpProtocol::ICMP, Protocol::Icmp),
    (IpProtocol::IGMP, Protocol::Igmp),
    (IpProtocol::IGMP, Protocol::IgmpQuery),
    (IpProtocol::IGMP, Protocol::IgmpReport),
    (IpProtocol::IPV4, Protocol::Ipv4),
    (IpProtocol::TCP, Protocol::Tcp),
    (IpProtocol::UDP, Protocol::Udp),
    (IpProtocol::IPV6, Protocol::Ipv6),
    (IpProtocol::HOP_BY_HOP, Protocol::Ipv6Options),
    (IpProtocol::DESTINATION, Protocol::Ipv6Options),
    (IpProtocol::ROUTING, Protocol::Routing),
    (IpProtocol::ROUTING, Protocol::SegmentRouting),
    (IpProtocol::FRAGMENT, Protocol::Fragment),
    (IpProtocol::AH, Protocol::Authentication),
    (IpProtocol::ESP, Protocol::Esp),
    (IpProtocol::MOBILITY, Protocol::Mobility),
    (IpProtocol::GRE, Protocol::Gre),
    (IpProtocol::ICMPV6, Protocol::Icmpv6),
    (IpProtocol::ICMPV6, Protocol::RouterSolicit),
    (IpProtocol::ICMPV6, Protocol::RouterAdvert),
    (IpProtocol::ICMPV6, Protocol::Neighbor),
    (IpProtocol::ICMPV6, Protocol::Redirect),
    (IpProtocol::ICMPV6, Protocol::Mld),
    (IpProtocol::ICMPV6, Protocol::MldQuery),
    (IpProtocol::ICMPV6, Protocol::MldReport),
    (IpProtocol::SCTP, Protocol::Sctp),
    (IpProtocol::MPLS, Protocol::Mpls),
    (IpProtocol::ETHERNET, Protocol::Ethernet),
    (IpProtocol::NSH, Protocol::Nsh),
];

/// Destination ports of UDP.
pub(crate) const UDP_PORTS: &[(u16, Protocol)] = &[
    (4789, Protocol::Vxlan),
    (4790, Protocol::Vxlan),
    (6081, Protocol::Geneve),
    (2152, Protocol::Gtpu),
    (4341, Protocol::Lisp),
    (3784, Protocol::Bfd),
    (4784, Protocol::Bfd),
];

/// Next protocols of NSH (RFC 8300 section 2.2) and VXLAN-GPE.
pub(crate) const NEXT_PROTOCOLS: &[(u8, Protocol)] = &[
    (1, Protocol::Ipv4),
    (2, Protocol::Ipv6),
    (3, Protocol::Ethernet),
    (4, Protocol::Nsh),
    (5, Protocol::Mpls),
];

/// The number by which a table announces a protocol.
pub(crate) fn number_of<N: Copy>(table: &[(N, Protocol)], protocol: Protocol) -> Option<N> {
    table.iter().find(|(_, known)| *known == protocol).map(|(number, _)| *number)
}

/// The protocol that a number announces, by what its bytes say of themselves.
pub(super) fn announced<N: Copy + PartialEq>(
    table: &[(N, Protocol)],
    number: N,
    bytes: &[u8],
) -> Option<Protocol> {
    let (_, protocol) = table.iter().find(|(known, _)| *known == number)?;
    Some(refine(*protocol, bytes))
}

/// What an Ethernet type or length announces.
pub(super) fn by_ether_type(ether_type: EtherType, bytes: &[u8]) -> Option<Protocol> {
    if ether_type.is_length() {
        return Some(if bytes.starts_with(&[0xaa, 0xaa, 0x03]) { Protocol::Snap } else { Protocol::Llc });
    }
    announced(ETHER_TYPES, ether_type, bytes)
}

/// What follows where nothing announces it: an IP packet, by its version.
pub(super) fn by_version(bytes: &[u8]) -> Option<Protocol> {
    match bytes.first()? >> 4 {
        4 => Some(Protocol::Ipv4),
        6 => Some(Protocol::Ipv6),
        _ => None,
    }
}

/// Tells protocols apart that share a number.
fn refine(protocol: Protocol, bytes: &[u8]) -> Protocol {
    let byte = |at| bytes::u8_at(bytes, at).unwrap_or(0);
    match (protocol, byte(0)) {
        (Protocol::Lacp, 2) => Protocol::Marker,
        (Protocol::Cfm, _) => match byte(1) {
            1 => Protocol::Ccm,
            2 | 3 => Protocol::Loopback,
            4 => Protocol::LinktraceReply,
            5 => Protocol::Linktrace,
            _ => Protocol::Cfm,
        },
        (Protocol::Igmp, 0x11) if bytes.len() >= IgmpQueryHeader::LEN => Protocol::IgmpQuery,
        (Protocol::Igmp, 0x22) => Protocol::IgmpReport,
        (Protocol::Icmpv6, 130) if bytes.len() >= MldQueryHeader::LEN => Protocol::MldQuery,
        (Protocol::Icmpv6, 130..=132) => Protocol::Mld,
        (Protocol::Icmpv6, 133) => Protocol::RouterSolicit,
        (Protocol::Icmpv6, 134) => Protocol::RouterAdvert,
        (Protocol::Icmpv6, 135 | 136) => Protocol::Neighbor,
        (Protocol::Icmpv6, 137) => Protocol::Redirect,
        (Protocol::Icmpv6, 143) => Protocol::MldReport,
        (Protocol::Routing, _) if byte(2) == 4 => Protocol::SegmentRouting,
        _ => protocol,
    }
}
