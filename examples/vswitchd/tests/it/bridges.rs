//! What ordinary switching and mirrors show to tools: both switches in dummy mode, compared line by line.

use crate::dummy::pair;
use crate::harness::{Difference, compare, exclusive};

#[test]
fn addresses_are_put_in_and_counted_alike() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("addresses_are_put_in_and_counted_alike") else { return };
    for line in include_str!("scripts/addresses").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        compare(&ours, &peer, words[0], &words[1..], &[]);
    }
}

#[test]
fn mirrors_copy_and_count_alike() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("mirrors_copy_and_count_alike") else { return };
    let columns =
        Difference { line: "filter", because: "a column that the distribution's schema has not yet" };
    for line in include_str!("scripts/mirrors").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        compare(&ours, &peer, words[0], &words[1..], &[columns]);
    }
}

#[test]
fn what_has_no_effect_is_said() {
    let _lock = exclusive();
    let Some([ours, _]) = pair("what_has_no_effect_is_said") else { return };
    ours.ok("ovs-vsctl", &["set", "bridge", "br0", "stp_enable=true"]);
    ours.ok(
        "ovs-vsctl",
        &["--", "--id=@m", "create", "mirror", "name=m", "--", "add", "bridge", "br0", "mirrors", "@m"],
    );
    for said in [
        "bridge br0: stp_enable has no effect: there is no spanning tree here",
        "bridge br0: mirror m does not specify output; ignoring",
    ] {
        assert!(ours.printed().contains(said), "{said}\n{}", ours.printed());
    }
}
