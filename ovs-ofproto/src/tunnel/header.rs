//! The headers that are put around packets.

use std::net::IpAddr;

use ovs_flow::{FlowKey, U16, U32};

use super::Wrap;

const DONT_FRAGMENT: u16 = 0x4000;

/// What outer headers say.
#[derive(Clone, Debug)]
pub(crate) struct Outer {
    pub src_mac: [u8; 6],
    pub dst_mac: [u8; 6],
    pub src: IpAddr,
    pub dst: IpAddr,
    pub tos: u8,
    pub ttl: u8,
    pub dont_fragment: bool,
    pub wrap: Wrap,
}

/// The headers, from the Ethernet header on. Lengths, the IPv4 checksum and the source port are zero.
pub(crate) fn build(outer: &Outer) -> Vec<u8> {
    let mut header = Vec::with_capacity(128);
    let protocol = outer.wrap.protocol;
    header.extend(outer.dst_mac);
    header.extend(outer.src_mac);
    match (outer.src, outer.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            header.extend([0x08, 0x00, 0x45, outer.tos, 0, 0, 0, 0]);
            header.extend(if outer.dont_fragment { DONT_FRAGMENT } else { 0 }.to_be_bytes());
            header.extend([outer.ttl, protocol, 0, 0]);
            header.extend(src.octets());
            header.extend(dst.octets());
        }
        (src, dst) => {
            let tos = outer.tos;
            header.extend([0x86, 0xdd, 0x60 | tos >> 4, tos << 4, 0, 0, 0, 0, protocol, outer.ttl]);
            header.extend(v6(src));
            header.extend(v6(dst));
        }
    }
    header.extend_from_slice(&outer.wrap.bytes);
    header
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

impl Outer {
    /// The key of the outer packet; its source port, which differs from packet to packet, is zero.
    pub fn key(&self) -> FlowKey {
        let mut key = FlowKey::default();
        (key.dl_src, key.dl_dst) = (self.src_mac, self.dst_mac);
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                key.dl_type = U16::new(0x0800);
                (key.nw_src, key.nw_dst) = (U32::new(src.to_bits()), U32::new(dst.to_bits()));
            }
            (src, dst) => {
                key.dl_type = U16::new(0x86dd);
                (key.ipv6_src, key.ipv6_dst) = (v6(src), v6(dst));
            }
        }
        (key.nw_proto, key.nw_tos, key.nw_ttl) = (self.wrap.key_protocol, self.tos, self.ttl);
        key.tp_dst = U16::new(self.wrap.dst_port);
        key
    }
}
