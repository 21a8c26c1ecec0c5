//! Prerequisites: what a key or match must say before a field means something.

use super::facts::Prereq;
use super::rows::Field;
use crate::{CtState, FlowKey, FlowMask, FragKind, Match};

/// Ethernet types that decide what follows.
pub(crate) mod eth {
    pub(crate) const IPV4: u16 = 0x0800;
    pub(crate) const ARP: u16 = 0x0806;
    pub(crate) const RARP: u16 = 0x8035;
    pub(crate) const VLAN: u16 = 0x8100;
    pub(crate) const IPV6: u16 = 0x86dd;
    pub(crate) const MPLS: u16 = 0x8847;
    pub(crate) const MPLS_MCAST: u16 = 0x8848;
    pub(crate) const QINQ: u16 = 0x88a8;
    pub(crate) const NSH: u16 = 0x894f;
    /// What the key says of 802.2 frames without SNAP.
    pub(crate) const NOT_ETH: u16 = 0x05ff;
    /// The lowest type; below it the two bytes are a length.
    pub(crate) const MIN: u16 = 0x0600;
}

/// IP protocol numbers that decide what follows.
pub(crate) mod ip {
    pub(crate) const ICMP: u8 = 1;
    pub(crate) const IGMP: u8 = 2;
    pub(crate) const TCP: u8 = 6;
    pub(crate) const UDP: u8 = 17;
    pub(crate) const ICMPV6: u8 = 58;
    pub(crate) const SCTP: u8 = 132;
}

/// ICMPv6 types of neighbour discovery.
pub(crate) mod nd {
    pub(crate) const SOLICIT: u16 = 135;
    pub(crate) const ADVERT: u16 = 136;
}

impl FlowKey {
    /// The Ethernet type, also of a packet that begins with its network header (`packet_type=(1,TYPE)`).
    pub fn ethertype(&self) -> u16 {
        let packet_type = self.packet_type.get();
        match packet_type >> 16 {
            0 => self.dl_type.get(),
            1 => packet_type as u16,
            _ => 0,
        }
    }

    /// Whether the packet begins with an Ethernet header.
    pub fn is_ethernet(&self) -> bool {
        self.packet_type.get() == 0
    }
}

/// A key under an optional mask: without one, every bit is known.
struct Known<'a>(&'a FlowKey, Option<&'a FlowMask>);

/// One of these says that the tracker knows the connection.
const CT_KNOWN: CtState = CtState::NEW
    .union(CtState::EST)
    .union(CtState::REL)
    .union(CtState::RPL)
    .union(CtState::SNAT)
    .union(CtState::DNAT);
/// Every known connection of a packet has one of these.
const CT_VALID: CtState = CtState::NEW.union(CtState::EST).union(CtState::RPL);

impl Known<'_> {
    fn is_ip(&self) -> bool {
        matches!(self.0.ethertype(), eth::IPV4 | eth::IPV6)
    }

    /// TCP, UDP or SCTP, and not in a later fragment, which has no ports.
    fn is_transport(&self, proto: u8) -> bool {
        let later = self.0.nw_frag & FragKind::LATER.bits() != 0;
        self.is_ip() && self.0.nw_proto == proto && !later
    }

    fn is_icmpv6(&self) -> bool {
        self.0.ethertype() == eth::IPV6 && self.0.nw_proto == ip::ICMPV6
    }

    /// The code is zero unless something else is said: a match need not say it.
    fn is_nd(&self, types: &[u16]) -> bool {
        self.is_icmpv6() && self.0.tp_dst.get() == 0 && types.contains(&self.0.tp_src.get())
    }

    fn is_ct(&self) -> bool {
        let state = CtState::from_bits_retain(self.0.ct_state);
        let Some(mask) = self.1 else { return state.intersects(CT_VALID) };
        let asked = CtState::from_bits_retain(mask.fields.ct_state);
        let not_invalid = asked.contains(CtState::INV) && !state.contains(CtState::INV);
        state.intersects(CT_KNOWN) || (state.contains(CtState::TRK) && not_invalid)
    }

    fn meets(&self, prereq: Prereq) -> bool {
        let ethertype = self.0.ethertype();
        match prereq {
            Prereq::None => true,
            Prereq::Ethernet => self.0.is_ethernet(),
            Prereq::Arp => matches!(ethertype, eth::ARP | eth::RARP),
            Prereq::VlanVid => self.0.is_ethernet() && self.0.vlans[0].tci.get() & crate::VLAN_CFI != 0,
            Prereq::Ipv4 => ethertype == eth::IPV4,
            Prereq::Ipv6 => ethertype == eth::IPV6,
            Prereq::Ip => self.is_ip(),
            Prereq::Mpls => matches!(ethertype, eth::MPLS | eth::MPLS_MCAST),
            Prereq::Nsh => ethertype == eth::NSH,
            Prereq::Ct => self.is_ct(),
            Prereq::Tcp => self.is_transport(ip::TCP),
            Prereq::Udp => self.is_transport(ip::UDP),
            Prereq::Sctp => self.is_transport(ip::SCTP),
            Prereq::Icmpv4 => ethertype == eth::IPV4 && self.0.nw_proto == ip::ICMP,
            Prereq::Icmpv6 => self.is_icmpv6(),
            Prereq::Nd => self.is_nd(&[nd::SOLICIT, nd::ADVERT]),
            Prereq::NdSolicit => self.is_nd(&[nd::SOLICIT]),
            Prereq::NdAdvert => self.is_nd(&[nd::ADVERT]),
        }
    }
}

impl Field {
    /// Whether a packet with this key has the field.
    pub fn applies(self, key: &FlowKey) -> bool {
        Known(key, None).meets(self.facts().prereq)
    }

    /// Whether every packet of the match has the field.
    pub fn applies_to_match(self, m: &Match) -> bool {
        Known(&m.key, Some(&m.mask)).meets(self.facts().prereq)
    }

    /// Adds to `mask` the bits that decide whether a packet with this key has the field. The Ethernet type and the kind
    /// of fragment are exact in every mask of a packet.
    pub fn mask_prerequisites(self, key: &FlowKey, mask: &mut FlowMask) {
        let known = Known(key, None);
        let v6 = key.ethertype() == eth::IPV6;
        let fields = &mut mask.fields;
        match self.facts().prereq {
            Prereq::VlanVid => {
                let tci = fields.vlans[0].tci.get();
                fields.vlans[0].tci.set(tci | crate::VLAN_CFI);
            }
            Prereq::Ct => fields.ct_state |= CT_VALID.bits(),
            Prereq::Tcp | Prereq::Udp | Prereq::Sctp if known.is_ip() => fields.nw_proto = 0xff,
            Prereq::Icmpv4 if key.ethertype() == eth::IPV4 => fields.nw_proto = 0xff,
            Prereq::Icmpv6 if v6 => fields.nw_proto = 0xff,
            Prereq::Nd | Prereq::NdSolicit | Prereq::NdAdvert if v6 => {
                fields.nw_proto = 0xff;
                if key.nw_proto == ip::ICMPV6 {
                    fields.tp_src.set(0xffff);
                    fields.tp_dst.set(0xffff);
                }
            }
            _ => {}
        }
    }
}
