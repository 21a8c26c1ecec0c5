//! Tunnels in dummy mode: what both switches say of the same tunnels, routes, neighbours and packets.

use crate::harness::{Database, Difference, Kind, Tools, World, compare, exclusive, tools};

const FLOW: &str = "in_port=9,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,dl_type=0x800,nw_src=10.0.0.1,\
                    nw_dst=10.0.0.2,nw_proto=17,nw_tos=8,nw_ecn=1,nw_ttl=33,nw_frag=no";
/// A frame from the tunnels' other end to the underlay's local port.
const ARRIVAL: &str = "in_port=1,dl_src=f8:bc:12:44:34:b6,dl_dst=aa:55:aa:55:00:00";

/// Tunnels by the number of their port.
const TUNNELS: &[Tunnel] = &[
    ("2", "vxlan", &["key=123", "remote_ip=1.1.2.92"]),
    ("3", "vxlan", &["in_key=123", "out_key=flow", "csum=true", "remote_ip=1.1.2.92", "dst_port=4790"]),
    ("4", "geneve", &["key=flow", "remote_ip=1.1.2.92", "tos=inherit", "ttl=inherit", "df_default=false"]),
    ("5", "geneve", &["key=flow", "remote_ip=flow"]),
    ("6", "geneve", &["remote_ip=2001:cafe::93", "key=5", "csum=true", "tos=inherit"]),
    ("7", "vxlan", &["remote_ip=2001:cafe::93", "key=7", "tos=0x10", "ttl=10"]),
    ("8", "geneve", &["remote_ip=1.1.2.94", "key=1"]),
];

/// A tunnel by the number of its port: type, options.
pub type Tunnel = (&'static str, &'static str, &'static [&'static str]);

/// A switch in dummy mode: `br0` has the underlay's address, `int` the port `p9` and tunnels.
pub fn world(tools: &Tools, kind: Kind, tunnels: &[Tunnel]) -> World {
    let world = World::start(tools, kind, Database::Peer, &["--enable-dummy", "--disable-system-route"]);
    world.appctl_ok(&["time/stop"]);
    let hwaddr = "other-config:hwaddr=aa:55:aa:55:00:00";
    let dummy = ["datapath-type=dummy", "fail-mode=secure"];
    let mut args = vec!["add-br", "br0", "--", "set", "bridge", "br0", dummy[0], dummy[1], hwaddr];
    args.extend([
        "--",
        "add-port",
        "br0",
        "p1",
        "--",
        "set",
        "interface",
        "p1",
        "type=dummy",
        "ofport_request=1",
    ]);
    args.extend(["--", "add-br", "int", "--", "set", "bridge", "int", dummy[0], dummy[1]]);
    args.extend([
        "--",
        "add-port",
        "int",
        "p9",
        "--",
        "set",
        "interface",
        "p9",
        "type=dummy",
        "ofport_request=9",
    ]);
    world.ok("ovs-vsctl", &args);
    for (number, kind, options) in tunnels {
        let (name, number) = (format!("t{number}"), format!("ofport_request={number}"));
        let (kind, options) =
            (format!("type={kind}"), options.iter().map(|option| format!("options:{option}")));
        let options: Vec<String> = options.collect();
        let mut args = vec!["add-port", "int", &name, "--", "set", "interface", &name, &kind, &number];
        args.extend(options.iter().map(String::as_str));
        world.ok("ovs-vsctl", &args);
    }
    world.appctl_ok(&["netdev-dummy/ip4addr", "br0", "1.1.2.88/24"]);
    world.appctl_ok(&["netdev-dummy/ip6addr", "br0", "2001:cafe::88/24"]);
    world.ok("ovs-ofctl", &["add-flow", "br0", "actions=normal"]);
    world
}

/// Runs a command on both that must succeed.
pub fn both(worlds: &[World; 2], tool: &str, args: &[&str]) {
    for world in worlds {
        if tool == "ovs-appctl" {
            world.appctl_ok(args)
        } else {
            world.ok(tool, args)
        };
    }
}

/// Gives both bridges `int` one rule and compares what becomes of [`FLOW`].
pub fn trace(worlds: &[World; 2], rule: &str, allowed: &[Difference]) {
    both(worlds, "ovs-ofctl", &["del-flows", "int"]);
    both(worlds, "ovs-ofctl", &["-OOpenFlow13", "add-flow", "int", rule]);
    let [ours, peer] = worlds;
    compare(ours, peer, "ovs-appctl", &["ofproto/trace", "int", FLOW], allowed);
}

#[test]
fn traces_through_tunnels_are_the_originals() {
    let _lock = exclusive();
    let Some(tools) = tools("traces_through_tunnels_are_the_originals") else { return };
    let worlds = [world(&tools, Kind::Ours, TUNNELS), world(&tools, Kind::Peer, TUNNELS)];
    let [ours, peer] = &worlds;
    let same = |args: &[&str]| compare(ours, peer, "ovs-appctl", args, &[]);
    same(&["ovs/route/add", "1.1.2.92/24", "br0"]);
    same(&["ovs/route/add", "2001:cafe::/24", "br0"]);
    same(&["ovs/route/add", "9.9.0.0/16", "br0", "1.1.2.1"]);
    same(&["ovs/route/show"]);
    for address in ["1.1.2.92", "2001:cafe::93", "9.9.1.1", "5.5.5.5"] {
        same(&["ovs/route/lookup", address]);
    }
    // Nobody is known yet.
    trace(&worlds, "in_port=9,actions=2", &[]);
    trace(&worlds, "in_port=9,actions=6", &[]);
    same(&["tnl/neigh/set", "br0", "1.1.2.92", "f8:bc:12:44:34:b6"]);
    same(&["tnl/arp/set", "br0", "2001:cafe::93", "f8:bc:12:44:34:b7"]);
    for (number, ..) in TUNNELS {
        trace(&worlds, &format!("in_port=9,actions=set_tunnel:0x99,{number}"), &[]);
    }
    trace(&worlds, "in_port=9,actions=2,LOCAL", &[]);
    for map in [
        "{class=0xffff,type=0,len=4}->tun_metadata0",
        "{class=0x102,type=0x80,len=4}->tun_metadata1",
        "{class=0x102,type=7,len=20}->tun_metadata60",
    ] {
        both(&worlds, "ovs-ofctl", &["add-tlv-map", "int", map]);
    }
    let metadata = "set_field:0x112233445566778899aabbccddeeff->tun_metadata60,set_field:0x1234->tun_metadata0,\
                    set_field:0x55->tun_metadata1";
    trace(
        &worlds,
        &format!("in_port=9,actions=set_field:1.1.2.92->tun_dst,set_field:7->tun_id,{metadata},5"),
        &[],
    );
    let unseen = Difference {
        line: "Final flow",
        because: "the original leaves parts of a tunnel that it shows to nobody in a flow that it does not send",
    };
    trace(&worlds, "in_port=9,actions=5", &[unseen]);
    arrivals(&worlds);
}

/// What comes to the local port, and what comes out of tunnels.
fn arrivals(worlds: &[World; 2]) {
    let [ours, peer] = worlds;
    let rest = [
        "udp,nw_src=1.1.2.92,nw_dst=1.1.2.88,nw_ttl=64,nw_frag=no,udp_dst=4789",
        "udp,nw_src=1.1.2.92,nw_dst=1.1.2.88,nw_ttl=64,nw_frag=no,udp_dst=4700",
        "udp,nw_src=1.1.2.92,nw_dst=1.1.2.89,nw_ttl=64,nw_frag=no,udp_dst=6081",
        "tcp,nw_src=1.1.2.92,nw_dst=1.1.2.88,nw_ttl=64,nw_frag=no",
        "udp6,ipv6_src=2001:cafe::93,ipv6_dst=2001:cafe::88,nw_ttl=64,nw_frag=no,udp_dst=6081",
        "arp,arp_op=1,arp_spa=1.1.2.92,arp_tpa=1.1.2.88,arp_sha=f8:bc:12:44:34:b6,arp_tha=00:00:00:00:00:00",
        "arp,arp_op=2,arp_spa=1.1.2.92,arp_tpa=1.1.2.88,arp_sha=f8:bc:12:44:34:b6,arp_tha=00:00:00:00:00:00",
        "arp,arp_op=2,arp_spa=1.1.2.92,arp_tpa=1.1.2.89,arp_sha=f8:bc:12:44:34:b6,arp_tha=00:00:00:00:00:00",
        "icmp6,ipv6_src=2001:cafe::93,ipv6_dst=2001:cafe::88,icmpv6_type=136,icmpv6_code=0,nd_target=2001:cafe::93,\
         nd_tll=f8:bc:12:44:34:b6",
    ];
    // The original knows its own address, ours learns it: no matter here.
    both(worlds, "ovs-ofctl", &["add-flow", "br0", "priority=40000,in_port=1,actions=LOCAL"]);
    for flow in rest {
        compare(ours, peer, "ovs-appctl", &["ofproto/trace", "br0", &format!("{ARRIVAL},{flow}")], &[]);
    }
    both(worlds, "ovs-ofctl", &["del-flows", "int"]);
    for rule in [
        "in_port=2,actions=9",
        "in_port=4,tun_metadata0=5,actions=set_field:1.1.2.92->tun_dst,9,5",
        "in_port=4,tun_metadata60=0x1122334455660000000000000000000000000000/0xffffffffffff0000000000000000000000000000,\
         tun_metadata0=5,priority=40000,actions=move:tun_metadata60[0..95]->tun_metadata60[64..159],\
         set_field:1.1.2.92->tun_dst,9,5",
        "in_port=5,actions=9",
    ] {
        both(worlds, "ovs-ofctl", &["add-flow", "int", rule]);
    }
    let frame = "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800)";
    for (inner, outer) in (0..4).flat_map(|inner| (0..4).map(move |outer| (inner, outer))) {
        let tunnel =
            format!("tunnel(tun_id=0x7b,src=1.1.2.92,dst=1.1.2.88,tos={outer:#x},ttl=64,flags(df|csum|key))");
        let ip = format!(
            "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos={inner:#x},ttl=64,frag=no),udp(src=1,dst=2)"
        );
        let flow = format!("recirc_id(0),{tunnel},in_port(4789),{frame},{ip}");
        compare(ours, peer, "ovs-appctl", &["ofproto/trace", "ovs-dummy", &flow], &[]);
    }
    let ip = "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)";
    for (from, id) in [("1.1.2.92", 7), ("1.1.2.93", 7), ("1.1.2.94", 1)] {
        for options in [
            "geneve({class=0xffff,type=0,len=4,0x5}{class=0x1,type=3,len=4,0x5})",
            "geneve({class=0x102,type=7,len=20,0x112233445566778899aabbccddeeff1122334455}{class=0xffff,type=0,len=4,0x5})",
            "geneve({class=0x102,type=7,len=16,0x11223344556677889900aabbccddeeff}{class=0xffff,type=0,len=4,0x5})",
        ] {
            let tunnel =
                format!("tunnel(tun_id={id},src={from},dst=1.1.2.88,ttl=64,{options},flags(df|key))");
            let flow = format!("recirc_id(0),{tunnel},in_port(6081),{frame},{ip}");
            compare(ours, peer, "ovs-appctl", &["ofproto/trace", "ovs-dummy", &flow], &[]);
        }
    }
}
