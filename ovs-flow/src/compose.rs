//! From a flow key to a packet that has it: for tests, `netdev-dummy/receive FLOW` and `ofproto/trace --generate`.

use alloc::vec::Vec;

use crate::field::numbers::{eth, ip, nd};
use crate::{FlowKey, FragKind};

/// Bytes of payload where the flow says nothing of it.
pub const PAYLOAD: usize = 64;

/// The offset, in eight bytes, that a later fragment is given.
const LATER_OFFSET: u16 = 0x64;

/// FIN, SYN and RST.
const EMPTY_TCP: u16 = 0x007;

/// Makes a packet with this key: its layers, lengths and checksums, and `payload` bytes (counting up from zero) where a
/// packet of its kind carries data: behind UDP, behind TCP without SYN, FIN and RST, and in ICMP echoes. SCTP gets no
/// checksum. An IPv6 packet gets no fragment header, because the key does not say what it would hold.
///
/// ```
/// use ovs_flow::{compose, FlowKey};
///
/// let mut key = FlowKey::default();
/// key.dl_type.set(0x1234);
/// assert_eq!(compose(&key, 64), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34]);
/// ```
pub fn compose(key: &FlowKey, payload: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..payload).map(|i| i as u8).collect();
    compose_around(key, &bytes)
}

/// The same, with these bytes as payload.
pub fn compose_around(key: &FlowKey, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + payload.len());
    let mut type_at = None;
    if key.is_ethernet() {
        out.extend(key.dl_dst);
        out.extend(key.dl_src);
        for tag in key.vlans.iter().take_while(|tag| tag.tci.get() & crate::VLAN_CFI != 0) {
            let tpid = if tag.tpid.get() == 0 { eth::VLAN } else { tag.tpid.get() };
            out.extend(tpid.to_be_bytes());
            out.extend((tag.tci.get() & !crate::VLAN_CFI).to_be_bytes());
        }
        type_at = Some(out.len());
        out.extend(key.dl_type.get().to_be_bytes());
    }
    match key.ethertype() {
        eth::IPV4 => ipv4(key, payload, &mut out),
        eth::IPV6 => ipv6(key, payload, &mut out),
        eth::ARP | eth::RARP => arp(key, &mut out),
        eth::MPLS | eth::MPLS_MCAST => mpls(key, &mut out),
        eth::NSH => nsh(key, &mut out),
        _ => {}
    }
    if let (Some(at), true) = (type_at, key.dl_type.get() < eth::MIN) {
        // Without a type, the two bytes are a length.
        let len = (out.len() as u16).to_be_bytes();
        out[at..at + 2].copy_from_slice(&len);
    }
    out
}

fn mpls(key: &FlowKey, out: &mut Vec<u8>) {
    for lse in key.mpls_lse.iter().take(crate::MAX_MPLS) {
        out.extend(lse.get().to_be_bytes());
        if lse.get() & 0x100 != 0 {
            break;
        }
    }
}

fn nsh(key: &FlowKey, out: &mut Vec<u8>) {
    let nsh = &key.nsh;
    let words: u8 = if nsh.mdtype == 1 { 6 } else { 2 };
    out.extend([(nsh.flags & 3) << 4 | nsh.ttl >> 2 & 0xf, nsh.ttl << 6 | words, nsh.mdtype, nsh.np]);
    out.extend(nsh.path_hdr.get().to_be_bytes());
    if nsh.mdtype == 1 {
        nsh.context.iter().for_each(|c| out.extend(c.get().to_be_bytes()));
    }
}

fn arp(key: &FlowKey, out: &mut Vec<u8>) {
    out.extend([0, 1, 8, 0, 6, 4, 0, key.nw_proto]);
    if matches!(key.nw_proto, 1 | 2) {
        out.extend(key.arp_sha);
        out.extend(key.nw_src.get().to_be_bytes());
        out.extend(key.arp_tha);
        out.extend(key.nw_dst.get().to_be_bytes());
    } else {
        out.extend([0; 20]);
    }
}

fn ipv4(key: &FlowKey, payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut frag = 0;
    if key.nw_frag & FragKind::ANY.bits() != 0 {
        frag |= 0x2000_u16;
    }
    if key.nw_frag & FragKind::LATER.bits() != 0 {
        frag |= LATER_OFFSET;
    }
    out.extend([0x45, key.nw_tos, 0, 0, 0, 0]);
    out.extend(frag.to_be_bytes());
    out.extend([key.nw_ttl, key.nw_proto, 0, 0]);
    out.extend(key.nw_src.get().to_be_bytes());
    out.extend(key.nw_dst.get().to_be_bytes());
    transport(key, payload, out, start + 12);
    let total = (out.len() - start) as u16;
    out[start + 2..start + 4].copy_from_slice(&total.to_be_bytes());
    let sum = checksum(0, &out[start..start + 20]);
    out[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());
}

fn ipv6(key: &FlowKey, payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let first = 6 << 28 | u32::from(key.nw_tos) << 20 | key.ipv6_label.get() & 0xf_ffff;
    out.extend(first.to_be_bytes());
    out.extend([0, 0, key.nw_proto, key.nw_ttl]);
    out.extend(key.ipv6_src);
    out.extend(key.ipv6_dst);
    transport(key, payload, out, start + 8);
    let len = (out.len() - start - 40) as u16;
    out[start + 4..start + 6].copy_from_slice(&len.to_be_bytes());
}

/// Appends the transport header and payload. `addresses` is where the two addresses of the pseudo header begin; they
/// reach up to the end.
fn transport(key: &FlowKey, payload: &[u8], out: &mut Vec<u8>, addresses: usize) {
    if key.nw_frag & FragKind::LATER.bits() != 0 {
        return;
    }
    let start = out.len();
    let v6 = key.ethertype() == eth::IPV6;
    let (src, dst) = (key.tp_src.get(), key.tp_dst.get());
    let ports = [src.to_be_bytes(), dst.to_be_bytes()].concat();
    // Where the checksum stands, and whether the pseudo header is part of it.
    let (at, pseudo) = match key.nw_proto {
        ip::TCP => {
            out.extend(ports);
            out.extend([0; 8]);
            out.extend((0x5000 | key.tcp_flags.get() & 0xfff).to_be_bytes());
            out.extend([0; 6]);
            if key.tcp_flags.get() & EMPTY_TCP == 0 {
                out.extend(payload);
            }
            (16, true)
        }
        ip::UDP => {
            out.extend(ports);
            out.extend([0; 4]);
            out.extend(payload);
            let len = (out.len() - start) as u16;
            out[start + 4..start + 6].copy_from_slice(&len.to_be_bytes());
            (6, true)
        }
        ip::SCTP => {
            out.extend(ports);
            out.extend([0; 8]);
            return;
        }
        ip::ICMP if !v6 => {
            out.extend([src as u8, dst as u8, 0, 0, 0, 0, 0, 0]);
            if matches!(src, 0 | 8) && dst == 0 {
                out.extend(payload);
            }
            (2, false)
        }
        ip::IGMP if !v6 => {
            out.extend([src as u8, dst as u8, 0, 0]);
            out.extend(key.igmp_group_ip4.get().to_be_bytes());
            (2, false)
        }
        ip::ICMPV6 if v6 => {
            icmpv6(key, payload, out);
            (2, true)
        }
        _ => return,
    };
    let mut sum = 0;
    if pseudo {
        sum = partial(u32::from(key.nw_proto) + (out.len() - start) as u32, &out[addresses..start]);
    }
    let sum = match checksum(sum, &out[start..]) {
        // Zero would say "no checksum".
        0 if key.nw_proto == ip::UDP => 0xffff,
        sum => sum,
    };
    out[start + at..start + at + 2].copy_from_slice(&sum.to_be_bytes());
}

fn icmpv6(key: &FlowKey, payload: &[u8], out: &mut Vec<u8>) {
    let (kind, code) = (key.tp_src.get(), key.tp_dst.get());
    out.extend([kind as u8, code as u8, 0, 0]);
    out.extend(key.nd_reserved.get().to_be_bytes());
    if code != 0 {
        return;
    }
    match kind {
        128 | 129 => out.extend(payload),
        nd::SOLICIT | nd::ADVERT => {
            out.extend(key.nd_target);
            let options = [(1, key.arp_sha), (2, key.arp_tha)];
            for (option, address) in options.into_iter().filter(|(_, address)| *address != [0; 6]) {
                out.extend([option, 1]);
                out.extend(address);
            }
        }
        _ => {}
    }
}

/// The sum of big-endian 16-bit words, not folded.
fn partial(start: u32, bytes: &[u8]) -> u32 {
    bytes.chunks(2).fold(start, |sum, word| {
        sum.wrapping_add(u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low)))
    })
}

/// RFC 1071.
fn checksum(start: u32, bytes: &[u8]) -> u16 {
    let mut sum = partial(start, bytes);
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
