//! Queues stay on the NUMA node of their device, as the original's do: two made-up nodes of two cores each.

use crate::harness::{Database, Kind, Tools, World, compare, exclusive, tools};

fn world(tools: &Tools, kind: Kind) -> World {
    let options = ["--enable-dummy=override", "--disable-system-route", "--dummy-numa=0,0,1,1"];
    let world = World::start(tools, kind, Database::Peer, &options);
    let bridge = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure"];
    world.ok("ovs-vsctl", &bridge);
    for (port, queues, node) in [("p1", 4, 1), ("p2", 2, 0)] {
        let options = [format!("options:n_rxq={queues}"), format!("options:numa_id={node}")];
        let set = ["add-port", "br0", port, "--", "set", "interface", port, "type=dummy-pmd"];
        world.ok("ovs-vsctl", &[&set[..], &options.each_ref().map(String::as_str)].concat());
    }
    world
}

#[test]
fn queues_are_polled_on_their_own_node() {
    let _lock = exclusive();
    let Some(tools) = tools("queues_are_polled_on_their_own_node") else { return };
    let (ours, peer) = (world(&tools, Kind::Ours), world(&tools, Kind::Peer));
    let show = || compare(&ours, &peer, "ovs-appctl", &["dpif-netdev/pmd-rxq-show"], &[]);
    show();
    let masks = ["0xf", "0x3", "0xe", "0xf"];
    for (policy, mask) in ["cycles", "roundrobin", "group"].iter().flat_map(|p| masks.map(|mask| (*p, mask)))
    {
        let settings =
            [format!("other_config:pmd-cpu-mask={mask}"), format!("other_config:pmd-rxq-assign={policy}")];
        for world in [&ours, &peer] {
            world.ok("ovs-vsctl", &["set", "Open_vSwitch", ".", &settings[0], &settings[1]]);
        }
        show();
    }
    for world in [&ours, &peer] {
        world.ok("ovs-vsctl", &["set", "interface", "p1", "other_config:pmd-rxq-affinity=\"0:0,1:3\""]);
    }
    show();
    compare(&ours, &peer, "ovs-appctl", &["dpif-netdev/pmd-rxq-show", "-pmd", "1"], &[]);
    let heads = |world: &World| -> Vec<String> {
        let text = world.appctl_ok(&["dpif-netdev/pmd-stats-show"]);
        text.lines().filter(|line| !line.starts_with(' ')).map(str::to_owned).collect()
    };
    assert_eq!(heads(&ours), heads(&peer));
    // Numbers differ; what they are numbers of does not.
    let shape = |world: &World| -> Vec<String> {
        let text = world.appctl_ok(&["dpif-netdev/pmd-perf-show", "-nh", "-it", "2"]);
        let letters =
            |line: &str| line.chars().filter(|c| !c.is_ascii_digit() && !" .".contains(*c)).collect();
        text.lines().map(letters).collect()
    };
    assert_eq!(shape(&ours), shape(&peer));
}
