//! Scripts of OpenFlow commands, given to our switch and to the distribution's in dummy mode: what they print is
//! compared line by line.

use crate::dummy::pair;
use crate::harness::{Difference, World, compare, exclusive};

/// Runs the commands of a script on both; lines that begin with `#` are for the reader.
fn run(ours: &World, peer: &World, script: &str, allowed: &[Difference]) {
    for line in script.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (tool, args) = words.split_first().unwrap();
        compare(ours, peer, tool, args, allowed);
    }
}

/// The commands that every script begins with.
const SETUP: &str = "ovs-vsctl set bridge br0 fail_mode=secure \
                     protocols=OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15\n\
                     ovs-ofctl del-flows br0";

const FROZEN: Difference = Difference {
    line: ",recirc_id=",
    because: "the original keeps the identifiers of traced packets, ours are free when the trace is told",
};

#[test]
fn groups_are_kept_and_chosen_alike() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("groups_are_kept_and_chosen_alike") else { return };
    run(&ours, &peer, SETUP, &[]);
    run(&ours, &peer, include_str!("scripts/groups"), &[FROZEN]);
}

#[test]
fn groups_choose_by_the_hash_of_the_datapath_alike() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("groups_choose_by_the_hash_of_the_datapath_alike") else { return };
    run(&ours, &peer, SETUP, &[]);
    run(&ours, &peer, include_str!("scripts/hashed_groups"), &[]);
}

/// Tracks four connections by megaflows made by hand, and changes one of these; what each step prints. Such megaflows
/// go with the next revalidation, at any time.
fn track(world: &World) -> Vec<(i32, Vec<String>)> {
    let flow = |port: u32| {
        format!(
            "recirc_id(0),in_port({port}),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),\
             ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=17,tos=0/0,ttl=0/0,frag=no),udp(src=0/0,dst=0/0)"
        )
    };
    let packet = |port: u32, src: u32, from: u32| {
        let text = format!(
            "in_port({port}),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),\
             ipv4(src=10.0.0.{src},dst=10.0.0.1,proto=17,tos=0,ttl=64,frag=no),udp(src={from},dst=10)"
        );
        vec!["netdev-dummy/receive".to_owned(), format!("p{port}"), text]
    };
    let dpctl = |command: &str, args: &[&str]| {
        let name = format!("dpctl/{command}");
        std::iter::once(name).chain(args.iter().map(|arg| (*arg).to_owned())).collect::<Vec<_>>()
    };
    let steps = [
        dpctl("del-flows", &[]),
        dpctl("flush-conntrack", &[]),
        dpctl("add-flow", &[&flow(1), "ct(commit,zone=5),2"]),
        packet(1, 2, 8),
        packet(1, 3, 8),
        packet(1, 3, 9),
        dpctl("add-flow", &[&flow(2), "ct(commit,zone=6,mark=3/0xff),1"]),
        packet(2, 2, 8),
        dpctl("mod-flow", &["-s", &flow(2), "drop"]),
        dpctl("del-flow", &[&flow(2)]),
        dpctl("dump-conntrack", &[]),
    ];
    let run = |step: &Vec<String>| {
        let (code, out, _) = world.appctl(&step.iter().map(String::as_str).collect::<Vec<_>>());
        let mut lines: Vec<String> =
            out.lines().map(|line| line.split(", used:").next().unwrap().to_owned()).collect();
        lines.sort();
        (code, lines)
    };
    steps.iter().map(run).collect()
}

#[test]
fn connections_are_forgotten_alike() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("connections_are_forgotten_alike") else { return };
    run(&ours, &peer, SETUP, &[]);
    let name = Difference { line: "vswitchd: ", because: "it begins with the program's own name" };
    let tracked = (0..20).any(|_| track(&ours) == track(&peer));
    assert!(tracked, "{:?}\n{:?}", track(&ours), track(&peer));
    run(&ours, &peer, include_str!("scripts/connections"), &[name]);
}

#[test]
fn meters_are_kept_and_count_alike() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("meters_are_kept_and_count_alike") else { return };
    run(&ours, &peer, SETUP, &[]);
    run(&ours, &peer, include_str!("scripts/meters"), &[FROZEN]);
}

#[test]
fn tables_are_set_up_alike() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("tables_are_set_up_alike") else { return };
    run(&ours, &peer, SETUP, &[]);
    let miss =
        Difference { line: "ofp_table|WARN|bad table miss config", because: "a log line with the time" };
    run(&ours, &peer, include_str!("scripts/tables"), &[miss]);
}
