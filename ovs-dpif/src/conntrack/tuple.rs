//! One direction of a connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ovs_flow::CtMetadata;
use ovs_flow::hash::HashKey;
use ovs_packet::wire::IpProtocol;

use super::table::Packed;

/// What the packets of one direction of a connection have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tuple {
    /// Zone: connections of different zones have nothing to do with each other.
    pub zone: u16,
    /// Whether the addresses are IPv6.
    pub ipv6: bool,
    /// IP protocol.
    pub proto: u8,
    /// Source address, network order; IPv4 in the first four bytes.
    pub src: [u8; 16],
    /// Destination address.
    pub dst: [u8; 16],
    /// Source port, host order; identifier of an ICMP query; 0 for protocols without.
    pub src_port: u16,
    /// Destination port; identifier of an ICMP query; 0 for protocols without.
    pub dst_port: u16,
    /// Type of an ICMP query, else 0.
    pub icmp_type: u8,
    /// Code of an ICMP query, else 0.
    pub icmp_code: u8,
}

impl Tuple {
    /// The other direction, if nothing is translated.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            src: self.dst,
            dst: self.src,
            src_port: self.dst_port,
            dst_port: self.src_port,
            icmp_type: if self.is_icmp() { answer(self.ipv6, self.icmp_type) } else { 0 },
            ..*self
        }
    }

    /// Whether it is an ICMP or ICMPv6 query.
    pub fn is_icmp(&self) -> bool {
        if self.ipv6 { self.proto == IpProtocol::ICMPV6.0 } else { self.proto == IpProtocol::ICMP.0 }
    }

    /// Whether its ports may be translated.
    pub fn has_ports(&self) -> bool {
        matches!(IpProtocol(self.proto), IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP)
    }

    /// Source address.
    pub fn src_ip(&self) -> IpAddr {
        ip(self.ipv6, &self.src)
    }

    /// Destination address.
    pub fn dst_ip(&self) -> IpAddr {
        ip(self.ipv6, &self.dst)
    }

    /// A hash that is the same for both directions.
    #[inline]
    pub(super) fn hash(&self, key: &HashKey) -> u64 {
        Packed::of(self).hash(key)
    }

    /// Writes what the original direction is into a packet's metadata.
    pub(super) fn describe(&self, ct: &mut CtMetadata) {
        ct.orig_proto = self.proto;
        ct.orig_ipv6 = self.ipv6;
        ct.orig_addr = [self.src, self.dst];
        ct.orig_ports = if self.is_icmp() {
            [u16::from(self.icmp_type), u16::from(self.icmp_code)]
        } else {
            [self.src_port, self.dst_port]
        };
    }
}

fn ip(ipv6: bool, address: &[u8; 16]) -> IpAddr {
    if ipv6 {
        IpAddr::V6(Ipv6Addr::from(*address))
    } else {
        let [a, b, c, d, ..] = *address;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    }
}

/// The address as a tuple has it.
pub(super) fn wide(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut wide = [0; 16];
            wide[..4].copy_from_slice(&address.octets());
            wide
        }
    }
}

/// What answers an ICMP query, and the other way around (RFC 792, RFC 4443 section 4).
#[inline]
pub(super) fn answer(ipv6: bool, kind: u8) -> u8 {
    match (ipv6, kind) {
        (false, 8) => 0,
        (false, 0) => 8,
        (false, 13 | 15) | (true, 128) => kind + 1,
        (false, 14 | 16) | (true, 129) => kind - 1,
        _ => kind,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn tuples() -> impl Strategy<Value = Tuple> {
        let ends = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<u16>(), any::<u16>());
        (any::<(u16, bool)>(), prop::sample::select(vec![1_u8, 6, 17, 58, 132]), ends, any::<(u8, u8)>())
            .prop_map(|((zone, ipv6), proto, (mut src, mut dst, src_port, dst_port), (kind, code))| {
                if !ipv6 {
                    src[4..].fill(0);
                    dst[4..].fill(0);
                }
                let tuple = Tuple { zone, ipv6, proto, src, dst, src_port, dst_port, ..Tuple::default() };
                if tuple.is_icmp() {
                    // Both ports are the identifier.
                    Tuple { icmp_type: kind, icmp_code: code, dst_port: src_port, ..tuple }
                } else {
                    tuple
                }
            })
    }

    proptest! {
        #[test]
        fn both_directions_hash_alike(tuple in tuples(), seed in any::<u64>()) {
            let key = HashKey::from_seed(seed);
            prop_assert_eq!(tuple.hash(&key), tuple.reversed().hash(&key));
            prop_assert_eq!(tuple.reversed().reversed(), tuple);
        }

        #[test]
        fn other_zones_hash_otherwise(tuple in tuples(), zone in any::<u16>()) {
            prop_assume!(zone != tuple.zone);
            let key = HashKey::from_seed(1);
            prop_assert_ne!(tuple.hash(&key), Tuple { zone, ..tuple }.hash(&key));
        }
    }
}
