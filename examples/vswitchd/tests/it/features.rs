//! Features that are taken away from datapaths, ours and the distribution's: what becomes of packets and rules then.

use crate::dummy::pair;
use crate::harness::{World, compare, exclusive};

/// Rules of which each needs a feature of the datapath.
const FLOWS: &[&str] = &[
    "in_port=1,udp,tp_dst=1,actions=mod_nw_dst:10.9.9.9,mod_tp_dst:5,output:2",
    "in_port=1,udp,tp_dst=2,actions=set_field:00:00:00:00:00:05/00:00:00:00:00:ff->eth_dst,output:2",
    "in_port=1,udp,tp_dst=3,actions=output(port=2,max_len=64)",
    "in_port=1,udp,tp_dst=4,actions=clone(ct(commit,zone=3),output:2),output:3",
    "in_port=1,udp,tp_dst=5,actions=ct(commit,table=3)",
    "in_port=1,udp,tp_dst=6,actions=check_pkt_larger(200)->NXM_NX_REG0[0],resubmit(,2),output:3",
    "in_port=1,udp,tp_dst=7,actions=group:1",
    "in_port=1,udp,tp_dst=8,actions=encap(mpls),encap(ethernet),output:2",
    "in_port=1,udp,tp_dst=9,actions=move:NXM_OF_IP_SRC[0..15]->NXM_OF_IP_DST[0..15],output:2",
    "in_port=1,udp,tp_dst=10,actions=set_field:1->pkt_mark,set_field:10->ip_dscp,output:2",
    "in_port=1,udp,tp_dst=11,actions=group:2",
    "in_port=1,udp,tp_dst=12,actions=clone(ct(commit),clone(ct(commit,zone=2),output:2),output:3),output:3",
    "in_port=1,udp6,actions=set_field:::5/::f->ipv6_src,output:2",
    "in_port=1,arp,actions=set_field:1.1.1.1->arp_spa,output:2",
    "in_port=1,icmp,actions=set_field:5->icmp_type,output:2",
    "in_port=1,tcp,actions=set_field:5/7->tcp_src,output:2",
    "in_port=1,ip,nw_proto=47,actions=set_field:5->ip_dscp,output:2",
    "in_port=2,ip,nw_frag=first,actions=dec_ttl,set_field:00:00:00:00:00:09->eth_src,output:3",
    "in_port=2,ip,nw_frag=later,actions=dec_ttl,output:3",
    "table=2,reg0=0,actions=output:2",
    "table=2,reg0=1,actions=output:3",
    "table=3,actions=ct_clear,resubmit(,4)",
    "table=4,udp,actions=output:3",
];

const GROUPS: &[&str] = &[
    "group_id=1,type=select,bucket=output:2,bucket=output:3",
    "group_id=2,type=all,bucket=output(port=2,max_len=100),bucket=output:3",
];

/// Packets of the rules above, by the number that is their port.
fn packet(number: u32) -> String {
    format!("in_port=1,udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=9,udp_dst={number}")
}

/// Packets for which a header is written.
const WRITTEN: &[&str] = &[
    "in_port=1,udp6,ipv6_src=::1,ipv6_label=5,nw_ttl=3",
    "in_port=1,arp,arp_op=1,arp_spa=2.2.2.2",
    "in_port=1,icmp,icmp_type=8,icmp_code=3",
    "in_port=1,tcp,tcp_src=256,tcp_dst=7",
    "in_port=1,ip,nw_proto=47,nw_ttl=9",
    "in_port=2,udp,nw_frag=first,nw_ttl=3,udp_src=5",
    "in_port=2,udp,nw_frag=later,nw_ttl=3",
];

/// Rules that need what the datapath can match and do, to be taken or refused.
const ASKED: &[&str] = &[
    "table=9,ct_state=+trk,ip,actions=drop",
    "table=9,ct_state=+trk+snat,ip,actions=drop",
    "table=9,ct_zone=4,ip,actions=drop",
    "table=9,ct_mark=4,ip,actions=drop",
    "table=9,ct_label=4,ip,actions=drop",
    "table=9,ct_nw_src=1.1.1.1,ct_state=+trk+est,ip,actions=drop",
    "table=9,ct_ipv6_src=::1,ct_state=+trk+est,ipv6,actions=drop",
    "table=9,ct_state=+trk+est,ip,ct_nw_proto=6,ct_tp_src=3,actions=drop",
    "table=9,icmp6,icmp_type=136,nd_options_type=2,actions=drop",
    "table=9,icmp6,icmp_type=136,actions=set_field:2->nd_options_type",
    "table=9,icmp6,icmp_type=136,actions=set_field:2->nd_reserved",
    "table=9,ip,actions=ct(commit)",
    "table=9,ip,actions=ct(commit,zone=3)",
    "table=9,ip,actions=ct(commit,nat)",
    "table=9,ip,actions=ct(commit,exec(set_field:1->ct_mark))",
    "table=9,ip,actions=ct(commit,exec(set_field:1->ct_label))",
    "table=9,ip,actions=clone(ct(commit,nat,exec(set_field:1->ct_mark))),output:1",
    "table=9,ip,actions=write_actions(ct(commit),output:1)",
    "table=9,ip,actions=move:NXM_NX_CT_MARK[]->NXM_NX_REG0[]",
];

/// What one feature decides: what it is set to, the packets and whether rules are taken.
const FEATURES: &[(&str, &str, &[u32], bool, bool)] = &[
    ("masked_set_action", "false", &[1, 2, 9, 10], true, false),
    ("ufid", "false", &[1], false, false),
    ("trunc", "false", &[3, 11], false, false),
    ("clone", "false", &[4, 12], false, false),
    ("ct_clear", "false", &[5], false, false),
    ("max_hash_alg", "0", &[7], false, false),
    ("check_pkt_len", "false", &[6], false, false),
    ("ct_timeout", "false", &[5], false, false),
    ("explicit_drop_action", "false", &[99], false, false),
    ("ct_zero_snat", "false", &[5], false, false),
    ("add_mpls", "false", &[8], false, false),
    ("max_mpls_depth", "1", &[8], false, false),
    ("ct_eventmask", "false", &[5], false, true),
    ("ct_state", "false", &[5], false, true),
    ("ct_zone", "false", &[4], false, true),
    ("ct_mark", "false", &[], false, true),
    ("ct_label", "false", &[], false, true),
    ("ct_state_nat", "false", &[], false, true),
    ("ct_orig_tuple", "false", &[], false, true),
    ("ct_orig_tuple6", "false", &[], false, true),
    ("nd_ext", "false", &[], false, true),
];

fn prepare(world: &World) {
    world.ok("ovs-ofctl", &["del-flows", "br0"]);
    for group in GROUPS {
        world.ok("ovs-ofctl", &["-O", "OpenFlow15", "add-group", "br0", group]);
    }
    for flow in FLOWS {
        world.ok("ovs-ofctl", &["-O", "OpenFlow15", "add-flow", "br0", flow]);
    }
}

/// Whether a rule is taken, and the name of the error if not.
fn asks(world: &World, flow: &str) -> String {
    let (code, _, errors) = world.run("ovs-ofctl", &["-O", "OpenFlow15", "add-flow", "br0", flow]);
    let named = errors.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
    format!("{flow}: {code} {named}")
}

fn set(world: &World, name: &str, value: &str) {
    assert_eq!(world.appctl_ok(&["dpif/set-dp-features", "br0", name, value]), "", "{name}={value}");
}

#[test]
fn features_that_are_taken_away_are_missed_as_in_the_original() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("features_that_are_taken_away_are_missed_as_in_the_original") else {
        return;
    };
    [&ours, &peer].into_iter().for_each(prepare);
    let set_both = |name: &str, value: &str| {
        set(&ours, name, value);
        set(&peer, name, value);
    };
    let trace = |flow: &str| compare(&ours, &peer, "ovs-appctl", &["ofproto/trace", "br0", flow], &[]);
    (1..=12).for_each(|number| trace(&packet(number)));
    for flow in WRITTEN {
        trace(flow);
    }
    for (name, off, packets, written, asked) in FEATURES {
        let on = match *name {
            "max_hash_alg" => "1",
            "max_mpls_depth" => "3",
            _ => "true",
        };
        set_both(name, off);
        compare(&ours, &peer, "ovs-appctl", &["dpif/set-dp-features", "br0", name], &[]);
        packets.iter().for_each(|number| trace(&packet(*number)));
        for flow in WRITTEN.iter().filter(|_| *written) {
            trace(flow);
        }
        for flow in ASKED.iter().filter(|_| *asked) {
            assert_eq!(asks(&ours, flow), asks(&peer, flow), "with {name}={off}");
        }
        set_both(name, on);
    }
    // Copies are made with samples as long as these nest deeply enough.
    set_both("clone", "false");
    for depth in ["4", "3"] {
        set_both("sample_nesting", depth);
        trace(&packet(4));
        trace(&packet(12));
    }
}

#[test]
fn features_are_shown_and_refused_as_in_the_original() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("features_are_shown_and_refused_as_in_the_original") else { return };
    let list = |world: &World| {
        let text = world.appctl_ok(&["dpif/set-dp-features", "br0"]);
        let mut lines: Vec<String> = text
            .lines()
            // Balancing by the datapath's own table of buckets is not done here; the other is later than 3.1.
            .filter(|line| !line.starts_with("lb_output_action") && !line.starts_with("psample"))
            .map(str::to_owned)
            .collect();
        // The original's come in the order of a hash table.
        lines.sort();
        lines
    };
    assert_eq!(list(&ours), list(&peer));
    for args in [
        &["nosuch"][..],
        &["br0", "foo"],
        &["br0", "foo", "true"],
        &["br0", "clone"],
        &["br0", "clone", "maybe"],
        &["br0", "clone", "False"],
        &["br0", "clone"],
        &["br0", "clone", "TRUE"],
        &["br0", "max_mpls_depth", "7"],
        &["br0", "max_mpls_depth", "x"],
        &["br0", "max_mpls_depth", "-1"],
        &["br0", "max_mpls_depth", "3x"],
        &["br0", "max_mpls_depth", "2"],
        &["br0", "max_mpls_depth"],
        &["br0", "clone", "false", "more"],
        &[],
    ] {
        let args = [&["dpif/set-dp-features"], args].concat();
        compare(&ours, &peer, "ovs-appctl", &args, &[]);
    }
}

/// A packet whose megaflow a feature changes.
const SHORT: &str = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=17,tos=0,ttl=64,frag=no),udp(src=8,dst=6)";

#[test]
fn live_megaflows_follow_a_feature() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("live_megaflows_follow_a_feature") else { return };
    [&ours, &peer].into_iter().for_each(prepare);
    let both = |args: &[&str]| compare(&ours, &peer, "ovs-appctl", args, &[]);
    let receive = || {
        both(&["netdev-dummy/receive", "p1", SHORT]);
        both(&["netdev-dummy/receive", "p1", SHORT, "--len", "400"]);
    };
    let set_both = |value| {
        set(&ours, "check_pkt_len", value);
        set(&peer, "check_pkt_len", value);
        both(&["revalidator/wait"]);
    };
    receive();
    both(&["dpctl/dump-flows"]);
    set_both("false");
    // The original deletes the megaflow here, ours gets the other actions.
    let flows = ours.appctl_ok(&["dpctl/dump-flows"]);
    assert!(flows.contains("actions:userspace(pid=0,slow_path(action))"), "{flows}");
    receive();
    set_both("true");
    let flows = ours.appctl_ok(&["dpctl/dump-flows"]);
    assert!(flows.contains("actions:check_pkt_len(size=200,gt(3,3),le(2,3))"), "{flows}");
    receive();
    both(&["time/warp", "500"]);
    for port in ["2", "3"] {
        compare(&ours, &peer, "ovs-ofctl", &["dump-ports", "br0", port], &[]);
    }
}
