//! The table of attributes whose members are plain values.

use core::mem::offset_of;

use crate::FlowKey;
use crate::field::Place;

/// How a member is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `5`
    Decimal,
    /// `0x5`, `0`
    Hexadecimal,
    /// `0x5`, `0x0`
    Prefixed,
    /// As [`Kind::Prefixed`], under a mask of eight digits.
    Context,
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
    /// Whether a number with more bits is refused. Of others the low bits are taken, as the original does.
    pub(super) checked: bool,
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
    Member { name, kind, place, checked: false }
}

const fn checked(name: &'static str, kind: Kind, place: Place) -> Member {
    Member { name, kind, place, checked: true }
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
attr!(PACKET_TYPE, "packet_type",
    "ns" Decimal net!(4, packet_type).part(16, 16), "id" Hexadecimal net!(4, packet_type).part(0, 16));
attr!(CT_TUPLE4, "ct_tuple4",
    "src" Ipv4 net!(4, ct_nw_src), "dst" Ipv4 net!(4, ct_nw_dst), "proto" Decimal net!(1, ct_nw_proto),
    "tp_src" Decimal net!(2, ct_tp_src), "tp_dst" Decimal net!(2, ct_tp_dst));
// The original prints other names of the ports here than it reads; see [`read_name`].
attr!(CT_TUPLE6, "ct_tuple6",
    "src" Ipv6 net!(16, ct_ipv6_src), "dst" Ipv6 net!(16, ct_ipv6_dst), "proto" Decimal net!(1, ct_nw_proto),
    "src_port" Decimal net!(2, ct_tp_src), "dst_port" Decimal net!(2, ct_tp_dst));
attr!(ETH, "eth", "src" Ethernet net!(6, dl_src), "dst" Ethernet net!(6, dl_dst));
attr!(IPV4, "ipv4",
    "src" Ipv4 net!(4, nw_src), "dst" Ipv4 net!(4, nw_dst), "proto" Decimal net!(1, nw_proto),
    "tos" Hexadecimal net!(1, nw_tos), "ttl" Decimal net!(1, nw_ttl), "frag" Frag net!(1, nw_frag).part(0, 2));
attr!(ARP, "arp",
    "sip" Ipv4 net!(4, nw_src), "tip" Ipv4 net!(4, nw_dst), "op" Decimal net!(1, nw_proto),
    "sha" Ethernet net!(6, arp_sha), "tha" Ethernet net!(6, arp_tha));
attr!(NSH, "nsh",
    "flags" Decimal net!(1, nsh.flags), "ttl" Decimal net!(1, nsh.ttl), "mdtype" Decimal net!(1, nsh.mdtype),
    "np" Decimal net!(1, nsh.np), "spi" Prefixed net!(4, nsh.path_hdr).part(8, 24),
    "si" Decimal net!(4, nsh.path_hdr).part(0, 8), "c1" Context context(0), "c2" Context context(1),
    "c3" Context context(2), "c4" Context context(3));
attr!(TCP, "tcp", "src" Decimal net!(2, tp_src), "dst" Decimal net!(2, tp_dst));
attr!(UDP, "udp", "src" Decimal net!(2, tp_src), "dst" Decimal net!(2, tp_dst));
attr!(SCTP, "sctp", "src" Decimal net!(2, tp_src), "dst" Decimal net!(2, tp_dst));
attr!(ICMP, "icmp", "type" Decimal net!(2, tp_src).part(0, 8), "code" Decimal net!(2, tp_dst).part(0, 8));
attr!(ICMPV6, "icmpv6", "type" Decimal net!(2, tp_src).part(0, 8), "code" Decimal net!(2, tp_dst).part(0, 8));
attr!(ND, "nd",
    "target" Ipv6 net!(16, nd_target), "sll" Ethernet net!(6, arp_sha), "tll" Ethernet net!(6, arp_tha));
attr!(ND_EXT, "nd_extensions",
    "nd_reserved" Hexadecimal net!(4, nd_reserved), "nd_options_type" Decimal net!(1, nd_options_type));
attr!(TUNNEL, "tunnel",
    "tun_id" Prefixed net!(8, tunnel.id), "src" Ipv4 net!(4, tunnel.src), "dst" Ipv4 net!(4, tunnel.dst),
    "ipv6_src" Ipv6 net!(16, tunnel.ipv6_src), "ipv6_dst" Ipv6 net!(16, tunnel.ipv6_dst),
    "tos" Hexadecimal net!(1, tunnel.tos), "ttl" Decimal net!(1, tunnel.ttl),
    "tp_src" Decimal net!(2, tunnel.tp_src), "tp_dst" Decimal net!(2, tunnel.tp_dst));
attr!(GBP, "gbp",
    "id" Decimal net!(2, tunnel.gbp_id), "flags" Hexadecimal net!(1, tunnel.gbp_flags));
attr!(GTPU, "gtpu",
    "flags" Hexadecimal net!(1, tunnel.gtpu_flags), "msgtype" Decimal net!(1, tunnel.gtpu_msgtype));
attr!(ERSPAN_VERSION, "erspan", "ver" Decimal net!(1, tunnel.erspan_ver));
attr!(ERSPAN1, "erspan", "idx" Hexadecimal net!(4, tunnel.erspan_idx));
attr!(ERSPAN2, "erspan",
    "dir" Decimal net!(1, tunnel.erspan_dir), "hwid" Hexadecimal net!(1, tunnel.erspan_hwid));

pub(super) static IPV6: Attr = Attr {
    name: "ipv6",
    members: &[
        member("src", Kind::Ipv6, net!(16, ipv6_src)),
        member("dst", Kind::Ipv6, net!(16, ipv6_dst)),
        checked("label", Kind::Hexadecimal, net!(4, ipv6_label).part(0, 20)),
        member("proto", Kind::Decimal, net!(1, nw_proto)),
        member("tclass", Kind::Hexadecimal, net!(1, nw_tos)),
        member("hlimit", Kind::Decimal, net!(1, nw_ttl)),
        member("frag", Kind::Frag, net!(1, nw_frag).part(0, 2)),
    ],
};

const fn context(n: usize) -> Place {
    Place::net(offset_of!(FlowKey, nsh.context) + 4 * n, 4)
}

const fn lse(n: usize, shift: u8, width: u8) -> Place {
    Place::net(offset_of!(FlowKey, mpls_lse) + 4 * n, 4).part(shift, width)
}

/// The members of one label stack entry.
const fn label(n: usize) -> [Member; 4] {
    [
        checked("label", Kind::Decimal, lse(n, 12, 20)),
        checked("tc", Kind::Decimal, lse(n, 9, 3)),
        checked("ttl", Kind::Decimal, lse(n, 0, 8)),
        checked("bos", Kind::Decimal, lse(n, 8, 1)),
    ]
}

static LABEL_MEMBERS: [[Member; 4]; crate::MAX_MPLS] = [label(0), label(1), label(2)];

/// The label stack, outermost first.
pub(super) static LABELS: [Attr; crate::MAX_MPLS] = [
    Attr { name: "mpls", members: &LABEL_MEMBERS[0] },
    Attr { name: "mpls", members: &LABEL_MEMBERS[1] },
    Attr { name: "mpls", members: &LABEL_MEMBERS[2] },
];

/// What the parser knows by name without further ado.
pub(super) static PLAIN: [&Attr; 22] = [
    &SKB_PRIORITY,
    &SKB_MARK,
    &CT_ZONE,
    &CT_MARK,
    &CT_LABEL,
    &RECIRC_ID,
    &DP_HASH,
    &PACKET_TYPE,
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

/// The member that a name in a text means: `ct_tuple6` is read with the names of `ct_tuple4` too.
pub(super) fn read_name<'a>(attr: &Attr, name: &'a str) -> &'a str {
    match name {
        "tp_src" if attr.name == CT_TUPLE6.name => "src_port",
        "tp_dst" if attr.name == CT_TUPLE6.name => "dst_port",
        name => name,
    }
}
