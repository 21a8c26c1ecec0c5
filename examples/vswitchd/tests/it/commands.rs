//! Commands about megaflows and about the datapath's insides, with the original's words.

use crate::dummy::pair;
use crate::harness::{Difference, World, compare, exclusive};

const FIRST: &str = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=6,tos=0,ttl=64,frag=no),tcp(src=8,dst=10),tcp_flags(0)";
const ARP: &str = "in_port(1),eth(src=50:54:00:00:00:09,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806),arp(sip=1.2.3.4,tip=5.6.7.8,op=1,sha=50:54:00:00:00:09,tha=00:00:00:00:00:00)";

/// A difference in numbers of threads.
const THREADS: &[Difference] =
    &[Difference { line: ": (keys ", because: "threads are numbered by how many there have been" }];

#[test]
fn megaflows_are_looked_after_as_asked() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("megaflows_are_looked_after_as_asked") else { return };
    let steps: &[&[&str]] = &[
        &["netdev-dummy/receive", "p1", FIRST],
        &["netdev-dummy/receive", "p1", FIRST],
        &["dpctl/dump-flows"],
        &["revalidator/purge"],
        &["dpctl/dump-flows"],
        &["upcall/disable-megaflows"],
        &["netdev-dummy/receive", "p1", FIRST],
        &["netdev-dummy/receive", "p1", ARP],
        &["dpctl/dump-flows"],
        &["upcall/enable-megaflows"],
        &["dpctl/dump-flows"],
        &["netdev-dummy/receive", "p1", FIRST],
        &["dpctl/dump-flows"],
        &["upcall/disable-ufid"],
        &["upcall/enable-ufid"],
        &["upcall/set-flow-limit", "5", "6"],
        &["upcall/set-flow-limit"],
        &["upcall/set-flow-limit", "-5"],
        &["upcall/set-flow-limit", "xx"],
        &["upcall/set-flow-limit", "20"],
        &["revalidator/purge", "x"],
        &["upcall/enable-ufid", "x"],
    ];
    for args in steps {
        compare(&ours, &peer, "ovs-appctl", args, &[]);
    }
    // What was purged has been counted.
    compare(&ours, &peer, "ovs-ofctl", &["dump-flows", "br0"], &[]);
    for world in [&ours, &peer] {
        let text = world.appctl_ok(&["upcall/show"]);
        assert!(text.contains("  ufid enabled : true\n"), "{text}");
        world.appctl_ok(&["upcall/disable-ufid"]);
        let text = world.appctl_ok(&["upcall/show"]);
        assert!(text.contains("  ufid enabled : false\n"), "{text}");
        world.appctl_ok(&["revalidator/purge"]);
    }
    let sizes = Difference { line: "  flows   ", because: "averages depend on when sweeps came" };
    compare(&ours, &peer, "ovs-appctl", &["upcall/show"], &[THREADS[0], sizes]);
}

/// Ours alone: 3.1 cannot pause.
#[test]
fn paused_revalidation_leaves_megaflows_alone_and_is_made_up_for() {
    let _lock = exclusive();
    let Some([ours, _]) = pair("paused_revalidation_leaves_megaflows_alone_and_is_made_up_for") else {
        return;
    };
    let actions = |world: &World| {
        let text = world.appctl_ok(&["dpctl/dump-flows"]);
        text.split("actions:").nth(1).map(|rest| rest.trim().to_owned()).unwrap_or_default()
    };
    ours.ok("ovs-ofctl", &["add-flow", "br0", "in_port=1,actions=output:2"]);
    ours.appctl_ok(&["netdev-dummy/receive", "p1", FIRST]);
    assert_eq!(actions(&ours), "2");
    ours.appctl_ok(&["revalidator/pause"]);
    // The barrier behind the change is answered all the same.
    ours.ok("ovs-ofctl", &["add-flow", "br0", "in_port=1,actions=output:3"]);
    ours.appctl_ok(&["time/warp", "60000", "1000"]);
    assert_eq!(actions(&ours), "2");
    ours.appctl_ok(&["revalidator/resume"]);
    ours.appctl_ok(&["revalidator/wait"]);
    assert_eq!(actions(&ours), "3");
    ours.appctl_ok(&["time/warp", "60000", "1000"]);
    assert_eq!(actions(&ours), "");
}

#[test]
fn variants_are_listed_and_chosen_as_in_the_original() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("variants_are_listed_and_chosen_as_in_the_original") else { return };
    for line in [
        "dpif-impl-get",
        "dpif-impl-get x",
        "dpif-impl-set dpif_scalar",
        "dpif-impl-set foo",
        "dpif-impl-set",
        "miniflow-parser-get",
        "miniflow-parser-set",
        "miniflow-parser-set scalar",
        "miniflow-parser-set autovalidator",
        "miniflow-parser-set study",
        "miniflow-parser-set study 50",
        "miniflow-parser-set study x",
        "miniflow-parser-set study 0",
        "miniflow-parser-set scalar 50",
        "miniflow-parser-set foo",
        "miniflow-parser-set foo 5",
        "miniflow-parser-set a b",
        "miniflow-parser-set -pmd 3 scalar",
        "miniflow-parser-set -pmd x scalar",
        "miniflow-parser-set -pmd 3 study 5",
        "miniflow-parser-set -pmd 3 study 5 6 7",
        "miniflow-parser-set -pmd",
        "miniflow-parser-get",
        "subtable-lookup-info-get",
        "subtable-lookup-prio-set",
        "subtable-lookup-prio-set generic 3",
        "subtable-lookup-prio-set autovalidator 5",
        "subtable-lookup-info-get",
        "subtable-lookup-prio-set generic 256",
        "subtable-lookup-prio-set generic -1",
        "subtable-lookup-prio-set generic x",
        "subtable-lookup-prio-set foo 3",
        "subtable-lookup-prio-set generic 2 3",
    ] {
        let line = format!("dpif-netdev/{line}");
        compare(&ours, &peer, "ovs-appctl", &line.split(' ').collect::<Vec<_>>(), &[]);
    }
    for args in [
        &["odp-execute/action-impl-show"][..],
        &["odp-execute/action-impl-set", "autovalidator"],
        &["odp-execute/action-impl-show"],
        &["odp-execute/action-impl-set", "scalar"],
        &["odp-execute/action-impl-set", "foo"],
        &["odp-execute/action-impl-set"],
        &["netdev-dummy/conn-state"],
        &["netdev-dummy/conn-state", "p1"],
        &["dpctl/cache-get-size"],
        &["dpctl/cache-get-size", "nosuch"],
        &["dpctl/cache-set-size", "dummy@ovs-dummy", "x", "3"],
        &["dpctl/cache-set-size", "nosuch", "x", "3"],
        &["dpctl/offload-stats-show"],
        &["dpctl/parse-actions"],
        &["dpctl/parse-actions", "1,2"],
        &["dpctl/parse-actions", "1", "drop", ""],
        &["dpctl/parse-actions", "foo"],
        &["dpctl/parse-actions", "set(ipv4(src=1.1.1.1)),3"],
        &["dpctl/parse-actions", "set(ipv4(src=1.1.1.1,dst=2.2.2.2,proto=17,tos=0,ttl=4,frag=no)),1"],
        &["dpctl/parse-actions", "sample(sample=50.0%,actions(1)),2"],
        &["dpctl/parse-actions", "ct(commit,zone=3),recirc(1)"],
    ] {
        compare(&ours, &peer, "ovs-appctl", args, &[]);
    }
}

const KEY: &str = "recirc_id(0),in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x0800),ipv4(src=1.2.3.4,dst=5.6.7.8,proto=6,tos=0,ttl=64,frag=no),tcp(src=1,dst=2)";

#[test]
fn megaflows_come_from_files() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("megaflows_come_from_files") else { return };
    let other = KEY.replace("tcp(src=1", "tcp(src=7");
    // Flows that no switch has made go with its next sweep, so each file makes what it needs.
    let steps = [
        ("add-flows", format!("# two\n\nadd {KEY} 2\n{other} 3 # the other\n")),
        ("add-flows", format!("add {KEY} 2\n{KEY} 3\n{other} 3\n")),
        ("mod-flows", format!("add {KEY} 2\nadd {other} 3\n{KEY} 1\nmodify {other} 1,2\n")),
        ("add-flows", "bogus\n".to_owned()),
        ("add-flows", format!("foo {KEY} 3\n")),
        ("add-flows", format!("add {KEY}\n")),
        ("mod-flows", format!("{KEY} 3\nadd {other} 3\n")),
        ("add-flows", format!("{KEY} 2\n{other} 2\ndelete {KEY}\n")),
        ("del-flows", format!("add {KEY} 2\nadd {other} 2\n{KEY}\n")),
        ("del-flows", format!("{KEY}\n")),
    ];
    for (command, text) in steps {
        for world in [&ours, &peer] {
            std::fs::write(world.folder().join("flows"), &text).unwrap();
        }
        let command = format!("dpctl/{command}");
        let said = [&ours, &peer].map(|world| {
            let file = world.folder().join("flows").display().to_string();
            let (code, out, errors) = world.appctl(&[&command, &file]);
            let errors = errors.replace("ovs-vswitchd: ", "vswitchd: ");
            let errors = errors.lines().next().unwrap_or_default().to_owned();
            (code, out.replace("ovs-vswitchd: ", "vswitchd: "), errors)
        });
        assert_eq!(said[0], said[1], "{command} of {text}");
        compare(&ours, &peer, "ovs-appctl", &["dpctl/dump-flows"], &[]);
        compare(&ours, &peer, "ovs-appctl", &["dpctl/del-flows"], &[]);
    }
    compare(&ours, &peer, "ovs-appctl", &["dpctl/mod-flows", "/nosuch"], &[]);
    compare(&ours, &peer, "ovs-appctl", &["dpctl/del-flows", "dummy@ovs-dummy"], &[]);
    compare(&ours, &peer, "ovs-appctl", &["dpctl/dump-flows"], &[]);
}
