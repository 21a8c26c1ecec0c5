//! Printing matches and whole flows in OpenFlow syntax.

use core::fmt::{self, Display, Write};

use super::flags::{CT_STATE, TCP_FLAGS, TUN_FLAGS};
use super::list::{Hash, List};
use super::{PortNames, frag};
use crate::field::Field;
use crate::field::numbers::{eth, ip};
use crate::{FlowKey, FlowMask, MAX_MPLS, MAX_VLANS, Match, OfPort, TunnelFlags, TunnelKey, U32, VLAN_CFI};

/// A match as `ovs-ofctl` prints it: `tcp,in_port=1,nw_src=10.0.0.0/8`.
pub struct MatchDisplay<'a, P> {
    /// What to print.
    pub m: &'a Match,
    /// Names for `in_port` and `actset_output`.
    pub ports: &'a P,
}

/// A whole key as `ofproto/trace` prints flows: every field that the packet has, but metadata that are zero left out.
pub struct FlowDisplay<'a, P> {
    /// What to print.
    pub key: &'a FlowKey,
    /// Names for `in_port` and `actset_output`.
    pub ports: &'a P,
}

impl<P: PortNames> Display for MatchDisplay<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List::new(f);
        let printer = Printer { key: &self.m.key, mask: &self.m.mask.fields, ports: self.ports };
        printer.print(&mut list)
    }
}

impl<P: PortNames> Display for FlowDisplay<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut mask = FlowMask::for_packet(self.key);
        hide_zero_metadata(self.key, &mut mask);
        show_tunnel(self.key, &mut mask);
        if self.key.tunnel.is_present() && self.key.tunnel.options().is_none() {
            self.ports.option_places().mask_of(&self.key.tunnel, &mut mask.fields.tunnel);
        }
        MatchDisplay { m: &Match { key: *self.key, mask }, ports: self.ports }.fmt(f)
    }
}

/// Of a tunnel the addresses of both families are shown, and its key only if it has one.
fn show_tunnel(key: &FlowKey, mask: &mut FlowMask) {
    if key.tunnel.is_present() {
        let tunnel = &mut mask.fields.tunnel;
        (tunnel.src, tunnel.dst) = (U32::new(u32::MAX), U32::new(u32::MAX));
        (tunnel.ipv6_src, tunnel.ipv6_dst) = ([0xff; 16], [0xff; 16]);
        if key.tunnel.flags & TunnelFlags::KEY.bits() == 0 {
            tunnel.id.set(0);
        }
    }
}

/// Unmasks the metadata that are zero, so that what is left is worth reading.
fn hide_zero_metadata(key: &FlowKey, mask: &mut FlowMask) {
    let metadata = [
        Field::SKB_PRIORITY,
        Field::PKT_MARK,
        Field::RECIRC_ID,
        Field::DP_HASH,
        Field::CT_STATE,
        Field::CT_ZONE,
        Field::CT_MARK,
        Field::CT_LABEL,
        Field::METADATA,
        Field::IN_PORT,
    ];
    // The original's flows do not show these two.
    mask.fields.nd_reserved.set(0);
    mask.fields.nd_options_type = 0;
    let registers = (0..crate::REGISTERS).filter_map(Field::reg);
    for field in metadata.into_iter().chain(registers) {
        let place = field.facts().place;
        if place.get(key) == 0 {
            place.set(&mut mask.fields, 0);
        }
    }
    let ct_fields = [
        Field::CT_NW_SRC,
        Field::CT_NW_DST,
        Field::CT_IPV6_SRC,
        Field::CT_IPV6_DST,
        Field::CT_TP_SRC,
        Field::CT_TP_DST,
    ];
    for field in ct_fields.into_iter().chain([Field::CT_NW_PROTO]) {
        if key.ct_nw_proto == 0 {
            field.facts().place.set(&mut mask.fields, 0);
        }
    }
}

struct Printer<'a, P> {
    key: &'a FlowKey,
    mask: &'a FlowKey,
    ports: &'a P,
}

/// What the protocol's name already said.
#[derive(Default, Clone, Copy)]
struct Said {
    dl_type: bool,
    nw_proto: bool,
}

impl<P: PortNames> Printer<'_, P> {
    fn print(&self, out: &mut List<'_, '_>) -> fmt::Result {
        let dl_type = self.metadata(out)?;
        let said = self.protocol(out, dl_type)?;
        self.registers(out)?;
        self.tunnel(out)?;
        let (k, m) = (self.key, self.mask);
        out.hex("metadata", k.metadata.get(), m.metadata.get(), u64::MAX)?;
        if m.in_port != 0 {
            out.item(format_args!("in_port="))?;
            self.ports.write_of_port(k.of_port(), out.f)?;
        }
        self.vlans(out)?;
        out.eth("dl_src", k.dl_src, m.dl_src)?;
        out.eth("dl_dst", k.dl_dst, m.dl_dst)?;
        if !said.dl_type && m.dl_type.get() != 0 {
            out.item(format_args!("dl_type=0x{:04x}", k.dl_type.get()))?;
        }
        self.network(out, dl_type, said)?;
        self.mpls(out)?;
        self.frag(out)?;
        self.transport(out, dl_type)
    }

    /// Prints what comes first, and gives the Ethernet type that decides what the rest means.
    fn metadata(&self, out: &mut List<'_, '_>) -> Result<u16, fmt::Error> {
        let (k, m) = (self.key, self.mask);
        out.hex("pkt_mark", k.pkt_mark.into(), m.pkt_mark.into(), u32::MAX.into())?;
        if m.recirc_id != 0 {
            out.hex("recirc_id", k.recirc_id.into(), 1, 1)?;
        }
        out.hex("dp_hash", k.dp_hash.into(), m.dp_hash.into(), u32::MAX.into())?;
        if m.conj_id != 0 {
            out.item(format_args!("conj_id={}", k.conj_id))?;
        }
        if m.skb_priority != 0 {
            out.hex("skb_priority", k.skb_priority.into(), 1, 1)?;
        }
        if m.actset_output != 0 {
            out.item(format_args!("actset_output="))?;
            self.ports.write_of_port(OfPort(k.actset_output as u16), out.f)?;
        }
        self.ct(out)?;
        let packet_type = k.packet_type.get();
        let mut dl_type = k.dl_type.get();
        let default = packet_type == 0 && m.packet_type.get() == u32::MAX;
        if m.packet_type.get() != 0 && (!default || m.recirc_id != 0) {
            if default {
                out.item(format_args!("eth"))?;
            } else {
                out.item(format_args!("packet_type="))?;
                crate::field::write_packet_type(out.f, packet_type)?;
            }
            if packet_type >> 16 == 1 {
                dl_type = packet_type as u16;
            }
        }
        Ok(dl_type)
    }

    fn ct(&self, out: &mut List<'_, '_>) -> fmt::Result {
        let (k, m) = (self.key, self.mask);
        out.flags("ct_state", &CT_STATE, k.ct_state.into(), m.ct_state.into())?;
        if m.ct_zone != 0 {
            if m.ct_zone == u16::MAX {
                out.item(format_args!("ct_zone={}", k.ct_zone))?;
            } else {
                out.hex("ct_zone", k.ct_zone.into(), m.ct_zone.into(), 0)?;
            }
        }
        out.hex("ct_mark", k.ct_mark.into(), m.ct_mark.into(), u32::MAX.into())?;
        let (label, mask) = (u128::from_be_bytes(k.ct_label), u128::from_be_bytes(m.ct_label));
        if mask != 0 {
            out.item(format_args!("ct_label="))?;
            crate::field::write_hex(out.f, label)?;
            if mask != u128::MAX {
                out.f.write_char('/')?;
                crate::field::write_hex(out.f, mask)?;
            }
        }
        out.ipv4("ct_nw_src", k.ct_nw_src.get(), m.ct_nw_src.get())?;
        out.ipv6("ct_ipv6_src", k.ct_ipv6_src, m.ct_ipv6_src)?;
        out.ipv4("ct_nw_dst", k.ct_nw_dst.get(), m.ct_nw_dst.get())?;
        out.ipv6("ct_ipv6_dst", k.ct_ipv6_dst, m.ct_ipv6_dst)?;
        if m.ct_nw_proto != 0 {
            out.item(format_args!("ct_nw_proto={}", k.ct_nw_proto))?;
            out.port("ct_tp_src", k.ct_tp_src.get(), m.ct_tp_src.get())?;
            out.port("ct_tp_dst", k.ct_tp_dst.get(), m.ct_tp_dst.get())?;
        }
        Ok(())
    }

    fn protocol(&self, out: &mut List<'_, '_>, dl_type: u16) -> Result<Said, fmt::Error> {
        if self.mask.dl_type.get() == 0 {
            return Ok(Said::default());
        }
        let proto = (self.mask.nw_proto != 0).then_some(self.key.nw_proto);
        let (name, nw_proto) = match (dl_type, proto) {
            (eth::IPV4, Some(ip::ICMP)) => ("icmp", true),
            (eth::IPV4, Some(ip::TCP)) => ("tcp", true),
            (eth::IPV4, Some(ip::UDP)) => ("udp", true),
            (eth::IPV4, Some(ip::SCTP)) => ("sctp", true),
            (eth::IPV4, _) => ("ip", false),
            (eth::IPV6, Some(ip::ICMPV6)) => ("icmp6", true),
            (eth::IPV6, Some(ip::TCP)) => ("tcp6", true),
            (eth::IPV6, Some(ip::UDP)) => ("udp6", true),
            (eth::IPV6, Some(ip::SCTP)) => ("sctp6", true),
            (eth::IPV6, _) => ("ipv6", false),
            (eth::ARP, _) => ("arp", false),
            (eth::RARP, _) => ("rarp", false),
            (eth::MPLS, _) => ("mpls", false),
            (eth::MPLS_MCAST, _) => ("mplsm", false),
            _ => return Ok(Said::default()),
        };
        out.item(format_args!("{name}"))?;
        Ok(Said { dl_type: true, nw_proto })
    }

    fn registers(&self, out: &mut List<'_, '_>) -> fmt::Result {
        for (i, (value, mask)) in self.key.regs.iter().zip(&self.mask.regs).enumerate() {
            if *mask != 0 {
                out.item(format_args!("reg{i}={}", Hash((*value).into())))?;
                if *mask != u32::MAX {
                    write!(out.f, "/{}", Hash((*mask).into()))?;
                }
            }
        }
        Ok(())
    }

    fn tunnel(&self, out: &mut List<'_, '_>) -> fmt::Result {
        let (k, m): (&TunnelKey, &TunnelKey) = (&self.key.tunnel, &self.mask.tunnel);
        out.hex("tun_id", k.id.get(), m.id.get(), u64::MAX)?;
        out.ipv4("tun_src", k.src.get(), m.src.get())?;
        out.ipv4("tun_dst", k.dst.get(), m.dst.get())?;
        out.ipv6("tun_ipv6_src", k.ipv6_src, m.ipv6_src)?;
        out.ipv6("tun_ipv6_dst", k.ipv6_dst, m.ipv6_dst)?;
        out.port("tun_gbp_id", k.gbp_id.get(), m.gbp_id.get())?;
        if m.gbp_flags != 0 {
            out.hex("tun_gbp_flags", k.gbp_flags.into(), 1, 1)?;
        }
        if m.tos != 0 {
            out.item(format_args!("tun_tos={:x}", k.tos))?;
        }
        if m.ttl != 0 {
            out.item(format_args!("tun_ttl={}", k.ttl))?;
        }
        if m.erspan_ver != 0 {
            out.item(format_args!("tun_erspan_ver={}", k.erspan_ver))?;
        }
        if m.erspan_idx.get() != 0 && k.erspan_ver == 1 {
            out.hex("tun_erspan_idx", k.erspan_idx.get().into(), 1, 1)?;
        }
        if m.erspan_dir != 0 && k.erspan_ver == 2 {
            out.item(format_args!("tun_erspan_dir={}", k.erspan_dir))?;
        }
        if m.erspan_hwid != 0 && k.erspan_ver == 2 {
            out.hex("tun_erspan_hwid", k.erspan_hwid.into(), 1, 1)?;
        }
        if m.gtpu_flags != 0 {
            let prefix = if k.gtpu_flags == 0 { "" } else { "0x" };
            out.item(format_args!("gtpu_flags={prefix}{:x}", k.gtpu_flags))?;
        }
        if m.gtpu_msgtype != 0 {
            out.item(format_args!("gtpu_msgtype={}", k.gtpu_msgtype))?;
        }
        out.flags("tun_flags", &TUN_FLAGS, k.flags.into(), u32::from(m.flags) & TUN_FLAGS.all())?;
        self.tunnel_options(out)
    }

    fn tunnel_options(&self, out: &mut List<'_, '_>) -> fmt::Result {
        if self.key.tunnel.options().is_some() {
            // As they came they are no fields.
            return Ok(());
        }
        if self.mask.tunnel.metadata_present == 0 {
            return Ok(());
        }
        let m = Match { key: *self.key, mask: FlowMask { fields: *self.mask } };
        for option in self.ports.option_places().packed(m).options() {
            out.item(format_args!("tun_metadata{}", option.index))?;
            if !m.is_packed() && self.key.tunnel.metadata_present >> option.index & 1 == 0 {
                out.f.write_str("=NP")?;
            } else if !option.mask.is_zero() {
                write!(out.f, "={}", option.value)?;
                if !option.is_exact() {
                    write!(out.f, "/{}", option.mask)?;
                }
            }
        }
        Ok(())
    }

    fn vlans(&self, out: &mut List<'_, '_>) -> fmt::Result {
        for i in 0..MAX_VLANS {
            let (tci, mask) = (self.key.vlans[i].tci.get(), self.mask.vlans[i].tci.get());
            if mask == 0 {
                break;
            }
            let n = if i == 0 { "" } else { "1" };
            let (vid, pcp) = (mask & 0x0fff, mask & 0xe000);
            let whole = matches!(vid, 0 | 0x0fff) && matches!(pcp, 0 | 0xe000) && vid | pcp != 0;
            if mask & VLAN_CFI != 0 && tci & VLAN_CFI != 0 && whole {
                if vid != 0 {
                    out.item(format_args!("dl_vlan{n}={}", tci & 0x0fff))?;
                }
                if pcp != 0 {
                    out.item(format_args!("dl_vlan_pcp{n}={}", tci >> 13))?;
                }
            } else if mask == u16::MAX {
                out.item(format_args!("vlan_tci{n}=0x{tci:04x}"))?;
            } else {
                out.item(format_args!("vlan_tci{n}=0x{tci:04x}/0x{mask:04x}"))?;
            }
        }
        Ok(())
    }

    fn network(&self, out: &mut List<'_, '_>, dl_type: u16, said: Said) -> fmt::Result {
        let (k, m) = (self.key, self.mask);
        let arp = matches!(dl_type, eth::ARP | eth::RARP);
        match dl_type {
            eth::IPV6 => {
                out.ipv6("ipv6_src", k.ipv6_src, m.ipv6_src)?;
                out.ipv6("ipv6_dst", k.ipv6_dst, m.ipv6_dst)?;
                let (label, mask) = (k.ipv6_label.get(), m.ipv6_label.get());
                if mask & 0xf_ffff == 0xf_ffff {
                    out.item(format_args!("ipv6_label=0x{label:05x}"))?;
                } else if mask != 0 {
                    out.item(format_args!("ipv6_label=0x{label:05x}/0x{mask:05x}"))?;
                }
            }
            eth::NSH => self.nsh(out)?,
            _ => {
                let (src, dst) = if arp { ("arp_spa", "arp_tpa") } else { ("nw_src", "nw_dst") };
                out.ipv4(src, k.nw_src.get(), m.nw_src.get())?;
                out.ipv4(dst, k.nw_dst.get(), m.nw_dst.get())?;
            }
        }
        if !said.nw_proto && m.nw_proto != 0 {
            let name = if arp { "arp_op" } else { "nw_proto" };
            out.item(format_args!("{name}={}", k.nw_proto))?;
        }
        if arp {
            out.eth("arp_sha", k.arp_sha, m.arp_sha)?;
            out.eth("arp_tha", k.arp_tha, m.arp_tha)?;
        }
        if m.nw_tos & 0xfc != 0 {
            out.item(format_args!("nw_tos={}", k.nw_tos & 0xfc))?;
        }
        if m.nw_tos & 3 != 0 {
            out.item(format_args!("nw_ecn={}", k.nw_tos & 3))?;
        }
        if m.nw_ttl != 0 {
            out.item(format_args!("nw_ttl={}", k.nw_ttl))?;
        }
        Ok(())
    }

    fn nsh(&self, out: &mut List<'_, '_>) -> fmt::Result {
        let fields = [
            Field::NSH_FLAGS,
            Field::NSH_TTL,
            Field::NSH_MDTYPE,
            Field::NSH_NP,
            Field::NSH_SPI,
            Field::NSH_SI,
            Field::NSH_C1,
            Field::NSH_C2,
            Field::NSH_C3,
            Field::NSH_C4,
        ];
        for field in fields {
            let place = field.facts().place;
            let (value, mask) = (place.get(self.key), place.get(self.mask));
            let context = [Field::NSH_C1, Field::NSH_C2, Field::NSH_C3, Field::NSH_C4].contains(&field);
            if context && self.key.nsh.mdtype != 1 {
                continue;
            }
            if mask != 0 && field == Field::NSH_FLAGS && mask != place.bits {
                out.item(format_args!("{field}={value:#04x}/{mask:#04x}"))?;
            } else if mask != 0 && context && mask != place.bits {
                out.item(format_args!("{field}={value:#x}/{mask:#x}"))?;
            } else if mask != 0 && (field == Field::NSH_SPI || context) {
                out.item(format_args!("{field}=0x{value:x}"))?;
            } else if mask != 0 {
                out.item(format_args!("{field}={}", field.text(value, mask, self.ports)))?;
            }
        }
        Ok(())
    }

    fn mpls(&self, out: &mut List<'_, '_>) -> fmt::Result {
        for field in [Field::MPLS_LABEL, Field::MPLS_TC, Field::MPLS_TTL, Field::MPLS_BOS] {
            let place = field.facts().place;
            if place.get(self.mask) != 0 {
                out.item(format_args!("{field}={}", place.get(self.key)))?;
            }
        }
        for i in 1..MAX_MPLS {
            let (value, mask) = (self.key.mpls_lse[i].get(), self.mask.mpls_lse[i].get());
            match mask {
                0 => {}
                u32::MAX => out.item(format_args!("mpls_lse{i}={value}"))?,
                _ => out.item(format_args!("mpls_lse{i}={value:#010x}/{mask:#010x}"))?,
            }
        }
        Ok(())
    }

    fn frag(&self, out: &mut List<'_, '_>) -> fmt::Result {
        if Field::IP_FRAG.facts().place.get(self.mask) == 0 {
            return Ok(());
        }
        out.item(format_args!("nw_frag="))?;
        frag::write(out.f, self.key.nw_frag, self.mask.nw_frag)
    }

    fn transport(&self, out: &mut List<'_, '_>, dl_type: u16) -> fmt::Result {
        let (k, m) = (self.key, self.mask);
        let (src, src_mask) = (k.tp_src.get(), m.tp_src.get());
        let (dst, dst_mask) = (k.tp_dst.get(), m.tp_dst.get());
        match (dl_type, k.nw_proto) {
            (eth::IPV4, ip::ICMP) | (eth::IPV6, ip::ICMPV6) => {
                out.port("icmp_type", src, src_mask)?;
                out.port("icmp_code", dst, dst_mask)?;
                if dl_type == eth::IPV6 {
                    self.nd(out)?;
                }
            }
            _ => {
                out.port("tp_src", src, src_mask)?;
                out.port("tp_dst", dst, dst_mask)?;
            }
        }
        if matches!(dl_type, eth::IPV4 | eth::IPV6) && k.nw_proto == ip::TCP && m.tcp_flags.get() != 0 {
            let mask = u32::from(m.tcp_flags.get()) & TCP_FLAGS.all();
            out.flags("tcp_flags", &TCP_FLAGS, k.tcp_flags.get().into(), mask)?;
        }
        Ok(())
    }

    fn nd(&self, out: &mut List<'_, '_>) -> fmt::Result {
        let (k, m) = (self.key, self.mask);
        out.ipv6("nd_target", k.nd_target, m.nd_target)?;
        out.eth("nd_sll", k.arp_sha, m.arp_sha)?;
        out.eth("nd_tll", k.arp_tha, m.arp_tha)?;
        if m.nd_reserved.get() != 0 {
            out.item(format_args!("nd_reserved={}", k.nd_reserved.get()))?;
        }
        if m.nd_options_type != 0 {
            out.item(format_args!("nd_options_type={}", k.nd_options_type))?;
        }
        Ok(())
    }
}
