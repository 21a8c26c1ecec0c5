//! The table of attributes whose members are plain values.

use core::mem::offset_of;

use crate::FlowKey;
use crate::field::Place;

/// How a member is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Decimal,
    Hexadecimal,
    Ethernet,
    Ipv4,
    Ipv6,
    Frag,
}

/// One member of an attribute; the only one of a scalar attribute has no name.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// One attribute.
pub(super) struct Attr {
    pub(super) name: &'static str,
    pub(super) members: &'static [Member],
}

macro_rules! net {
    ($bytes:literal, $($member:tt)+) => { Place::net(offset_of!(FlowKey, $($member)+), $bytes) };
}

macro_rules! native {
    ($bytes:literal, $member:tt) => {
        Place::native(offset_of!(FlowKey, $member), $bytes)
    };
}

const fn member(name: &'static str, kind: Kind, place: Place) -> Member {
    Member { name, kind, place }
}

macro_rules! attr {
    ($id:ident, $name:literal, $($member:literal $kind:ident $place:expr),+ $(,)?) => {
        pub(super) static $id: Attr =
            Attr { name: $name, members: &[$(member($member, Kind::$kind, $place)),+] };
    };
}

attr!(SKB_PRIORITY, "skb_priority", "" Hexadecimal native!(4, skb_priority));
attr!(SKB_MARK, "skb_mark", "" Hexadecimal native!(4, pkt_mark));
attr!(CT_ZONE, "ct_zone", "" Hexadecimal native!(2, ct_zone));
attr!(CT_MARK, "ct_mark", "" Hexadecimal native!(4, ct_mark));
attr!(CT_LABEL, "ct_label", "" Hexadecimal net!(16, ct_label));
attr!(RECIRC_ID, "recirc_id", "" Hexadecimal native!(4, recirc_id));
attr!(DP_HASH, "dp_hash", "" Hexadecimal native!(4, dp_hash));
attr!(CT_TUPLE4, "ct_tuple4",
    "src" Ipv4 net!(4, ct_nw_src), "dst" Ipv4 net!(4, ct_nw_dst), "proto" Decimal net!(1, ct_nw_proto),
    "tp_src" Decimal net!(2, ct_tp_src), "tp_dst" Decimal net!(2, ct_tp_dst));
attr!(CT_TUPLE6, "ct_tuple6",
    "src" Ipv6 net!(16, ct_ipv6_src), "dst" Ipv6 net!(16, ct_ipv6_dst), "proto" Decimal net!(1, ct_nw_proto),
    "tp_src" Decimal net!(2, ct_tp_src), "tp_dst" Decimal net!(2, ct_tp_dst));
attr!(ETH, "eth", "src" Ethernet net!(6, dl_src), "dst" Ethernet net!(6, dl_dst));
attr!(IPV4, "ipv4",
    "src" Ipv4 net!(4, nw_src), "dst" Ipv4 net!(4, nw_dst), "proto" Decimal net!(1, nw_proto),
    "tos" Hexadecimal net!(1, nw_tos), "ttl" Decimal net!(1, nw_ttl), "frag" Frag net!(1, nw_frag).part(0, 2));
attr!(IPV6, "ipv6",
    "src" Ipv6 net!(16, ipv6_src), "dst" Ipv6 net!(16, ipv6_dst),
    "label" Hexadecimal net!(4, ipv6_label).part(0, 20), "proto" Decimal net!(1, nw_proto),
    "tclass" Hexadecimal net!(1, nw_tos), "hlimit" Decimal net!(1, nw_ttl),
    "frag" Frag net!(1, nw_frag).part(0, 2));
attr!(ARP, "arp",
    "sip" Ipv4 net!(4, nw_src), "tip" Ipv4 net!(4, nw_dst), "op" Decimal net!(1, nw_proto),
    "sha" Ethernet net!(6, arp_sha), "tha" Ethernet net!(6, arp_tha));
attr!(NSH, "nsh",
    "flags" Decimal net!(1, nsh.flags), "ttl" Decimal net!(1, nsh.ttl), "mdtype" Decimal net!(1, nsh.mdtype),
    "np" Decimal net!(1, nsh.np), "spi" Hexadecimal net!(4, nsh.path_hdr).part(8, 24),
    "si" Decimal net!(4, nsh.path_hdr).part(0, 8), "c1" Hexadecimal context(0), "c2" Hexadecimal context(1),
    "c3" Hexadecimal context(2), "c4" Hexadecimal context(3));
attr!(TCP, "tcp", "src" Decimal net!(2, tp_src), "dst" Decimal net!(2, tp_dst));
attr!(UDP, "udp", "src" Decimal net!(2, tp_src), "dst" Decimal net!(2, tp_dst));
attr!(SCTP, "sctp", "src" Decimal net!(2, tp_src), "dst" Decimal net!(2, tp_dst));
attr!(ICMP, "icmp", "type" Decimal net!(2, tp_src).part(0, 8), "code" Decimal net!(2, tp_dst).part(0, 8));
attr!(ICMPV6, "icmpv6", "type" Decimal net!(2, tp_src).part(0, 8), "code" Decimal net!(2, tp_dst).part(0, 8));
attr!(ND, "nd",
    "target" Ipv6 net!(16, nd_target), "sll" Ethernet net!(6, arp_sha), "tll" Ethernet net!(6, arp_tha));
attr!(ND_EXT, "nd_extensions",
    "nd_reserved" Hexadecimal net!(4, nd_reserved), "nd_options_type" Decimal net!(1, nd_options_type));
attr!(MPLS, "mpls",
    "label" Decimal lse(0, 12, 20), "tc" Decimal lse(0, 9, 3), "ttl" Decimal lse(0, 0, 8), "bos" Decimal lse(0, 8, 1));
attr!(MPLS1, "mpls",
    "label" Decimal lse(1, 12, 20), "tc" Decimal lse(1, 9, 3), "ttl" Decimal lse(1, 0, 8), "bos" Decimal lse(1, 8, 1));
attr!(MPLS2, "mpls",
    "label" Decimal lse(2, 12, 20), "tc" Decimal lse(2, 9, 3), "ttl" Decimal lse(2, 0, 8), "bos" Decimal lse(2, 8, 1));
attr!(TUNNEL, "tunnel",
    "tun_id" Hexadecimal net!(8, tunnel.id), "src" Ipv4 net!(4, tunnel.src), "dst" Ipv4 net!(4, tunnel.dst),
    "ipv6_src" Ipv6 net!(16, tunnel.ipv6_src), "ipv6_dst" Ipv6 net!(16, tunnel.ipv6_dst),
    "tos" Hexadecimal net!(1, tunnel.tos), "ttl" Decimal net!(1, tunnel.ttl),
    "tp_src" Decimal net!(2, tunnel.tp_src), "tp_dst" Decimal net!(2, tunnel.tp_dst));

const fn context(n: usize) -> Place {
    Place::net(offset_of!(FlowKey, nsh.context) + 4 * n, 4)
}

const fn lse(n: usize, shift: u8, width: u8) -> Place {
    Place::net(offset_of!(FlowKey, mpls_lse) + 4 * n, 4).part(shift, width)
}

/// The label stack, outermost first.
pub(super) static LABELS: [&Attr; crate::MAX_MPLS] = [&MPLS, &MPLS1, &MPLS2];

/// What the parser knows by name without further ado.
pub(super) static PLAIN: [&Attr; 21] = [
    &SKB_PRIORITY,
    &SKB_MARK,
    &CT_ZONE,
    &CT_MARK,
    &CT_LABEL,
    &RECIRC_ID,
    &DP_HASH,
    &CT_TUPLE4,
    &CT_TUPLE6,
    &ETH,
    &IPV4,
    &IPV6,
    &ARP,
    &NSH,
    &TCP,
    &UDP,
    &SCTP,
    &ICMP,
    &ICMPV6,
    &ND,
    &ND_EXT,
];
