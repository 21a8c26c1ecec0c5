//! Traces, compared to the letter with those of the distribution's switch.

use ovs_ofproto::{FailMode, InterfaceConfig, VlanMode};

use ovs_flow::{OfPort, VlanId};

use crate::ofctl::Ofctl;
use crate::peer::Peer;
use crate::world::{Below, World, bridge, port, state};

const FLOWS: &str = "\
table=0,priority=100,tcp,nw_dst=10.0.0.0/8,actions=dec_ttl,mod_nw_dst:1.2.3.4,resubmit(,1),resubmit(,2),output:2,in_port
table=0,priority=90,udp,actions=set_field:50:54:00:00:00:77->eth_dst,set_field:9->udp_src,output:2,mod_dl_src:50:54:00:00:00:66,output:3
table=0,priority=80,in_port=1,dl_vlan=10,actions=strip_vlan,output:2,mod_vlan_vid:20,output:3
table=0,priority=80,in_port=1,dl_vlan=11,actions=push_vlan:0x8100,set_field:4110->vlan_vid,output:2
table=0,priority=70,arp,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],load:2->NXM_OF_ARP_OP[],in_port
table=0,priority=60,icmp,actions=write_metadata:0x12/0xff,goto_table:5
table=0,priority=50,ip6,actions=load:0x5->NXM_NX_REG0[],set_field:fe80::1->ipv6_dst,mod_nw_tos:0x20,output:NXM_NX_REG0[0..15],resubmit(,6)
table=0,priority=40,dl_type=0x1234,actions=push:NXM_NX_REG0[],load:7->NXM_NX_REG0[],pop:NXM_NX_REG0[],all
table=0,priority=30,dl_type=0x1235,actions=resubmit(,0)
table=0,priority=29,dl_type=0x1236,actions=flood,local,normal,controller(max_len=40),note:01.02
table=0,priority=28,dl_type=0x1237,actions=resubmit(2,7),exit,output:3
table=0,priority=27,dl_type=0x1238,actions=enqueue:2:5,set_queue:3,output:3,pop_queue,output:2
table=0,priority=26,dl_type=0x1239,actions=mod_vlan_pcp:3,output:2,output:99,output:1
table=0,priority=10,in_port=3,actions=resubmit(,8)
table=0,priority=9,in_port=2,vlan_tci=0x1000/0x1000,actions=output:1
table=0,priority=8,in_port=2,actions=normal
table=1,priority=5,actions=mod_vlan_vid:7,output:1,2,controller,load:5->NXM_NX_REG0[],output:99
table=1,priority=50,tp_dst=80,tcp,actions=resubmit(,3)
table=3,priority=50,cookie=0x77,reg0=0,actions=normal,flood,all,strip_vlan,local
table=5,priority=1,metadata=0x12/0xf0,actions=write_actions(output:2,mod_dl_dst:50:54:00:00:00:99),goto_table:6
table=6,priority=1,ip,actions=mod_nw_ttl:9,output:3
table=6,priority=2,ipv6,ipv6_label=0x5,actions=dec_ttl,output:2
table=7,priority=1,in_port=2,actions=output:3
table=8,priority=3,tcp,nw_src=1.2.3.0/24,tp_src=0x50/0xfff0,actions=mod_tp_dst:8080,output:1
table=8,priority=3,udp,nw_frag=no,actions=output:2
table=8,priority=2,ip,nw_tos=32,actions=output:2
table=8,priority=1,ip,dl_src=50:54:00:00:00:00/ff:ff:ff:00:00:00,actions=set_field:10.9.8.7/0.255.0.0->ip_src,output:1
";

const TRACES: &[&str] = &[
    "in_port=1,tcp,nw_dst=10.1.1.1,nw_ttl=64,tp_dst=200",
    "in_port=1,tcp,nw_dst=10.1.1.1,nw_ttl=64,tp_dst=80",
    "in_port=1,tcp,nw_dst=10.1.1.1,nw_ttl=1,tp_dst=80",
    "in_port=1,udp,nw_dst=10.1.1.1",
    "in_port=1,udp,nw_src=1.2.3.4,nw_dst=9.1.1.1,udp_src=5,udp_dst=6",
    "in_port=1,dl_vlan=10,dl_vlan_pcp=5,dl_type=0x4321",
    "in_port=1,dl_vlan=11,dl_type=0x4321",
    "in_port=1,dl_vlan=12,dl_type=0x4321",
    "in_port=1,arp,dl_src=50:54:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=1,arp_spa=1.1.1.1,arp_tpa=2.2.2.2",
    "in_port=1,icmp,nw_dst=9.9.9.9,nw_ttl=3,icmp_type=8",
    "in_port=1,tcp6,ipv6_src=fe80::5,ipv6_dst=fe80::6,ipv6_label=5,nw_ttl=7,tcp_dst=8",
    "in_port=2,tcp6,ipv6_src=fe80::5,ipv6_dst=fe80::6,nw_ttl=7,tcp_dst=8",
    "in_port=1,dl_type=0x1234",
    "in_port=1,dl_type=0x1235",
    "in_port=2,dl_type=0x1236,dl_src=50:54:00:00:00:01",
    "in_port=1,dl_type=0x1237",
    "in_port=1,dl_type=0x1238",
    "in_port=1,dl_type=0x1239",
    "in_port=1,dl_vlan=5,dl_type=0x1239",
    "in_port=3,tcp,nw_src=1.2.3.4,tp_src=85,tp_dst=1",
    "in_port=3,tcp,nw_src=1.2.3.4,tp_src=99,tp_dst=1,nw_tos=32",
    "in_port=3,udp,nw_frag=first,udp_src=3",
    "in_port=3,udp,nw_frag=later",
    "in_port=3,ip,nw_proto=99,dl_src=50:54:00:11:22:33,nw_src=10.1.2.3",
    "in_port=3,ip,nw_proto=99,dl_src=60:54:00:11:22:33,nw_src=10.1.2.3",
    "in_port=2,dl_vlan=30,dl_vlan_pcp=1",
    "in_port=2,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02",
    "in_port=2,dl_dst=01:80:c2:00:00:00",
    "in_port=77,dl_type=0x9999",
];

/// Identifiers of frozen states depend on what was traced before.
pub fn without_ids(text: &str) -> String {
    let mut out = String::new();
    for part in text.split_inclusive("recirc_id=") {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        let keep = out.ends_with("continuation=0,recirc_id=");
        out.push_str(if keep { &part[digits..] } else { part });
    }
    let text = without_numbers(&without_numbers(&out, "recirc(0x"), "recirc_id=0x");
    // Two names of one action; which one depends on the version by which the flow came.
    text.trim_end().replace("strip_vlan", "pop_vlan")
}

/// A text without the hexadecimal digits behind `head`.
fn without_numbers(text: &str, head: &str) -> String {
    let mut parts = text.split(head);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + head + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

fn compare(peer: &Peer, world: &mut World, traces: &[&str]) {
    let mut differences = Vec::new();
    for flow in traces {
        let theirs = without_ids(&peer.appctl(&["ofproto/trace", "br0", flow]));
        let ours = match world.switch.trace_text("br0", flow, &[], world.now) {
            Ok(text) => without_ids(&text),
            Err(error) => error.to_string(),
        };
        if ours != theirs {
            let pairs = theirs.lines().zip(ours.lines()).filter(|(a, b)| a != b);
            let lines: Vec<String> = pairs.map(|(a, b)| format!("- {a}\n+ {b}")).collect();
            let counts = (theirs.lines().count(), ours.lines().count());
            differences.push(format!("{flow}: lines {counts:?}\n{}\n", lines.join("\n")));
        }
    }
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn rules_are_traced_like_the_original() {
    let Some(peer) = Peer::start("trace-rules") else { return };
    peer.vsctl(&["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure"]);
    for n in ["1", "2", "3"] {
        let (name, request) = (format!("p{n}"), format!("ofport_request={n}"));
        peer.vsctl(&["add-port", "br0", &name, "--", "set", "int", &name, "type=dummy", &request]);
    }
    let mut world = World::new(Below::Naive);
    world.apply(&state([bridge("br0", &[]).fail_mode(FailMode::Secure)]));
    world.apply(&state([bridge("br0", &["p1", "p2", "p3"]).fail_mode(FailMode::Secure)]));
    for flow in FLOWS.lines() {
        let theirs = peer.add_flow("br0", flow);
        let done = Ofctl::new(&peer).run(&mut world, "br0", &["-O", theirs, "add-flow", "TARGET", flow]);
        let said = String::from_utf8_lossy(&done.stderr).chars().take(1000).collect::<String>();
        assert!(done.status.success(), "{flow}: {said}");
    }
    compare(&peer, &mut world, TRACES);
}

#[test]
fn vlans_are_traced_like_the_original() {
    let Some(peer) = Peer::start("trace-vlans") else { return };
    peer.vsctl(&["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy"]);
    let kinds = ["tag=10", "tag=10", "trunks=10,20", "vlan_mode=native-tagged", "vlan_mode=native-untagged"];
    for (n, setting) in (1..).zip(kinds) {
        let (name, request) = (format!("p{n}"), format!("ofport_request={n}"));
        peer.vsctl(&["add-port", "br0", &name, "--", "set", "int", &name, "type=dummy", &request]);
        peer.vsctl(&["set", "port", &name, setting]);
        if setting.starts_with("vlan_mode") {
            peer.vsctl(&["set", "port", &name, "tag=10"]);
        }
    }
    let vlan = |n| VlanId::new(n);
    let with = |n: u16| {
        let name = format!("p{n}");
        let mut config = port(&name);
        config.interfaces = vec![InterfaceConfig::new(name, "dummy").ofport_request(Some(OfPort(n)))];
        config
    };
    let br0 = bridge("br0", &[])
        .port(with(1).tag(vlan(10)))
        .port(with(2).tag(vlan(10)))
        .port(with(3).trunks([vlan(10).unwrap(), vlan(20).unwrap()]))
        .port(with(4).vlan_mode(Some(VlanMode::NativeTagged)).tag(vlan(10)))
        .port(with(5).vlan_mode(Some(VlanMode::NativeUntagged)).tag(vlan(10)));
    let mut world = World::new(Below::Naive);
    world.apply(&state([bridge("br0", &[])]));
    world.apply(&state([br0]));
    let mut traces = Vec::new();
    for n in 1..=5 {
        for tag in ["", ",dl_vlan=10", ",dl_vlan=20,dl_vlan_pcp=4", ",dl_vlan=0,dl_vlan_pcp=2", ",dl_vlan=30"]
        {
            traces.push(format!("in_port={n}{tag},dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02"));
        }
    }
    let traces: Vec<&str> = traces.iter().map(String::as_str).collect();
    compare(&peer, &mut world, &traces);
}
