//! The packets and texts that are measured, in time and in instructions.

use ovs_flow::text::{NoNames, parse_dp_key};
use ovs_flow::{DpPort, Metadata, TunnelFlags, TunnelKey, compose, hash::HashKey};

/// Ethernet, IPv4, UDP.
pub const UDP4: &str = "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),\
    ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=5,dst=80)";
/// Ethernet, IPv4, TCP.
pub const TCP4: &str = "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),\
    ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=5,dst=80),tcp_flags(ack)";
/// Ethernet, one tag, IPv6, TCP.
pub const TCP6_VLAN: &str = "eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x8100),vlan(vid=7,pcp=0),\
    encap(eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::2,label=0,proto=6,tclass=0,hlimit=64,frag=no),\
    tcp(src=5,dst=80),tcp_flags(ack))";
/// A match in OpenFlow syntax.
pub const MATCH: &str = "tcp,in_port=1,nw_src=10.0.0.0/8,nw_dst=192.168.1.1,tp_dst=80";

/// 32 packets of a flow that differ in their source port.
pub fn batch(flow: &str) -> Vec<Vec<u8>> {
    (0..32)
        .map(|i| {
            let mut key = parse_dp_key(flow, &NoNames).expect("a flow");
            key.tp_src.set(1000 + i);
            compose(&key, 64)
        })
        .collect()
}

/// What is known of a packet from port 1.
pub fn from_port() -> Metadata {
    Metadata::of_port(DpPort(1))
}

/// What is known of a packet that came out of a VXLAN tunnel.
pub fn from_vxlan() -> Metadata {
    let mut tunnel = TunnelKey::default();
    tunnel.id.set(7);
    tunnel.src.set(0x0a00_0001);
    tunnel.dst.set(0x0a00_0002);
    tunnel.ttl = 64;
    tunnel.tp_src.set(40_000);
    tunnel.tp_dst.set(4789);
    tunnel.flags = TunnelFlags::KEY.bits();
    Metadata { tunnel: Some(Box::new(tunnel)), ..from_port() }
}

/// The bare minimum: Ethernet, IPv4 and UDP headers' bytes as words, and a hash of the five-tuple's.
pub fn bare(packet: &[u8], hash: &HashKey) -> u64 {
    let word =
        |at: usize| packet.get(at..).and_then(|p| p.first_chunk::<8>()).map_or(0, |w| u64::from_ne_bytes(*w));
    let rest = word(0) ^ word(6) ^ word(14);
    hash.words(&[word(26), word(34) & 0xffff_ffff, word(22) & 0xffff]) ^ rest
}
