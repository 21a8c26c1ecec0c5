//! Quality of service: what is made of the same rows, what the kernel has then, and that it limits.

use crate::harness::{Database, Difference, Kind, World, compare, exclusive, tools, vm};

/// A veth of the switch on a bridge, and hosts behind more of them.
fn switch(test: &str, kind: Kind) -> Option<World> {
    let tools = tools(test)?;
    let mut world = World::start(&tools, kind, Database::Peer, &[]);
    world.add_host("v1", "10.7.0.1/24");
    world.add_host("v2", "10.7.0.2/24");
    let bridge = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev"];
    world.ok("ovs-vsctl", &bridge);
    for port in ["v1", "v2"] {
        world.ok("ovs-vsctl", &["add-port", "br0", port]);
    }
    Some(world)
}

/// What `tc` says in the switch's namespace, without what packets change.
fn tc(world: &World, args: &[&str]) -> Vec<String> {
    let output = world.inside(world.namespace(), "tc", args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort();
    lines
}

/// Gives `v1` a new quality of service.
fn set(world: &World, row: &str) {
    clear(world);
    replace(world, row);
}

fn replace(world: &World, row: &str) {
    let mut args = vec!["set", "port", "v1", "qos=@q", "--", "--id=@q", "create", "qos"];
    args.extend(row.split_whitespace());
    world.ok("ovs-vsctl", &args);
}

fn clear(world: &World) {
    let all = ["clear", "port", "v1", "qos", "--", "--all", "destroy", "qos"];
    world.ok("ovs-vsctl", &[&all[..], &["--", "--all", "destroy", "queue"]].concat());
}

/// Kinds and settings that the original and its kernel do the same with.
const ROWS: &[&str] = &[
    "type=linux-htb",
    "type=linux-htb other-config:max-rate=10000000",
    "type=linux-htb other-config:max-rate=10000000 queues:0=@a queues:5=@b \
     -- --id=@a create queue other-config:min-rate=1000000 \
     -- --id=@b create queue other-config:max-rate=2000000 other-config:burst=100000 other-config:priority=3",
    "type=linux-htb other-config:max-rate=3000000 queues:5=@b -- --id=@b create queue other-config:min-rate=1",
    "type=linux-noop other-config:max-rate=1",
];

/// More of them, for kernels that have all that there is. No two that follow each other have one type:
/// of such the original does not change all.
const MORE_ROWS: &[&str] = &[
    "type=linux-sfq",
    "type=linux-codel",
    "type=linux-fq_codel",
    "type=linux-sfq other-config:perturb=5 other-config:quantum=3000",
    "type=linux-codel other-config:target=7000 other-config:limit=500 other-config:interval=50000",
    "type=linux-fq_codel other-config:target=7000 other-config:limit=500 other-config:interval=50000 \
     other-config:flows=512 other-config:quantum=600",
    "type=linux-netem other-config:latency=20000 other-config:limit=77 other-config:loss=7",
    "type=linux-hfsc other-config:max-rate=10000000 queues:0=@a queues:7=@b \
     -- --id=@a create queue other-config:min-rate=1000000 \
     -- --id=@b create queue other-config:min-rate=500000 other-config:max-rate=2000000",
];

#[test]
fn all_disciplines_work_on_a_kernel_that_has_them() {
    let test = "all_disciplines_work_on_a_kernel_that_has_them";
    let _lock = exclusive();
    if tools(test).is_none() {
        return;
    }
    let own = std::env::current_exe().unwrap();
    let script =
        format!("cd /; exec {} --exact qos::with_all_disciplines --ignored --nocapture", own.display());
    let Some(vm) = vm::boot(test, &[], &script) else { return };
    let printed = vm.end();
    assert!(printed.contains("test qos::with_all_disciplines ... ok"), "{printed}");
}

#[test]
#[ignore = "inside of the virtual machine of the test above"]
fn with_all_disciplines() {
    let test = "with_all_disciplines";
    let (Some(ours), Some(peer)) = (switch(test, Kind::Ours), switch(test, Kind::Peer)) else { return };
    let mut differ = Vec::new();
    for row in MORE_ROWS {
        for world in [&ours, &peer] {
            replace(world, row);
        }
        let kind = row.trim_start_matches("type=linux-").split(' ').next().unwrap();
        let made = tc(&ours, &["-d", "qdisc", "show", "dev", "v1"]);
        assert!(made.concat().contains(&format!("qdisc {kind} 1: root")), "{row}: {made:?}");
        assert_eq!(made, tc(&peer, &["-d", "qdisc", "show", "dev", "v1"]), "{row} (left: ours)");
        if kind == "hfsc" {
            let classes = ["-d", "class", "show", "dev", "v1"];
            assert_eq!(tc(&ours, &classes), tc(&peer, &classes), "{row} (left: ours)");
        }
        let [shown, wanted] = [&ours, &peer].map(shown);
        if shown != wanted {
            differ.push((*row, shown, wanted));
        }
    }
    assert!(differ.is_empty(), "row, ours, the original's: {differ:#?}");
    let world = ours;
    // What is delayed comes late. (Jitter came to the original later.)
    replace(&world, "type=linux-netem other-config:latency=200000 other-config:jitter=5000");
    let made = tc(&world, &["qdisc", "show", "dev", "v1"]).concat();
    assert!(made.contains("delay 200ms  5ms"), "{made}");
    let args = ["-c", "1", "-W", "20", "10.7.0.1"];
    let output = world.inside(&world.hosts()[1], "ping", &args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let took = text.split("time=").nth(1).and_then(|rest| rest.split(' ').next());
    let took: f64 = took.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
    assert!(took >= 195.0, "{text}");
}

/// What is said of `v1`, without what packets change.
fn shown(world: &World) -> Vec<String> {
    let text = world.appctl_ok(&["qos/show", "v1"]);
    text.lines().filter(|line| !line.contains("tx_")).map(str::to_owned).collect()
}

#[test]
fn the_kernel_gets_what_the_original_gives_it() {
    let _lock = exclusive();
    let test = "the_kernel_gets_what_the_original_gives_it";
    let (Some(ours), Some(peer)) = (switch(test, Kind::Ours), switch(test, Kind::Peer)) else { return };
    for interface in ["v1", "br0", "nope"] {
        compare(&ours, &peer, "ovs-appctl", &["qos/show-types", interface], &[]);
        compare(&ours, &peer, "ovs-appctl", &["qos/show", interface], &[]);
    }
    let counted: Vec<Difference> = ["tx_packets", "tx_bytes", "tx_errors"]
        .map(|line| Difference { line, because: "hosts talk of themselves when they like" })
        .into();
    for row in ROWS {
        for world in [&ours, &peer] {
            set(world, row);
        }
        compare(&ours, &peer, "ovs-appctl", &["qos/show", "v1"], &counted);
        for what in [["-d", "qdisc", "show", "dev", "v1"], ["-d", "class", "show", "dev", "v1"]] {
            assert_eq!(tc(&ours, &what), tc(&peer, &what), "{row} (left: ours)");
        }
        for version in ["OpenFlow10", "OpenFlow13"] {
            let args = ["-O", version, "queue-get-config", "br0", "1"];
            compare(&ours, &peer, "ovs-ofctl", &args, &[]);
        }
        compare(&ours, &peer, "ovs-ofctl", &["-O", "OpenFlow14", "queue-get-config", "br0", "v1", "9"], &[]);
        compare(&ours, &peer, "ovs-ofctl", &["-O", "OpenFlow13", "queue-stats", "br0", "v1", "7"], &[]);
    }
    for world in [&ours, &peer] {
        clear(world);
    }
    let what = ["qdisc", "show", "dev", "v1"];
    assert_eq!(tc(&ours, &what), tc(&peer, &what));
    compare(&ours, &peer, "ovs-appctl", &["qos/show", "v1"], &[]);
}

#[test]
fn what_the_kernel_lacks_is_an_error_that_users_see() {
    let _lock = exclusive();
    let Some(world) = switch("what_the_kernel_lacks_is_an_error_that_users_see", Kind::Ours) else { return };
    let error = |world: &World| world.ok("ovs-vsctl", &["get", "interface", "v1", "error"]).trim().to_owned();
    let had = tc(&world, &["qdisc", "show", "dev", "v1"]);
    for (row, told) in [
        (
            "type=linux-nothing",
            "v1: no QoS of type linux-nothing on a device of type system, which has linux-netem",
        ),
        ("type=egress-policer other-config:cir=1", "no QoS of type egress-policer"),
        ("type=linux-htb other-config:max-rate=fast", "QoS linux-htb: max-rate: fast is not a whole number"),
        (
            "type=linux-sfq queues:3=@b -- --id=@b create queue external_ids:a=b",
            "queue 3: this type has no queues",
        ),
    ] {
        set(&world, row);
        assert!(error(&world).contains(told), "{row}: {}", error(&world));
        assert_eq!(world.ok("ovs-vsctl", &["get", "interface", "v1", "ofport"]).trim(), "1");
        assert!(world.printed().contains(told), "{row}: {}", world.printed());
        assert_eq!(world.appctl_ok(&["qos/show", "v1"]), "QoS not configured on v1\n");
        assert_eq!(tc(&world, &["qdisc", "show", "dev", "v1"]), had);
    }
    // Kernels have what they were built with: what is refused is told, the rest is there.
    for kind in ["hfsc", "sfq", "codel", "fq_codel", "netem"] {
        set(&world, &format!("type=linux-{kind}"));
        let (told, there) = (error(&world), tc(&world, &["qdisc", "show", "dev", "v1"]).concat());
        let refused =
            told.contains(&format!("v1: QoS linux-{kind}: installing the queueing discipline failed"));
        assert_ne!(refused, there.contains(&format!("qdisc {kind} 1: root")), "{told}: {there}");
    }
    clear(&world);
    assert_eq!((error(&world), tc(&world, &["qdisc", "show", "dev", "v1"])), ("[]".to_owned(), had));
}

/// What a queue of `v1` has counted: packets.
fn queue_packets(world: &World, queue: u32) -> u64 {
    let text = world.ok("ovs-ofctl", &["queue-stats", "br0", "v1", &queue.to_string()]);
    let packets = text.split("pkts=").nth(1).and_then(|rest| rest.split(',').next());
    packets.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[test]
fn packets_of_a_queue_go_through_its_class_and_no_faster() {
    let _lock = exclusive();
    let test = "packets_of_a_queue_go_through_its_class_and_no_faster";
    let Some(world) = switch(test, Kind::Ours) else { return };
    set(
        &world,
        "type=linux-htb other-config:max-rate=1000000000 queues:1=@a queues:66=@b \
         -- --id=@a create queue other-config:max-rate=12000 -- --id=@b create queue external_ids:a=b",
    );
    // Echoes of one size into the slow queue, of another into a fast one whose number shares its socket.
    world.ok(
        "ovs-ofctl",
        &["add-flow", "br0", "priority=9,icmp,in_port=v2,nw_tos=32,actions=set_queue:1,output:v1"],
    );
    world.ok("ovs-ofctl", &["add-flow", "br0", "priority=9,icmp,in_port=v2,nw_tos=64,actions=enqueue:1:66"]);
    let host = world.hosts()[1].clone();
    let ping = |args: &[&str]| {
        let output = world.inside(&host, "ping", &[args, &["10.7.0.1"]].concat()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let fast = ping(&["-Q", "64", "-c", "100", "-i", "0.002", "-s", "1000", "-W", "5"]);
    assert!(fast.contains("100 received"), "{fast}");
    assert!(queue_packets(&world, 66) >= 100);
    assert_eq!(queue_packets(&world, 1), 0);
    let slow = ping(&["-Q", "32", "-c", "300", "-f", "-l", "300", "-s", "1400", "-w", "2"]);
    // Fifteen hundred bytes a second, and as much at once.
    let passed = queue_packets(&world, 1);
    assert!((1..60).contains(&passed), "{passed}: {slow}");
    assert!(ping(&["-Q", "64", "-c", "50", "-i", "0.002", "-W", "5"]).contains("50 received"));
}

#[test]
fn a_switch_that_comes_back_takes_over_what_it_finds() {
    let _lock = exclusive();
    let test = "a_switch_that_comes_back_takes_over_what_it_finds";
    let Some(mut world) = switch(test, Kind::Ours) else { return };
    set(
        &world,
        "type=linux-htb other-config:max-rate=9000000 queues:4=@a -- --id=@a create queue external_ids:a=b",
    );
    world.ok("ovs-ofctl", &["add-flow", "br0", "priority=9,icmp,in_port=v2,actions=enqueue:1:4"]);
    let host = world.hosts()[1].clone();
    let pinged = world.inside(&host, "ping", &["-c", "5", "-i", "0.01", "-W", "5", "10.7.0.1"]).status();
    assert!(pinged.unwrap().success());
    let (packets, classes) = (queue_packets(&world, 4), tc(&world, &["class", "show", "dev", "v1"]));
    assert!(packets >= 5 && classes.len() == 3, "{packets}: {classes:?}");
    world.stop_switch();
    assert_eq!(tc(&world, &["class", "show", "dev", "v1"]), classes, "it stays while nobody is there");
    world.start_switch(Database::Peer, &[]);
    world.wait_for("the quality of service", |world| {
        let (code, shown, _) = world.appctl(&["qos/show", "v1"]);
        (code == 0 && shown.contains("Queue 4:")).then_some(())
    });
    assert_eq!(tc(&world, &["class", "show", "dev", "v1"]), classes);
    assert!(queue_packets(&world, 4) >= packets, "classes have counted on");
    // What is taken out of the database while the switch is away is taken away when it is back.
    world.stop_switch();
    world.ok("ovs-vsctl", &["--no-wait", "clear", "port", "v1", "qos"]);
    world.start_switch(Database::Peer, &[]);
    world.wait_for("nothing", |world| tc(world, &["class", "show", "dev", "v1"]).is_empty().then_some(()));
    set(&world, "type=linux-htb");
    world.ok("ovs-vsctl", &["del-port", "v1"]);
    assert_eq!(tc(&world, &["class", "show", "dev", "v1"]), Vec::<String>::new());
}

#[test]
fn what_is_received_beyond_its_rate_is_dropped_by_name() {
    let _lock = exclusive();
    let Some(world) = switch("what_is_received_beyond_its_rate_is_dropped_by_name", Kind::Ours) else {
        return;
    };
    let host = world.hosts()[1].clone();
    let police = |rate: &str| {
        let (rate, burst) = (format!("ingress_policing_rate={rate}"), "ingress_policing_burst=20");
        world.ok("ovs-vsctl", &["set", "interface", "v2", &rate, burst]);
    };
    police("10");
    let flood = ["-c", "100", "-f", "-l", "100", "-s", "1000", "-w", "1", "10.7.0.1"];
    world.inside(&host, "ping", &flood).output().unwrap();
    let dropped = |world: &World| -> u64 {
        world.appctl_ok(&["coverage/read-counter", "datapath_drop_rx_policer"]).trim().parse().unwrap()
    };
    let before = dropped(&world);
    assert!(before > 50, "{before}");
    world.wait_for("the policer's drops in the database", |world| {
        let told =
            world.ok("ovs-vsctl", &["--if-exists", "get", "interface", "v2", "statistics:ovs_rx_qos_drops"]);
        (told.trim() == before.to_string()).then_some(())
    });
    police("0");
    let ping = ["-c", "50", "-i", "0.002", "-s", "1000", "-W", "5", "10.7.0.1"];
    let output = world.inside(&host, "ping", &ping).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("50 received"));
    assert_eq!(dropped(&world), before);
}

#[test]
fn queues_mark_packets_as_the_originals_do() {
    let test = "queues_mark_packets_as_the_originals_do";
    let _lock = exclusive();
    let Some(tools) = tools(test) else { return };
    let world = |kind| {
        let options = ["--enable-dummy=override", "--disable-system-route"];
        let world = World::start(&tools, kind, Database::Peer, &options);
        let bridge =
            ["add-br", "br0", "--", "set", "bridge", "br0", "datapath-type=dummy", "fail-mode=secure"];
        world.ok("ovs-vsctl", &bridge);
        for port in ["p1", "p2"] {
            world.ok("ovs-vsctl", &["add-port", "br0", port]);
        }
        let row = "type=linux-htb queues:1=@a queues:2=@b -- --id=@a create queue dscp=10 -- --id=@b create queue external_ids:a=b";
        let mut args = vec!["set", "port", "p2", "qos=@q", "--", "--id=@q", "create", "qos"];
        args.extend(row.split_whitespace());
        world.ok("ovs-vsctl", &args);
        world
    };
    let (ours, peer) = (world(Kind::Ours), world(Kind::Peer));
    let rule = "in_port=1,actions=set_queue:1,output:2,set_queue:2,output:2,pop_queue,output:2";
    for world in [&ours, &peer] {
        world.ok("ovs-ofctl", &["add-flow", "br0", rule]);
    }
    for packet in [
        "in_port=1,ip,nw_proto=17,nw_tos=4,nw_ecn=1,nw_ttl=9",
        "in_port=1,ipv6,nw_proto=17,nw_tos=40,nw_ttl=9",
        "in_port=1,arp,arp_op=1",
    ] {
        compare(&ours, &peer, "ovs-appctl", &["ofproto/trace", "br0", packet], &[]);
    }
}
