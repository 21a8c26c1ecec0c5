//! The table of layers: names, positional words, aliases of fields, defaults.

use super::{Layer, value};
use crate::wire::Protocol;

/// How a layer is written.
struct Syntax {
    protocol: Protocol,
    /// Fields that words without a key set, in their order.
    words: &'static [&'static str],
    /// Other names of fields.
    aliases: &'static [(&'static str, &'static str)],
    /// Values of fields that are not zero by default. They do not count as given.
    defaults: &'static [(&'static str, &'static str)],
}

const fn syntax(
    protocol: Protocol,
    words: &'static [&'static str],
    aliases: &'static [(&'static str, &'static str)],
    defaults: &'static [(&'static str, &'static str)],
) -> Syntax {
    Syntax { protocol, words, aliases, defaults }
}

const A: &str = "02:00:00:00:00:01";
const B: &str = "02:00:00:00:00:02";

const TABLE: &[Syntax] = &[
    syntax(Protocol::Ethernet, &["src", "dst"], &[("type", "ether_type")], &[("src", A), ("dst", B)]),
    syntax(Protocol::Vlan, &["vid"], &[("type", "ether_type")], &[]),
    syntax(Protocol::Llc, &[], &[], &[("control", "3")]),
    syntax(Protocol::Snap, &[], &[("type", "ether_type")], &[("llc", "aaaa03")]),
    syntax(Protocol::Mpls, &["label"], &[("tc", "traffic_class"), ("bos", "is_bottom")], &[("ttl", "64")]),
    syntax(
        Protocol::Arp,
        &["sender_ip", "target_ip"],
        &[("op", "operation"), ("sha", "sender_ether"), ("tha", "target_ether")],
        &[
            ("hardware", "1"),
            ("protocol", "0x0800"),
            ("hardware_len", "6"),
            ("protocol_len", "4"),
            ("operation", "1"),
            ("sender_ether", A),
            ("sender_ip", "10.0.0.1"),
            ("target_ip", "10.0.0.2"),
        ],
    ),
    syntax(
        Protocol::Ipv4,
        &["src", "dst"],
        &[
            ("proto", "protocol"),
            ("df", "dont_fragment"),
            ("mf", "more_fragments"),
            ("offset", "offset_units"),
        ],
        &[("version", "4"), ("ttl", "64"), ("src", "10.0.0.1"), ("dst", "10.0.0.2")],
    ),
    syntax(
        Protocol::Ipv6,
        &["src", "dst"],
        &[("proto", "next_header"), ("ttl", "hop_limit"), ("tos", "traffic_class"), ("id", "flow_label")],
        &[("version", "6"), ("hop_limit", "64"), ("src", "fd00::1"), ("dst", "fd00::2")],
    ),
    syntax(Protocol::Routing, &["kind"], &[("left", "segments_left")], &[]),
    syntax(Protocol::SegmentRouting, &[], &[("left", "segments_left")], &[("kind", "4")]),
    syntax(Protocol::Fragment, &[], &[("offset", "offset_units"), ("more", "more_fragments")], &[]),
    syntax(Protocol::Mobility, &["kind"], &[], &[]),
    syntax(
        Protocol::Tcp,
        &["src_port", "dst_port"],
        &[("seq", "sequence"), ("ack", "acknowledgment")],
        &[("src_port", "1"), ("dst_port", "2"), ("flags", "0x10"), ("window", "0xffff")],
    ),
    syntax(Protocol::Udp, &["src_port", "dst_port"], &[], &[("src_port", "1"), ("dst_port", "2")]),
    syntax(Protocol::Sctp, &["src_port", "dst_port"], &[], &[("src_port", "1"), ("dst_port", "2")]),
    syntax(
        Protocol::Icmp,
        &["kind", "code"],
        &[("id", "echo_id"), ("seq", "echo_sequence"), ("mtu", "next_hop_mtu"), ("gateway", "specific")],
        &[("kind", "8")],
    ),
    syntax(
        Protocol::Icmpv6,
        &["kind", "code"],
        &[("id", "echo_id"), ("seq", "echo_sequence"), ("mtu", "specific"), ("pointer", "specific")],
        &[("kind", "128")],
    ),
    syntax(Protocol::RouterSolicit, &[], &[], &[("kind", "133")]),
    syntax(
        Protocol::RouterAdvert,
        &[],
        &[("lifetime", "router_lifetime")],
        &[("kind", "134"), ("hop_limit", "64"), ("router_lifetime", "1800")],
    ),
    syntax(Protocol::Neighbor, &["target"], &[], &[("kind", "135"), ("target", "fd00::2")]),
    syntax(Protocol::Redirect, &["target", "destination"], &[], &[("kind", "137")]),
    syntax(Protocol::Mld, &["kind", "group"], &[], &[("kind", "130")]),
    syntax(Protocol::MldQuery, &["group"], &[], &[("kind", "130")]),
    syntax(Protocol::MldReport, &[], &[], &[("kind", "143")]),
    syntax(Protocol::Igmp, &["kind", "group"], &[], &[("kind", "0x16")]),
    syntax(Protocol::IgmpQuery, &["group"], &[], &[("kind", "0x11")]),
    syntax(Protocol::IgmpReport, &[], &[], &[("kind", "0x22")]),
    syntax(
        Protocol::Nsh,
        &["spi", "service_index"],
        &[("si", "service_index")],
        &[("ttl", "63"), ("md_type", "1"), ("service_index", "255")],
    ),
    syntax(Protocol::Vxlan, &["vni"], &[], &[("has_vni", "1")]),
    syntax(Protocol::Geneve, &["vni"], &[], &[]),
    syntax(Protocol::Erspan2, &["session"], &[], &[("version", "1")]),
    syntax(Protocol::Erspan3, &["session"], &[], &[("version", "2")]),
    syntax(Protocol::Gtpu, &["teid"], &[], &[("version", "1"), ("is_gtp", "1"), ("message", "255")]),
    syntax(Protocol::Lisp, &["instance"], &[], &[("has_instance", "1")]),
    syntax(
        Protocol::Bfd,
        &["my_discriminator", "your_discriminator"],
        &[],
        &[("version", "1"), ("state", "1"), ("multiplier", "3")],
    ),
    syntax(Protocol::Cfm, &["opcode"], &[], &[]),
    syntax(Protocol::Ccm, &["endpoint"], &[], &[("opcode", "1"), ("interval", "4"), ("first_tlv", "70")]),
    syntax(Protocol::Loopback, &["transaction"], &[], &[("opcode", "3"), ("first_tlv", "4")]),
    syntax(
        Protocol::Linktrace,
        &["transaction"],
        &[],
        &[("opcode", "5"), ("first_tlv", "17"), ("ttl", "64")],
    ),
    syntax(Protocol::LinktraceReply, &["transaction"], &[], &[("opcode", "4"), ("first_tlv", "6")]),
    syntax(
        Protocol::Lacp,
        &[],
        &[],
        &[
            ("subtype", "1"),
            ("version", "1"),
            ("actor_kind", "1"),
            ("actor_len", "20"),
            ("partner_kind", "2"),
            ("partner_len", "20"),
            ("collector_kind", "3"),
            ("collector_len", "16"),
        ],
    ),
    syntax(
        Protocol::Marker,
        &[],
        &[],
        &[("subtype", "2"), ("version", "1"), ("kind", "1"), ("length", "16")],
    ),
    syntax(Protocol::Bpdu, &[], &[], &[("kind", "0x80")]),
    syntax(
        Protocol::BridgeUnit,
        &[],
        &[],
        &[("max_age", "5120"), ("hello_time", "512"), ("forward_delay", "3840")],
    ),
    syntax(Protocol::MultipleTree, &[], &[], &[("hops", "20")]),
];

/// Layers that are others with something set: name, protocol, field and value; and by which number they are announced.
const VARIANTS: &[(&str, Protocol, &str, u64, Option<u16>)] = &[
    ("svlan", Protocol::Vlan, "", 0, Some(0x88a8)),
    ("rarp", Protocol::Arp, "operation", 3, Some(0x8035)),
    ("hopopts", Protocol::Ipv6Options, "", 0, Some(0)),
    ("dstopts", Protocol::Ipv6Options, "", 0, Some(60)),
    ("ns", Protocol::Neighbor, "kind", 135, None),
    ("na", Protocol::Neighbor, "kind", 136, None),
    ("vxlangpe", Protocol::Vxlan, "has_next_protocol", 1, Some(4790)),
    ("lbr", Protocol::Loopback, "opcode", 2, None),
    ("rstp", Protocol::BridgeUnit, "version", 2, None),
];

/// A layer by its name, with its defaults.
pub(super) fn named(name: &str) -> Option<Layer> {
    if let Some((_, protocol, field, value, announced_by)) = VARIANTS.iter().find(|row| row.0 == name) {
        let mut layer = Layer::new(*protocol);
        layer.preset(field, *value);
        if name == "rstp" {
            layer.preset("kind", 2);
        }
        layer.announced_by = *announced_by;
        return Some(layer);
    }
    Protocol::ALL.iter().find(|protocol| protocol.name() == name).map(|protocol| Layer::new(*protocol))
}

fn row(protocol: Protocol) -> Option<&'static Syntax> {
    TABLE.iter().find(|syntax| syntax.protocol == protocol)
}

/// Sets the defaults of a layer.
pub(super) fn defaults(layer: &mut Layer) {
    let defaults = layer.protocol().and_then(row).map_or(&[][..], |syntax| syntax.defaults);
    let given = layer.clone();
    for (field, text) in defaults {
        // The table is right: a test reads all of it.
        let _ = value::set(layer, field, text);
    }
    layer.forget(&given);
}

/// The fields that words without a key set.
pub(super) fn words(protocol: Protocol) -> &'static [&'static str] {
    row(protocol).map_or(&[], |syntax| syntax.words)
}

/// The field that a key names.
pub(super) fn field(protocol: Protocol, key: &str) -> Option<&'static str> {
    let aliases = row(protocol).map_or(&[][..], |syntax| syntax.aliases);
    let name = aliases.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, field)| field);
    protocol.field(name).map(|field| field.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_table_is_right() {
        for syntax in TABLE {
            let mut layer = Layer::new(syntax.protocol);
            for (field, text) in syntax.defaults {
                assert_eq!(value::set(&mut layer, field, text), Ok(()), "{:?} {field}", syntax.protocol);
            }
            let aliased = syntax.aliases.iter().map(|(_, field)| field);
            for field in syntax.words.iter().chain(aliased) {
                assert!(syntax.protocol.field(field).is_some(), "{:?} {field}", syntax.protocol);
            }
        }
        for (name, protocol, field, ..) in VARIANTS {
            assert!(field.is_empty() || protocol.field(field).is_some(), "{}", name.to_string());
        }
    }
}
