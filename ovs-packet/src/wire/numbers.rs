//! Numbers that name protocols. Unknown ones stay as they are.

/// An `EtherType` (IEEE 802.3 clause 3.2.6), in host order. Values below 0x0600 are lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// Internet Protocol version 4.
    pub const IPV4: Self = Self(0x0800);
    /// Address Resolution Protocol.
    pub const ARP: Self = Self(0x0806);
    /// Transparent Ethernet bridging (GRE, Geneve).
    pub const TEB: Self = Self(0x6558);
    /// Reverse ARP.
    pub const RARP: Self = Self(0x8035);
    /// Customer VLAN tag (IEEE 802.1Q).
    pub const VLAN: Self = Self(0x8100);
    /// Internet Protocol version 6.
    pub const IPV6: Self = Self(0x86dd);
    /// MPLS.
    pub const MPLS: Self = Self(0x8847);
    /// MPLS with upstream-assigned label.
    pub const MPLS_MULTICAST: Self = Self(0x8848);
    /// Service VLAN tag (IEEE 802.1ad).
    pub const SERVICE_VLAN: Self = Self(0x88a8);
    /// Slow protocols: LACP, marker (IEEE 802.3 annex 57A).
    pub const SLOW: Self = Self(0x8809);
    /// ERSPAN version III.
    pub const ERSPAN3: Self = Self(0x22eb);
    /// ERSPAN versions I and II.
    pub const ERSPAN2: Self = Self(0x88be);
    /// Connectivity fault management (IEEE 802.1Q).
    pub const CFM: Self = Self(0x8902);
    /// Link Layer Discovery Protocol.
    pub const LLDP: Self = Self(0x88cc);
    /// Network service header.
    pub const NSH: Self = Self(0x894f);

    /// True for the two VLAN tags.
    pub fn is_vlan(self) -> bool {
        self == Self::VLAN || self == Self::SERVICE_VLAN
    }

    /// True for the two MPLS types.
    pub fn is_mpls(self) -> bool {
        self == Self::MPLS || self == Self::MPLS_MULTICAST
    }

    /// True if the number is not a type but the length of an LLC frame.
    pub fn is_length(self) -> bool {
        self.0 < 0x0600
    }
}

/// An IP protocol number, which is also IPv6's next header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: Self = Self(0);
    /// ICMP.
    pub const ICMP: Self = Self(1);
    /// IGMP.
    pub const IGMP: Self = Self(2);
    /// IPv4 within IP (RFC 2003).
    pub const IPV4: Self = Self(4);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// IPv6 within IP (RFC 2473).
    pub const IPV6: Self = Self(41);
    /// IPv6 routing header.
    pub const ROUTING: Self = Self(43);
    /// IPv6 fragment header.
    pub const FRAGMENT: Self = Self(44);
    /// GRE.
    pub const GRE: Self = Self(47);
    /// Encapsulating security payload.
    pub const ESP: Self = Self(50);
    /// Authentication header.
    pub const AH: Self = Self(51);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// IPv6: nothing follows.
    pub const NO_NEXT: Self = Self(59);
    /// IPv6 destination options.
    pub const DESTINATION: Self = Self(60);
    /// SCTP.
    pub const SCTP: Self = Self(132);
    /// Mobility header.
    pub const MOBILITY: Self = Self(135);
    /// MPLS within IP (RFC 4023).
    pub const MPLS: Self = Self(137);
    /// Ethernet within IP (RFC 8986).
    pub const ETHERNET: Self = Self(143);
    /// Network service header within IP (RFC 9491).
    pub const NSH: Self = Self(145);
}
