//! The rows of the registry that do not come in arrays.

use core::mem::offset_of;

use super::facts::{Facts, Format, ONF, OfVersion, Place, Prereq, Setter};
use crate::{FlowKey, MAX_VLANS};

/// A match field, as a small `Copy` id; the constants name those that do not come in arrays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(pub(super) u8);

/// Numbers the rows, makes a constant of each and puts them into [`ROWS`].
macro_rules! fields {
    ($($id:ident = $row:expr;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "constants of the same names are made of them")]
        enum Index { $($id),* }
        impl Field {
            $(
                #[doc = concat!("`", stringify!($id), "` of the registry, see [`Field::facts`].")]
                pub const $id: Self = Self(Index::$id as u8);
            )*
        }
        pub(super) static ROWS: [Facts; [$(Index::$id as u8),*].len()] = [$($row),*];
    };
}

/// The bytes of a member of the flow key, in network order.
macro_rules! net {
    ($bytes:literal, $($member:tt)+) => { Place::net(offset_of!(FlowKey, $($member)+), $bytes) };
}

/// The bytes of a member of the flow key, in native order.
macro_rules! native {
    ($bytes:literal, $($member:tt)+) => { Place::native(offset_of!(FlowKey, $($member)+), $bytes) };
}

const fn row(name: &'static str, size: u8, place: Place) -> Facts {
    Facts::row(name, size, place)
}

const TCI: Place = Place::net(offset_of!(FlowKey, vlans) + 2, 2);
const LSE: Place = net!(4, mpls_lse);
const _: () = assert!(MAX_VLANS == 2);

fields! {
    // Metadata
    DP_HASH = row("dp_hash", 4, native!(4, dp_hash)).read_only().nxm_nx("NXM_NX_DP_HASH", 35, (2, 2))
        .nx_et("NXOXM_ET_DP_HASH", 0, (2, 4));
    RECIRC_ID = row("recirc_id", 4, native!(4, recirc_id)).text(Format::Decimal).exact().read_only()
        .nxm_nx("NXM_NX_RECIRC_ID", 36, (2, 2));
    PACKET_TYPE = row("packet_type", 4, net!(4, packet_type)).text(Format::PacketType).exact().read_only()
        .wire("OXM_OF_PACKET_TYPE", 0x8000, 44, OfVersion::V15, (2, 8));
    CONJ_ID = row("conj_id", 4, native!(4, conj_id)).text(Format::Decimal).exact().read_only()
        .nxm_nx("NXM_NX_CONJ_ID", 37, (2, 4));
    TUN_ID = row("tun_id", 8, net!(8, tunnel.id)).aka("tunnel_id").nxm_nx("NXM_NX_TUN_ID", 16, (1, 1))
        .wire("OXM_OF_TUNNEL_ID", 0x8000, 38, OfVersion::V13, (1, 10));
    TUN_SRC = row("tun_src", 4, net!(4, tunnel.src)).text(Format::Ipv4).nxm_nx("NXM_NX_TUN_IPV4_SRC", 31, (2, 0));
    TUN_DST = row("tun_dst", 4, net!(4, tunnel.dst)).text(Format::Ipv4).nxm_nx("NXM_NX_TUN_IPV4_DST", 32, (2, 0));
    TUN_IPV6_SRC = row("tun_ipv6_src", 16, net!(16, tunnel.ipv6_src)).text(Format::Ipv6)
        .nxm_nx("NXM_NX_TUN_IPV6_SRC", 109, (2, 5));
    TUN_IPV6_DST = row("tun_ipv6_dst", 16, net!(16, tunnel.ipv6_dst)).text(Format::Ipv6)
        .nxm_nx("NXM_NX_TUN_IPV6_DST", 110, (2, 5));
    TUN_FLAGS = row("tun_flags", 2, native!(2, tunnel.flags).part(0, 1)).text(Format::TunFlags)
        .nxm_nx("NXM_NX_TUN_FLAGS", 104, (2, 5));
    TUN_TTL = row("tun_ttl", 1, net!(1, tunnel.ttl)).text(Format::Decimal).exact().read_only();
    TUN_TOS = row("tun_tos", 1, net!(1, tunnel.tos)).text(Format::Decimal).exact().read_only();
    TUN_GBP_ID = row("tun_gbp_id", 2, net!(2, tunnel.gbp_id)).text(Format::Decimal).nxm_nx("NXM_NX_TUN_GBP_ID", 38, (2, 4));
    TUN_GBP_FLAGS = row("tun_gbp_flags", 1, net!(1, tunnel.gbp_flags)).nxm_nx("NXM_NX_TUN_GBP_FLAGS", 39, (2, 4));
    TUN_ERSPAN_IDX = row("tun_erspan_idx", 4, net!(4, tunnel.erspan_idx).part(0, 20)).nx_et("NXOXM_ET_ERSPAN_IDX", 11, (2, 10));
    TUN_ERSPAN_VER = row("tun_erspan_ver", 1, net!(1, tunnel.erspan_ver).part(0, 4)).text(Format::Decimal)
        .nx_et("NXOXM_ET_ERSPAN_VER", 12, (2, 10));
    TUN_ERSPAN_DIR = row("tun_erspan_dir", 1, net!(1, tunnel.erspan_dir).part(0, 1)).text(Format::Decimal)
        .nx_et("NXOXM_ET_ERSPAN_DIR", 13, (2, 10));
    TUN_ERSPAN_HWID = row("tun_erspan_hwid", 1, net!(1, tunnel.erspan_hwid).part(0, 6)).nx_et("NXOXM_ET_ERSPAN_HWID", 14, (2, 10));
    TUN_GTPU_FLAGS = row("tun_gtpu_flags", 1, net!(1, tunnel.gtpu_flags)).read_only().nx_et("NXOXM_ET_GTPU_FLAGS", 15, (2, 13));
    TUN_GTPU_MSGTYPE = row("tun_gtpu_msgtype", 1, net!(1, tunnel.gtpu_msgtype)).text(Format::Decimal).read_only()
        .nx_et("NXOXM_ET_GTPU_MSGTYPE", 16, (2, 13));
    METADATA = row("metadata", 8, net!(8, metadata)).of11().oxm("OXM_OF_METADATA", 2, (1, 8));
    IN_PORT = row("in_port", 2, native!(4, in_port)).text(Format::Port).exact().of10().nxm_of("NXM_OF_IN_PORT", 0, (1, 1));
    IN_PORT_OXM = row("in_port_oxm", 4, native!(4, in_port)).text(Format::Port32).exact().of11()
        .set_by(Setter::Port32).oxm("OXM_OF_IN_PORT", 0, (1, 7));
    ACTSET_OUTPUT = row("actset_output", 4, native!(4, actset_output)).text(Format::Port32).exact().read_only()
        .set_by(Setter::Port32)
        .experimenter("ONFOXM_ET_ACTSET_OUTPUT", ONF, 43, OfVersion::V13, (2, 4))
        .wire("OXM_OF_ACTSET_OUTPUT", 0x8000, 43, OfVersion::V15, (2, 4));
    SKB_PRIORITY = row("skb_priority", 4, native!(4, skb_priority)).exact().read_only();
    PKT_MARK = row("pkt_mark", 4, native!(4, pkt_mark)).nxm_nx("NXM_NX_PKT_MARK", 33, (2, 0));
    CT_STATE = row("ct_state", 4, net!(1, ct_state)).text(Format::CtState).read_only().nxm_nx("NXM_NX_CT_STATE", 105, (2, 5));
    CT_ZONE = row("ct_zone", 2, native!(2, ct_zone)).exact().read_only().nxm_nx("NXM_NX_CT_ZONE", 106, (2, 5));
    CT_MARK = row("ct_mark", 4, native!(4, ct_mark)).nxm_nx("NXM_NX_CT_MARK", 107, (2, 5));
    CT_LABEL = row("ct_label", 16, net!(16, ct_label)).nxm_nx("NXM_NX_CT_LABEL", 108, (2, 5));
    CT_NW_PROTO = row("ct_nw_proto", 1, net!(1, ct_nw_proto)).text(Format::Decimal).exact().read_only()
        .needs(Prereq::Ct).nxm_nx("NXM_NX_CT_NW_PROTO", 119, (2, 8));
    CT_NW_SRC = row("ct_nw_src", 4, net!(4, ct_nw_src)).text(Format::Ipv4).read_only().needs(Prereq::Ct)
        .nxm_nx("NXM_NX_CT_NW_SRC", 120, (2, 8));
    CT_NW_DST = row("ct_nw_dst", 4, net!(4, ct_nw_dst)).text(Format::Ipv4).read_only().needs(Prereq::Ct)
        .nxm_nx("NXM_NX_CT_NW_DST", 121, (2, 8));
    CT_IPV6_SRC = row("ct_ipv6_src", 16, net!(16, ct_ipv6_src)).text(Format::Ipv6).read_only().needs(Prereq::Ct)
        .nxm_nx("NXM_NX_CT_IPV6_SRC", 122, (2, 8));
    CT_IPV6_DST = row("ct_ipv6_dst", 16, net!(16, ct_ipv6_dst)).text(Format::Ipv6).read_only().needs(Prereq::Ct)
        .nxm_nx("NXM_NX_CT_IPV6_DST", 123, (2, 8));
    CT_TP_SRC = row("ct_tp_src", 2, net!(2, ct_tp_src)).text(Format::Decimal).read_only().needs(Prereq::Ct)
        .nxm_nx("NXM_NX_CT_TP_SRC", 124, (2, 8));
    CT_TP_DST = row("ct_tp_dst", 2, net!(2, ct_tp_dst)).text(Format::Decimal).read_only().needs(Prereq::Ct)
        .nxm_nx("NXM_NX_CT_TP_DST", 125, (2, 8));

    // Ethernet, VLAN, MPLS
    ETH_SRC = row("eth_src", 6, net!(6, dl_src)).aka("dl_src").text(Format::Ethernet).needs(Prereq::Ethernet).of10()
        .nxm_of("NXM_OF_ETH_SRC", 2, (1, 1)).oxm("OXM_OF_ETH_SRC", 4, (1, 7));
    ETH_DST = row("eth_dst", 6, net!(6, dl_dst)).aka("dl_dst").text(Format::Ethernet).needs(Prereq::Ethernet).of10()
        .nxm_of("NXM_OF_ETH_DST", 1, (1, 1)).oxm("OXM_OF_ETH_DST", 3, (1, 7));
    ETH_TYPE = row("eth_type", 2, net!(2, dl_type)).aka("dl_type").exact().read_only().needs(Prereq::Ethernet).of10()
        .nxm_of("NXM_OF_ETH_TYPE", 3, (1, 1)).oxm("OXM_OF_ETH_TYPE", 5, (1, 7));
    VLAN_TCI = row("vlan_tci", 2, TCI).needs(Prereq::Ethernet).of10().nxm_of("NXM_OF_VLAN_TCI", 4, (1, 1));
    DL_VLAN = row("dl_vlan", 2, TCI.part(0, 12)).text(Format::Decimal).exact().needs(Prereq::Ethernet).of10()
        .set_by(Setter::DlVlan);
    VLAN_VID = row("vlan_vid", 2, TCI.part(0, 13)).text(Format::Decimal).needs(Prereq::Ethernet).of10()
        .set_by(Setter::VlanVid).oxm("OXM_OF_VLAN_VID", 6, (1, 7));
    DL_VLAN_PCP = row("dl_vlan_pcp", 1, TCI.part(13, 3)).text(Format::Decimal).exact().needs(Prereq::Ethernet).of10()
        .set_by(Setter::VlanPcp);
    VLAN_PCP = row("vlan_pcp", 1, TCI.part(13, 3)).text(Format::Decimal).exact().needs(Prereq::VlanVid).of10()
        .set_by(Setter::VlanPcp).oxm("OXM_OF_VLAN_PCP", 7, (1, 7));
    MPLS_LABEL = row("mpls_label", 4, LSE.part(12, 20)).text(Format::Decimal).exact().needs(Prereq::Mpls).of11()
        .oxm("OXM_OF_MPLS_LABEL", 34, (1, 11));
    MPLS_TC = row("mpls_tc", 1, LSE.part(9, 3)).text(Format::Decimal).exact().needs(Prereq::Mpls).of11()
        .oxm("OXM_OF_MPLS_TC", 35, (1, 11));
    MPLS_BOS = row("mpls_bos", 1, LSE.part(8, 1)).text(Format::Decimal).exact().read_only().needs(Prereq::Mpls)
        .wire("OXM_OF_MPLS_BOS", 0x8000, 36, OfVersion::V13, (1, 11));
    MPLS_TTL = row("mpls_ttl", 1, LSE.part(0, 8)).text(Format::Decimal).exact().needs(Prereq::Mpls)
        .nxm_nx("NXM_NX_MPLS_TTL", 30, (2, 6));

    // IP and ARP
    IP_SRC = row("ip_src", 4, net!(4, nw_src)).aka("nw_src").text(Format::Ipv4).needs(Prereq::Ipv4).of10()
        .nxm_of("NXM_OF_IP_SRC", 7, (1, 1)).oxm("OXM_OF_IPV4_SRC", 11, (1, 7));
    IP_DST = row("ip_dst", 4, net!(4, nw_dst)).aka("nw_dst").text(Format::Ipv4).needs(Prereq::Ipv4).of10()
        .nxm_of("NXM_OF_IP_DST", 8, (1, 1)).oxm("OXM_OF_IPV4_DST", 12, (1, 7));
    IPV6_SRC = row("ipv6_src", 16, net!(16, ipv6_src)).text(Format::Ipv6).needs(Prereq::Ipv6)
        .nxm_nx("NXM_NX_IPV6_SRC", 19, (1, 1)).oxm("OXM_OF_IPV6_SRC", 26, (1, 1));
    IPV6_DST = row("ipv6_dst", 16, net!(16, ipv6_dst)).text(Format::Ipv6).needs(Prereq::Ipv6)
        .nxm_nx("NXM_NX_IPV6_DST", 20, (1, 1)).oxm("OXM_OF_IPV6_DST", 27, (1, 1));
    IPV6_LABEL = row("ipv6_label", 4, net!(4, ipv6_label).part(0, 20)).needs(Prereq::Ipv6)
        .nxm_nx("NXM_NX_IPV6_LABEL", 27, (1, 4)).oxm("OXM_OF_IPV6_FLABEL", 28, (1, 7));
    IP_PROTO = row("nw_proto", 1, net!(1, nw_proto)).aka("ip_proto").text(Format::Decimal).exact().read_only()
        .needs(Prereq::Ip).of10().nxm_of("NXM_OF_IP_PROTO", 6, (1, 1)).oxm("OXM_OF_IP_PROTO", 10, (1, 7));
    IP_TTL = row("nw_ttl", 1, net!(1, nw_ttl)).text(Format::Decimal).exact().needs(Prereq::Ip)
        .nxm_nx("NXM_NX_IP_TTL", 29, (1, 4));
    IP_FRAG = row("ip_frag", 1, net!(1, nw_frag).part(0, 2)).aka("nw_frag").text(Format::Frag).read_only()
        .needs(Prereq::Ip).nxm_nx("NXM_NX_IP_FRAG", 26, (1, 3));
    IP_TOS = row("nw_tos", 1, Place { bits: 0xfc, ..net!(1, nw_tos) }).text(Format::Decimal).exact()
        .needs(Prereq::Ip).of10().nxm_of("NXM_OF_IP_TOS", 5, (1, 1));
    IP_DSCP = row("ip_dscp", 1, net!(1, nw_tos).part(2, 6)).text(Format::Decimal).exact().needs(Prereq::Ip).of10()
        .oxm("OXM_OF_IP_DSCP", 8, (1, 7));
    IP_ECN = row("nw_ecn", 1, net!(1, nw_tos).part(0, 2)).aka("ip_ecn").text(Format::Decimal).exact()
        .needs(Prereq::Ip).of11().nxm_nx("NXM_NX_IP_ECN", 28, (1, 4)).oxm("OXM_OF_IP_ECN", 9, (1, 7));
    ARP_OP = row("arp_op", 2, net!(1, nw_proto)).text(Format::Decimal).exact().needs(Prereq::Arp).of10()
        .nxm_of("NXM_OF_ARP_OP", 15, (1, 1)).oxm("OXM_OF_ARP_OP", 21, (1, 7));
    ARP_SPA = row("arp_spa", 4, net!(4, nw_src)).text(Format::Ipv4).needs(Prereq::Arp).of10()
        .nxm_of("NXM_OF_ARP_SPA", 16, (1, 1)).oxm("OXM_OF_ARP_SPA", 22, (1, 7));
    ARP_TPA = row("arp_tpa", 4, net!(4, nw_dst)).text(Format::Ipv4).needs(Prereq::Arp).of10()
        .nxm_of("NXM_OF_ARP_TPA", 17, (1, 1)).oxm("OXM_OF_ARP_TPA", 23, (1, 7));
    ARP_SHA = row("arp_sha", 6, net!(6, arp_sha)).text(Format::Ethernet).needs(Prereq::Arp)
        .nxm_nx("NXM_NX_ARP_SHA", 17, (1, 1)).oxm("OXM_OF_ARP_SHA", 24, (1, 7));
    ARP_THA = row("arp_tha", 6, net!(6, arp_tha)).text(Format::Ethernet).needs(Prereq::Arp)
        .nxm_nx("NXM_NX_ARP_THA", 18, (1, 1)).oxm("OXM_OF_ARP_THA", 25, (1, 7));

    // NSH
    NSH_FLAGS = row("nsh_flags", 1, net!(1, nsh.flags)).text(Format::Decimal).needs(Prereq::Nsh).nsh("NXOXM_NSH_FLAGS", 1, (2, 8));
    NSH_TTL = row("nsh_ttl", 1, net!(1, nsh.ttl)).text(Format::Decimal).exact().needs(Prereq::Nsh)
        .nsh("NXOXM_NSH_TTL", 10, (2, 9));
    NSH_MDTYPE = row("nsh_mdtype", 1, net!(1, nsh.mdtype)).text(Format::Decimal).exact().read_only()
        .needs(Prereq::Nsh).nsh("NXOXM_NSH_MDTYPE", 2, (2, 8));
    NSH_NP = row("nsh_np", 1, net!(1, nsh.np)).text(Format::Decimal).exact().read_only().needs(Prereq::Nsh)
        .nsh("NXOXM_NSH_NP", 3, (2, 8));
    NSH_SPI = row("nsh_spi", 4, net!(4, nsh.path_hdr).part(8, 24)).aka("nsp").exact().needs(Prereq::Nsh)
        .nsh("NXOXM_NSH_SPI", 4, (2, 8));
    NSH_SI = row("nsh_si", 1, net!(4, nsh.path_hdr).part(0, 8)).aka("nsi").text(Format::Decimal).exact()
        .needs(Prereq::Nsh).nsh("NXOXM_NSH_SI", 5, (2, 8));
    NSH_C1 = context("nsh_c1", "nshc1", 0).nsh("NXOXM_NSH_C1", 6, (2, 8));
    NSH_C2 = context("nsh_c2", "nshc2", 1).nsh("NXOXM_NSH_C2", 7, (2, 8));
    NSH_C3 = context("nsh_c3", "nshc3", 2).nsh("NXOXM_NSH_C3", 8, (2, 8));
    NSH_C4 = context("nsh_c4", "nshc4", 3).nsh("NXOXM_NSH_C4", 9, (2, 8));

    // Transport
    TCP_SRC = port_src("tcp_src").aka("tp_src").needs(Prereq::Tcp).of10().nxm_of("NXM_OF_TCP_SRC", 9, (1, 1)).oxm("OXM_OF_TCP_SRC", 13, (1, 7));
    TCP_DST = port_dst("tcp_dst").aka("tp_dst").needs(Prereq::Tcp).of10().nxm_of("NXM_OF_TCP_DST", 10, (1, 1)).oxm("OXM_OF_TCP_DST", 14, (1, 7));
    TCP_FLAGS = row("tcp_flags", 2, net!(2, tcp_flags).part(0, 12)).text(Format::TcpFlags).read_only()
        .needs(Prereq::Tcp).nxm_nx("NXM_NX_TCP_FLAGS", 34, (2, 1))
        .experimenter("ONFOXM_ET_TCP_FLAGS", ONF, 42, OfVersion::V13, (2, 4))
        .wire("OXM_OF_TCP_FLAGS", 0x8000, 42, OfVersion::V15, (2, 3));
    UDP_SRC = port_src("udp_src").needs(Prereq::Udp).of10().nxm_of("NXM_OF_UDP_SRC", 11, (1, 1)).oxm("OXM_OF_UDP_SRC", 15, (1, 7));
    UDP_DST = port_dst("udp_dst").needs(Prereq::Udp).of10().nxm_of("NXM_OF_UDP_DST", 12, (1, 1)).oxm("OXM_OF_UDP_DST", 16, (1, 7));
    SCTP_SRC = port_src("sctp_src").needs(Prereq::Sctp).of11().oxm("OXM_OF_SCTP_SRC", 17, (2, 0));
    SCTP_DST = port_dst("sctp_dst").needs(Prereq::Sctp).of11().oxm("OXM_OF_SCTP_DST", 18, (2, 0));
    ICMP_TYPE = icmp_type("icmp_type").needs(Prereq::Icmpv4).of10().nxm_of("NXM_OF_ICMP_TYPE", 13, (1, 1))
        .oxm("OXM_OF_ICMPV4_TYPE", 19, (1, 7));
    ICMP_CODE = icmp_code("icmp_code").needs(Prereq::Icmpv4).of10().nxm_of("NXM_OF_ICMP_CODE", 14, (1, 1))
        .oxm("OXM_OF_ICMPV4_CODE", 20, (1, 7));
    ICMPV6_TYPE = icmp_type("icmpv6_type").needs(Prereq::Icmpv6).nxm_nx("NXM_NX_ICMPV6_TYPE", 21, (1, 1))
        .oxm("OXM_OF_ICMPV6_TYPE", 29, (1, 7));
    ICMPV6_CODE = icmp_code("icmpv6_code").needs(Prereq::Icmpv6).nxm_nx("NXM_NX_ICMPV6_CODE", 22, (1, 1))
        .oxm("OXM_OF_ICMPV6_CODE", 30, (1, 7));
    ND_TARGET = row("nd_target", 16, net!(16, nd_target)).text(Format::Ipv6).needs(Prereq::Nd)
        .nxm_nx("NXM_NX_ND_TARGET", 23, (1, 1)).oxm("OXM_OF_IPV6_ND_TARGET", 31, (1, 7));
    ND_SLL = row("nd_sll", 6, net!(6, arp_sha)).text(Format::Ethernet).needs(Prereq::NdSolicit)
        .nxm_nx("NXM_NX_ND_SLL", 24, (1, 1)).oxm("OXM_OF_IPV6_ND_SLL", 32, (1, 7));
    ND_TLL = row("nd_tll", 6, net!(6, arp_tha)).text(Format::Ethernet).needs(Prereq::NdAdvert)
        .nxm_nx("NXM_NX_ND_TLL", 25, (1, 1)).oxm("OXM_OF_IPV6_ND_TLL", 33, (1, 7));
    ND_RESERVED = row("nd_reserved", 4, net!(4, nd_reserved)).text(Format::Decimal).exact().needs(Prereq::Nd)
        .wire("ERICOXM_OF_ICMPV6_ND_RESERVED", 0x1000, 1, OfVersion::Extension, (2, 11));
    ND_OPTIONS_TYPE = row("nd_options_type", 1, net!(1, nd_options_type)).text(Format::Decimal).exact()
        .needs(Prereq::Nd).wire("ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", 0x1000, 2, OfVersion::Extension, (2, 11));
}

const fn context(name: &'static str, alias: &'static str, n: usize) -> Facts {
    row(name, 4, Place::net(offset_of!(FlowKey, nsh.context) + 4 * n, 4)).aka(alias).needs(Prereq::Nsh)
}

const fn port_src(name: &'static str) -> Facts {
    row(name, 2, net!(2, tp_src)).text(Format::Decimal)
}

const fn port_dst(name: &'static str) -> Facts {
    row(name, 2, net!(2, tp_dst)).text(Format::Decimal)
}

const fn icmp_type(name: &'static str) -> Facts {
    row(name, 1, net!(2, tp_src)).text(Format::Decimal).exact()
}

const fn icmp_code(name: &'static str) -> Facts {
    row(name, 1, net!(2, tp_dst)).text(Format::Decimal).exact()
}
