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
    line: "recirc_id=",
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
    let hash = Difference {
        line: ",dp_hash(0x",
        because: "the original shows bits of a packet's hash that its megaflow does not match on",
    };
    run(&ours, &peer, include_str!("scripts/hashed_groups"), &[FROZEN, hash]);
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
