//! The headers that are put around packets.

use std::net::IpAddr;

use ovs_dpif::TunnelKind;
use ovs_flow::{FlowKey, U16, U32};

const UDP: u8 = 17;
const DONT_FRAGMENT: u16 = 0x4000;
/// The type of an Ethernet frame as a payload.
const ETHERNET: u16 = 0x6558;

/// What outer headers say.
#[derive(Clone, Debug)]
pub(crate) struct Outer {
    pub kind: TunnelKind,
    pub src_mac: [u8; 6],
    pub dst_mac: [u8; 6],
    pub src: IpAddr,
    pub dst: IpAddr,
    pub tos: u8,
    pub ttl: u8,
    pub dont_fragment: bool,
    pub csum: bool,
    pub dst_port: u16,
    pub id: u64,
    pub oam: bool,
    /// Of Geneve.
    pub options: Vec<u8>,
}

/// The headers, from the Ethernet header on. Lengths, the IPv4 checksum and the source port are zero.
pub(crate) fn build(outer: &Outer) -> Vec<u8> {
    let mut header = Vec::with_capacity(128);
    header.extend(outer.dst_mac);
    header.extend(outer.src_mac);
    match (outer.src, outer.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            header.extend([0x08, 0x00, 0x45, outer.tos, 0, 0, 0, 0]);
            header.extend(if outer.dont_fragment { DONT_FRAGMENT } else { 0 }.to_be_bytes());
            header.extend([outer.ttl, UDP, 0, 0]);
            header.extend(src.octets());
            header.extend(dst.octets());
        }
        (src, dst) => {
            header.extend([0x86, 0xdd, 0x60 | outer.tos >> 4, outer.tos << 4, 0, 0, 0, 0, UDP, outer.ttl]);
            header.extend(v6(src));
            header.extend(v6(dst));
        }
    }
    // Over IPv6 there is always a checksum (RFC 8200 section 8.1).
    let csum: u16 = if outer.csum || outer.dst.is_ipv6() { 0xffff } else { 0 };
    header.extend([0, 0]);
    header.extend(outer.dst_port.to_be_bytes());
    header.extend([0, 0]);
    header.extend(csum.to_be_bytes());
    let [.., a, b, c] = outer.id.to_be_bytes();
    match outer.kind {
        TunnelKind::Geneve => {
            let critical = has_critical(&outer.options);
            let flags = u8::from(outer.oam) << 7 | u8::from(critical) << 6;
            header.extend([(outer.options.len() / 4) as u8, flags]);
            header.extend(ETHERNET.to_be_bytes());
            header.extend([a, b, c, 0]);
            header.extend_from_slice(&outer.options);
        }
        _ => header.extend([0x08, 0, 0, 0, a, b, c, 0]),
    }
    header
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Whether an option must be understood (RFC 8926 section 3.5.1).
fn has_critical(mut options: &[u8]) -> bool {
    while let [_, _, kind, len, rest @ ..] = options {
        if kind & 0x80 != 0 {
            return true;
        }
        options = rest.get(usize::from(len & 0x1f) * 4..).unwrap_or_default();
    }
    false
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
        (key.nw_proto, key.nw_tos, key.nw_ttl) = (UDP, self.tos, self.ttl);
        key.tp_dst = U16::new(self.dst_port);
        key
    }
}
