//! Which bits of a key a packet really has.

use crate::field::numbers::{eth, ip, nd};
use crate::{FlowKey, FlowMask, TunnelKey, U16, U32, U64};

const ALL16: U16 = U16::MAX_VALUE;
const ALL32: U32 = U32::MAX_VALUE;

/// All bits of the fields that a packet with this key has.
pub(crate) fn for_packet(key: &FlowKey) -> FlowMask {
    let mut mask = FlowMask::default();
    metadata(key, &mut mask.fields);
    if key.is_ethernet() {
        mask.fields.dl_dst = [0xff; 6];
        mask.fields.dl_src = [0xff; 6];
        mask.fields.dl_type = ALL16;
        for (i, tag) in mask.fields.vlans.iter_mut().enumerate() {
            // The tag after the last one is matched too, as absent.
            if i == 0 || key.vlans[i - 1].tci.get() != 0 {
                tag.tpid = ALL16;
                tag.tci = ALL16;
            }
        }
    }
    network(key, &mut mask.fields);
    mask
}

fn metadata(key: &FlowKey, m: &mut FlowKey) {
    if key.tunnel.is_present() {
        let t = &mut m.tunnel;
        t.id = U64::MAX_VALUE;
        if key.tunnel.dst.get() != 0 {
            t.src = ALL32;
            t.dst = ALL32;
        } else {
            t.ipv6_src = [0xff; 16];
            t.ipv6_dst = [0xff; 16];
        }
        t.flags = u16::MAX;
        t.tos = 0xff;
        t.ttl = 0xff;
        t.tp_src = ALL16;
        t.tp_dst = ALL16;
        t.gbp_id = ALL16;
        t.gbp_flags = 0xff;
        t.erspan_ver = 0xff;
        t.erspan_idx = ALL32;
        t.erspan_dir = 0xff;
        t.erspan_hwid = 0xff;
        t.gtpu_flags = 0xff;
        t.gtpu_msgtype = 0xff;
        options(&key.tunnel, t);
    } else if key.tunnel.id.get() != 0 {
        // A key that is set for a tunnel to come.
        m.tunnel.id.set(u64::MAX);
    }
    m.metadata = U64::MAX_VALUE;
    m.regs = [u32::MAX; crate::REGISTERS];
    m.skb_priority = u32::MAX;
    m.pkt_mark = u32::MAX;
    m.dp_hash = u32::MAX;
    m.in_port = u32::MAX;
    m.recirc_id = u32::MAX;
    m.packet_type = ALL32;
    m.ct_state = 0xff;
    m.ct_zone = u16::MAX;
    m.ct_mark = u32::MAX;
    m.ct_label = [0xff; 16];
    connection(key, m);
}

/// All bytes of options as they came, or of the options that are present.
fn options(key: &TunnelKey, mask: &mut TunnelKey) {
    if let Some(options) = key.options() {
        mask.metadata_present = u64::MAX;
        mask.metadata[..options.len()].fill(0xff);
        return;
    }
    mask.metadata_present = key.metadata_present;
    for (i, option) in mask.metadata.chunks_exact_mut(4).enumerate() {
        if key.metadata_present >> i & 1 != 0 {
            option.fill(0xff);
        }
    }
}

/// The original direction's addresses exist if the connection is known, over the same IP version.
fn connection(key: &FlowKey, m: &mut FlowKey) {
    if key.ct_nw_proto == 0 {
        return;
    }
    match key.ethertype() {
        eth::IPV4 => {
            m.ct_nw_src = ALL32;
            m.ct_nw_dst = ALL32;
        }
        eth::IPV6 => {
            m.ct_ipv6_src = [0xff; 16];
            m.ct_ipv6_dst = [0xff; 16];
        }
        _ => return,
    }
    m.ct_nw_proto = 0xff;
    m.ct_tp_src = ALL16;
    m.ct_tp_dst = ALL16;
}

fn network(key: &FlowKey, m: &mut FlowKey) {
    match key.ethertype() {
        eth::IPV4 => {
            m.nw_src = ALL32;
            m.nw_dst = ALL32;
        }
        eth::IPV6 => {
            m.ipv6_src = [0xff; 16];
            m.ipv6_dst = [0xff; 16];
            m.ipv6_label = ALL32;
        }
        eth::ARP | eth::RARP => {
            m.nw_src = ALL32;
            m.nw_dst = ALL32;
            m.nw_proto = 0xff;
            m.arp_sha = [0xff; 6];
            m.arp_tha = [0xff; 6];
            return;
        }
        eth::MPLS | eth::MPLS_MCAST => {
            for (i, label) in m.mpls_lse.iter_mut().take(crate::MAX_MPLS).enumerate() {
                *label = ALL32;
                if key.mpls_lse[i].get() & 0x100 != 0 {
                    break;
                }
            }
            return;
        }
        eth::NSH => {
            m.nsh.flags = 0xff;
            m.nsh.ttl = 0xff;
            m.nsh.mdtype = 0xff;
            m.nsh.np = 0xff;
            m.nsh.path_hdr = ALL32;
            if key.nsh.mdtype == 1 {
                m.nsh.context = [ALL32; 4];
            }
        }
        _ => return,
    }
    m.nw_frag = 0xff;
    m.nw_tos = 0xff;
    m.nw_ttl = 0xff;
    m.nw_proto = 0xff;
    transport(key, m);
}

fn transport(key: &FlowKey, m: &mut FlowKey) {
    if key.nw_frag & crate::FragKind::LATER.bits() != 0 {
        if key.dl_type.get() == eth::IPV6 && key.nw_proto == ip::ICMPV6 {
            // The question whether it is neighbour discovery comes first in the original.
            m.tp_src = ALL16;
            m.tp_dst = ALL16;
        }
        return;
    }
    match key.nw_proto {
        ip::TCP => m.tcp_flags = ALL16,
        ip::IGMP => m.igmp_group_ip4 = ALL32,
        ip::UDP | ip::SCTP | ip::ICMP | ip::ICMPV6 => {}
        _ => return,
    }
    m.tp_src = ALL16;
    m.tp_dst = ALL16;
    let nd = matches!(key.tp_src.get(), nd::SOLICIT | nd::ADVERT) && key.tp_dst.get() == 0;
    if key.nw_proto == ip::ICMPV6 && nd {
        m.arp_sha = [0xff; 6];
        m.arp_tha = [0xff; 6];
        m.nd_target = [0xff; 16];
        m.nd_reserved = ALL32;
        m.nd_options_type = 0xff;
    }
}
