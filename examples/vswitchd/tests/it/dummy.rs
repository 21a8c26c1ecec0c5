//! Dummy mode: whole switches under virtual time, ours and the distribution's, packet by packet.

use crate::harness::{Database, Difference, Kind, World, compare, exclusive, tools};

const DUMMY: &[&str] = &["--enable-dummy=override", "--disable-system"];

pub fn pair(test: &str) -> Option<[World; 2]> {
    let tools = tools(test)?;
    Some([Kind::Ours, Kind::Peer].map(|kind| {
        let world = World::start(&tools, kind, Database::Peer, DUMMY);
        world.ok(
            "ovs-vsctl",
            &[
                "add-br",
                "br0",
                "--",
                "set",
                "bridge",
                "br0",
                "datapath_type=dummy",
                "fail_mode=standalone",
                "other_config:hwaddr=aa:55:aa:55:00:00",
            ],
        );
        for port in ["p1", "p2", "p3"] {
            let number = &port[1..];
            world.ok(
                "ovs-vsctl",
                &[
                    "add-port",
                    "br0",
                    port,
                    "--",
                    "set",
                    "interface",
                    port,
                    "type=dummy",
                    &format!("ofport_request={number}"),
                ],
            );
        }
        world.appctl_ok(&["time/stop"]);
        world
    }))
}

const FIRST: &str = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=6,tos=0,ttl=64,frag=no),tcp(src=8,dst=10),tcp_flags(0)";
const BACK: &str = "in_port(2),eth(src=50:54:00:00:00:0a,dst=50:54:00:00:00:09),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=10,dst=8),tcp_flags(0)";

#[test]
fn packets_are_learned_from_and_megaflows_read_the_same() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("packets_are_learned_from_and_megaflows_read_the_same") else { return };
    for (tool, args) in [
        ("ovs-appctl", &["netdev-dummy/receive", "p1", FIRST][..]),
        ("ovs-appctl", &["netdev-dummy/receive", "p2", BACK]),
        ("ovs-appctl", &["netdev-dummy/receive", "p1", FIRST]),
        ("ovs-appctl", &["time/warp", "1000"]),
        ("ovs-appctl", &["netdev-dummy/receive", "p1", FIRST]),
        ("ovs-appctl", &["time/warp", "1000"]),
        ("ovs-appctl", &["fdb/show", "br0"]),
        ("ovs-ofctl", &["dump-ports", "br0"]),
        ("ovs-ofctl", &["dump-ports", "br0", "2"]),
        ("ovs-ofctl", &["-O", "OpenFlow13", "dump-ports", "br0"]),
        ("ovs-ofctl", &["-O", "OpenFlow13", "dump-tables", "br0"]),
        ("ovs-ofctl", &["dump-aggregate", "br0"]),
        ("ovs-appctl", &["dpctl/dump-flows"]),
        ("ovs-appctl", &["dpif/dump-flows", "br0"]),
        ("ovs-appctl", &["dpif/show"]),
        ("ovs-appctl", &["ofproto/list"]),
        ("ovs-appctl", &["dpctl/dump-dps"]),
        ("ovs-appctl", &["netdev-dummy/receive", "nosuch", FIRST]),
        ("ovs-appctl", &["netdev-dummy/receive", "p1", "xyz"]),
        ("ovs-appctl", &["fdb/show", "nosuch"]),
        ("ovs-appctl", &["fdb/flush", "br0"]),
        ("ovs-appctl", &["fdb/show", "br0"]),
        ("ovs-appctl", &["time/warp", "20000"]),
        ("ovs-appctl", &["dpctl/dump-flows"]),
        ("ovs-appctl", &["nosuchcommand"]),
    ] {
        compare(&ours, &peer, tool, args, &[]);
    }
}

#[test]
fn traces_read_the_same() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("traces_read_the_same") else { return };
    for world in [&ours, &peer] {
        for flow in [
            "table=0,priority=10,in_port=1,ip,actions=resubmit(,1)",
            "table=1,priority=20,tcp,tp_dst=80,actions=mod_nw_dst:10.9.9.9,output:2",
            "table=1,priority=10,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,mod_dl_src:00:00:00:00:00:01,output:3",
            "table=0,priority=10,in_port=2,actions=mod_vlan_vid:7,output:1",
            "table=0,priority=10,in_port=3,dl_vlan=7,actions=strip_vlan,NORMAL",
            "table=0,priority=0,actions=drop",
        ] {
            world.ok("ovs-ofctl", &["add-flow", "br0", flow]);
        }
    }
    for flow in [
        "in_port=1,tcp,nw_dst=10.1.2.3,nw_ttl=64,tp_dst=80",
        "in_port=1,tcp,nw_dst=10.1.2.3,nw_ttl=64,tp_dst=81",
        "in_port=1,udp,nw_dst=11.1.2.3",
        "in_port=1,arp",
        "in_port=2,icmp,dl_src=00:00:00:00:00:05",
        "in_port=3,dl_vlan=7,ip,dl_src=00:00:00:00:00:06,dl_dst=00:00:00:00:00:07",
        "in_port=3,ip",
        "in_port=1,ipv6",
        "in_port=99",
    ] {
        compare(&ours, &peer, "ovs-appctl", &["ofproto/trace", "br0", flow], &[]);
    }
    compare(
        &ours,
        &peer,
        "ovs-appctl",
        &["ofproto/trace", "nosuch", "in_port=1"],
        &[Difference { line: "\u{0}", because: "nothing may differ" }],
    );
}
