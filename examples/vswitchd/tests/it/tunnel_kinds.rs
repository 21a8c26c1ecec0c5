//! Types of tunnels in dummy mode: what both switches say of their options, headers, and of what comes through them.

use crate::harness::{Difference, Kind, compare, exclusive, tools};
use crate::tunnel_traces::{Tunnel, both, trace, world};

const V4: &str = "remote_ip=1.1.2.92";
const V6: &str = "remote_ip=2001:cafe::93";

/// Those of which the original makes headers.
const TUNNELS: &[Tunnel] = &[
    ("2", "gre", &[V4, "key=123"]),
    ("3", "gre", &[V4, "key=flow", "csum=true", "packet_type=legacy_l3"]),
    ("4", "gre", &["remote_ip=1.1.2.94", "key=7", "seq=true", "packet_type=ptap"]),
    ("5", "gre", &[V6, "key=5"]),
    ("6", "ip6gre", &[V6, "key=5"]),
    ("7", "ip6gre", &[V6, "key=flow", "seq=true", "csum=true"]),
    ("8", "gre", &["remote_ip=1.1.2.94", "in_key=9"]),
    ("10", "erspan", &[V4, "key=10", "erspan_ver=1", "erspan_idx=0x7"]),
    ("11", "erspan", &[V4, "key=11", "erspan_ver=2", "erspan_dir=1", "erspan_hwid=0x5"]),
    ("12", "erspan", &[V4, "key=flow", "erspan_ver=flow", "erspan_idx=flow"]),
    ("13", "ip6erspan", &[V6, "key=10", "erspan_ver=1", "erspan_idx=3"]),
    ("14", "ip6erspan", &[V6, "key=11", "erspan_ver=2", "erspan_dir=0", "erspan_hwid=4"]),
    ("15", "gtpu", &[V4, "key=123"]),
    ("16", "gtpu", &[V6, "key=flow", "packet_type=ptap"]),
    ("18", "vxlan", &[V4, "key=9", "exts=gpe", "dst_port=4791", "packet_type=ptap"]),
    ("19", "vxlan", &[V4, "key=9", "exts=gpe", "dst_port=4792"]),
    ("20", "geneve", &["remote_ip=1.1.2.94", "key=0", "packet_type=ptap"]),
];

/// Options that make no tunnel, or of which the original takes what it can.
const ODD: &[(&str, &[&str])] = &[
    ("gre", &[]),
    ("gre", &[V4, "packet_type=foo"]),
    ("gre", &[V4, "key=abc"]),
    ("gre", &[V4, "seq=foo", "csum=bar"]),
    ("gre", &["remote_ip=flow", "local_ip=1.2.3.4", "key=flow"]),
    ("gre", &["remote_ip=224.0.0.1"]),
    ("gre", &[V4, "local_ip=flow"]),
    ("gre", &[V4, "local_ip=::1"]),
    ("gre", &[V4, "local_ip=zz"]),
    ("gre", &[V4, "in_key=0x1ffffffff"]),
    ("erspan", &[V4]),
    ("erspan", &[V4, "erspan_ver=3"]),
    ("erspan", &[V4, "erspan_ver=1", "erspan_idx=0x100000"]),
    ("erspan", &[V4, "erspan_ver=2", "erspan_dir=2"]),
    ("erspan", &[V4, "erspan_ver=2", "erspan_hwid=0x44"]),
    ("gtpu", &[V4, "packet_type=legacy_l2"]),
    ("vxlan", &[V4, "packet_type=legacy_l3"]),
    ("vxlan", &[V4, "exts=foo"]),
    ("geneve", &[V4, "packet_type=legacy_l3"]),
    ("bareudp", &[V4, "payload_type=foo", "dst_port=100"]),
    ("lisp", &[V4, "packet_type=legacy_l2"]),
    ("vxlan", &[V4, "tos=3"]),
    ("vxlan", &[V4, "tos=300"]),
    ("vxlan", &[V4, "ttl=300"]),
    ("vxlan", &[V4, "dst_port=70000"]),
    ("vxlan", &[V4, "df_default=foo"]),
];

#[test]
fn types_of_tunnels_are_the_originals() {
    let _lock = exclusive();
    let Some(tools) = tools("types_of_tunnels_are_the_originals") else { return };
    let worlds = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind, TUNNELS));
    let [ours, peer] = &worlds;
    let lines = |world: &crate::harness::World| {
        let mut lines: Vec<String> = world.appctl_ok(&["ofproto/list-tunnels"]).lines().map(tail).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(ours), lines(peer));
    for (tool, args) in [
        ("ovs-appctl", vec!["ovs/route/add", "1.1.2.92/24", "br0"]),
        ("ovs-appctl", vec!["ovs/route/add", "2001:cafe::/24", "br0"]),
        ("ovs-appctl", vec!["tnl/neigh/set", "br0", "1.1.2.92", "f8:bc:12:44:34:b6"]),
        ("ovs-appctl", vec!["tnl/neigh/set", "br0", "1.1.2.94", "f8:bc:12:44:34:b6"]),
        ("ovs-appctl", vec!["tnl/neigh/set", "br0", "2001:cafe::93", "f8:bc:12:44:34:b7"]),
    ] {
        both(&worlds, tool, &args);
    }
    // The original puts frames into GTP-U too, from where nobody can take them out.
    for (number, ..) in TUNNELS.iter().filter(|(number, ..)| *number != "16") {
        trace(&worlds, &format!("in_port=9,actions=set_tunnel:0x99,{number}"), &[]);
    }
    let erspan = "set_field:0x99->tun_id";
    for fields in [
        "set_field:1->tun_erspan_ver,set_field:5->tun_erspan_idx",
        "set_field:2->tun_erspan_ver,set_field:1->tun_erspan_dir,set_field:3->tun_erspan_hwid",
    ] {
        trace(&worlds, &format!("in_port=9,actions={erspan},{fields},12"), &[UNSEEN]);
    }
    // Ethernet first: the original cannot go on behind the other order.
    trace(&worlds, "in_port=9,actions=2,3", &[UNSEEN]);
    for output in ["2", "3", "4", "18", "20", "16"] {
        trace(&worlds, &format!("in_port=9,actions=decap(),output:{output}"), &[UNSEEN]);
    }
    arrivals(&worlds);
    for (number, (kind, options)) in ODD.iter().enumerate() {
        let [left, right] = [ours, peer].map(|world| odd(world, &format!("x{number}"), kind, options));
        assert_eq!(left, right, "{kind} {options:?}");
    }
}

const UNSEEN: Difference = Difference {
    line: "Final flow",
    because: "the original leaves parts of a tunnel that it shows to nobody in a flow that it does not send",
};

/// A line of `ofproto/list-tunnels` without the number of the datapath's port, which both choose as they like.
fn tail(line: &str) -> String {
    let line = line.split_once(": ").map_or(line, |(_, rest)| rest);
    let (before, after) = line.split_once("dp port=").unwrap_or((line, ""));
    format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// What a switch says of a tunnel with these options.
fn odd(world: &crate::harness::World, name: &str, kind: &str, options: &[&str]) -> (String, Vec<String>) {
    let kind = format!("type={kind}");
    let options: Vec<String> = options.iter().map(|option| format!("options:{option}")).collect();
    let mut args = vec!["add-port", "int", name, "--", "set", "interface", name, &kind];
    args.extend(options.iter().map(String::as_str));
    world.run("ovs-vsctl", &args);
    let error = world.ok("ovs-vsctl", &["get", "interface", name, "error"]);
    let text = world.appctl_ok(&["ofproto/list-tunnels"]);
    let mine = text.lines().filter(|line| line.contains(&format!(" {name} "))).map(tail).collect();
    world.ok("ovs-vsctl", &["del-port", name]);
    (error, mine)
}

/// The number of the datapath's port of a tunnel.
fn dp_port(world: &crate::harness::World, name: &str) -> String {
    let text = world.appctl_ok(&["ofproto/list-tunnels"]);
    let line = text.lines().find(|line| line.contains(&format!(" {name} "))).unwrap_or_default();
    line.trim_start_matches("port ").split(':').next().unwrap_or_default().to_owned()
}

/// What comes out of tunnels: frames, bare packets, and what they said of themselves.
fn arrivals(worlds: &[crate::harness::World; 2]) {
    const IP: &str = "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)";
    const FRAME: &str = "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800)";
    const BARE: &str = "packet_type(ns=1,id=0x800),eth_type(0x0800)";
    const A: &str = "src=1.1.2.92,dst=1.1.2.88,ttl=64";
    const C: &str = "src=1.1.2.94,dst=1.1.2.88,ttl=64";
    both(worlds, "ovs-ofctl", &["del-flows", "int"]);
    both(worlds, "ovs-ofctl", &["add-flow", "int", "priority=1,actions=9"]);
    both(worlds, "ovs-ofctl", &["add-flow", "int", "tun_erspan_ver=1,tun_erspan_idx=0x7,actions=9"]);
    both(worlds, "ovs-ofctl", &["add-flow", "int", "tun_gbp_id=5,actions=mod_nw_tos:4,9"]);
    let plain = "flags(df|key)";
    for (port, key, ends, more, inner) in [
        ("t2", "0x7b", A, plain, FRAME),
        ("t3", "0x7b", A, plain, BARE),
        ("t4", "0x7", C, plain, BARE),
        ("t4", "0x7", C, plain, FRAME),
        ("t8", "0x9", C, plain, FRAME),
        ("t8", "0x9", C, plain, BARE),
        ("t10", "0xa", A, "erspan(ver=1,idx=0x7),flags(df|key)", FRAME),
        ("t11", "0xb", A, "erspan(ver=2,dir=1,hwid=0x5),flags(df|key)", FRAME),
        ("t15", "0x7b", A, "gtpu(flags=0x30,msgtype=255),flags(df|key)", BARE),
        ("t15", "0x7b", A, "gtpu(flags=0x30,msgtype=1),flags(df|key)", FRAME),
        ("t18", "0x9", A, plain, BARE),
        ("t19", "0x9", A, "vxlan(gbp(id=5,flags=0x8)),flags(df|key)", FRAME),
        ("t19", "0x9", A, plain, BARE),
    ] {
        let results = worlds.each_ref().map(|world| {
            let port = dp_port(world, port);
            let flow =
                format!("recirc_id(0),tunnel(tun_id={key},{ends},{more}),in_port({port}),{inner},{IP}");
            let (code, out, err) = world.appctl(&["ofproto/trace", "ovs-dummy", &flow]);
            (code, out, err)
        });
        // In the original the type of a bare packet stands twice in a megaflow.
        let [left, right] = results.map(|(code, out, err)| {
            (code, out.replace("packet_type=(1,0x800),ip,", "packet_type=(1,0x800),"), err)
        });
        assert_eq!(left.0, right.0, "{port} {more} {inner}: {left:?} {right:?}");
        if left.0 == 0 {
            assert_eq!(left.1, right.1, "{port} {more} {inner}");
        }
    }
    let [ours, peer] = worlds;
    for tunnel in ["t2", "t4", "t10", "t15", "t18"] {
        compare(ours, peer, "ovs-vsctl", &["get", "interface", tunnel, "error", "ofport"], &[]);
    }
}
