//! The same commands, given by the distribution's tools to our switch and to the distribution's own: what they
//! print is compared, and every difference that is allowed is named with its reason.

use crate::harness::{Database, Difference, Kind, World, compare, exclusive, tools};

/// What may differ in any command.
const VERSION: Difference =
    Difference { line: "ovs_version", because: "ours says 3.7.1, the peer is 3.1.0 (compat.md of versions)" };

/// Both switches, each on the distribution's database server, with the same devices beside them.
fn pair(test: &str) -> Option<(World, World)> {
    let tools = tools(test)?;
    let mut worlds = [Kind::Ours, Kind::Peer].map(|kind| World::start(&tools, kind, Database::Peer, &[]));
    for world in &mut worlds {
        world.add_host("v1", "10.7.0.1/24");
        world.add_host("v2", "10.7.0.2/24");
    }
    let [ours, peer] = worlds;
    Some((ours, peer))
}

/// Runs each line of a script on both and compares.
fn script(ours: &World, peer: &World, lines: &[&str], allowed: &[Difference]) {
    for line in lines {
        let mut words = line.split_whitespace();
        let tool = words.next().unwrap();
        let args: Vec<&str> = words.collect();
        compare(ours, peer, tool, &args, allowed);
    }
}

#[test]
fn vsctl_configures_bridges_and_ports() {
    let _lock = exclusive();
    let Some((ours, peer)) = pair("vsctl_configures_bridges_and_ports") else { return };
    script(
        &ours,
        &peer,
        &[
            "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev",
            "ovs-vsctl --may-exist add-br br0",
            "ovs-vsctl add-br br0",
            "ovs-vsctl br-exists br0",
            "ovs-vsctl br-exists nope",
            "ovs-vsctl list-br",
            "ovs-vsctl add-port br0 v1",
            "ovs-vsctl add-port br0 v2 tag=5 -- set interface v2 ofport_request=7",
            "ovs-vsctl add-port br0 t1 -- set interface t1 type=tap",
            "ovs-vsctl add-port br0 i1 -- set interface i1 type=internal",
            "ovs-vsctl list-ports br0",
            "ovs-vsctl get interface v1 ofport",
            "ovs-vsctl get interface v2 ofport",
            "ovs-vsctl get interface t1 ofport",
            "ovs-vsctl get interface i1 ofport",
            "ovs-vsctl get interface br0 ofport",
            "ovs-vsctl get interface v1 admin_state link_state mtu",
            "ovs-vsctl get port v2 tag",
            "ovs-vsctl iface-to-br v1",
            "ovs-vsctl port-to-br v2",
            "ovs-vsctl set port v2 tag=9",
            "ovs-vsctl get port v2 tag",
            "ovs-vsctl show",
            "ovs-vsctl --columns=name,type,ofport,error list interface v1",
            "ovs-vsctl --if-exists del-port br0 nope",
            "ovs-vsctl del-port br0 nope",
            "ovs-vsctl del-port br0 v2",
            "ovs-vsctl list-ports br0",
            "ovs-vsctl get bridge br0 fail_mode",
            "ovs-vsctl set-fail-mode br0 secure",
            "ovs-vsctl get bridge br0 fail_mode",
            "ovs-vsctl del-br br0",
            "ovs-vsctl --if-exists del-br br0",
            "ovs-vsctl list-br",
        ],
        &[VERSION],
    );
}

#[test]
fn a_missing_device_is_an_error_of_its_interface_alone() {
    let _lock = exclusive();
    let Some((ours, peer)) = pair("a_missing_device_is_an_error_of_its_interface_alone") else { return };
    script(
        &ours,
        &peer,
        &[
            "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev",
            "ovs-vsctl add-port br0 missing0 -- add-port br0 v1",
            "ovs-vsctl get interface missing0 ofport",
            "ovs-vsctl get interface missing0 error",
            "ovs-vsctl get interface v1 ofport",
            "ovs-vsctl del-port br0 missing0",
            "ovs-vsctl list-ports br0",
        ],
        &[Difference {
            line: "See ovs-vswitchd log for details.",
            because: "where the default log folder is depends on the build",
        }],
    );
}

#[test]
fn ofctl_changes_and_dumps_flows() {
    let _lock = exclusive();
    let Some((ours, peer)) = pair("ofctl_changes_and_dumps_flows") else { return };
    for world in [&ours, &peer] {
        world.ok(
            "ovs-vsctl",
            &["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"],
        );
        world.ok(
            "ovs-vsctl",
            &[
                "set",
                "bridge",
                "br0",
                "protocols=OpenFlow10,OpenFlow13",
                "other_config:datapath-id=0000000000000042",
            ],
        );
        world.ok("ovs-vsctl", &["add-port", "br0", "v1", "--", "set", "interface", "v1", "ofport_request=1"]);
        world.ok("ovs-vsctl", &["add-port", "br0", "v2", "--", "set", "interface", "v2", "ofport_request=2"]);
        let flows = "priority=5,in_port=1,actions=output:2\npriority=5,in_port=2,actions=output:1\n\
                     table=1,tcp,tp_dst=80,actions=drop\ncookie=0x7,udp,nw_dst=10.0.0.0/8,actions=NORMAL\n";
        std::fs::write(world.folder().join("flows"), flows).unwrap();
        let file = world.folder().join("flows");
        world.ok("ovs-ofctl", &["add-flows", "br0", file.to_str().unwrap()]);
    }
    script(
        &ours,
        &peer,
        &[
            "ovs-ofctl dump-flows br0",
            "ovs-ofctl -O OpenFlow13 dump-flows br0",
            "ovs-ofctl --no-stats dump-flows br0",
            "ovs-ofctl add-flow br0 priority=9,arp,actions=FLOOD",
            "ovs-ofctl -O OpenFlow13 add-flow br0 priority=8,ipv6,actions=set_field:0x5->reg0,resubmit(,1)",
            "ovs-ofctl -O OpenFlow13 add-flow br0 priority=7,vlan_vid=5,actions=pop_vlan,goto_table:1",
            "ovs-ofctl add-flow br0 priority=6,icmp,actions=mod_dl_dst:00:00:00:00:00:02,dec_ttl,output:2",
            "ovs-ofctl --no-stats dump-flows br0",
            "ovs-ofctl mod-flows br0 in_port=1,actions=drop",
            "ovs-ofctl --strict mod-flows br0 priority=5,in_port=2,actions=CONTROLLER:128",
            "ovs-ofctl --no-stats dump-flows br0",
            "ovs-ofctl dump-aggregate br0",
            "ovs-ofctl --strict del-flows br0 priority=9,arp",
            "ovs-ofctl del-flows br0 cookie=0x7/-1",
            "ovs-ofctl --no-stats dump-flows br0",
            "ovs-ofctl add-flow br0 in_port=77777,actions=drop",
            "ovs-ofctl add-flow br0 tp_dst=80,actions=drop",
            "ovs-ofctl -O OpenFlow14 dump-flows br0",
            "ovs-ofctl del-flows br0",
            "ovs-ofctl dump-flows br0",
            "ovs-ofctl dump-flows nobridge",
        ],
        &[
            Difference { line: "version negotiation failed", because: "a log line with the time" },
            Difference { line: "failed to connect to socket", because: "refusal and end of connection race" },
        ],
    );
}

#[test]
fn ofctl_shows_and_changes_ports() {
    let _lock = exclusive();
    let Some((ours, peer)) = pair("ofctl_shows_and_changes_ports") else { return };
    for world in [&ours, &peer] {
        world.ok(
            "ovs-vsctl",
            &[
                "add-br",
                "br0",
                "--",
                "set",
                "bridge",
                "br0",
                "datapath_type=netdev",
                "fail_mode=secure",
                "other_config:datapath-id=0000000000000042",
                "other_config:hwaddr=02:00:00:00:00:42",
            ],
        );
        world.ok("ovs-vsctl", &["add-port", "br0", "v1", "--", "set", "interface", "v1", "ofport_request=1"]);
        world.ok("ovs-vsctl", &["add-port", "br0", "v2", "--", "set", "interface", "v2", "ofport_request=2"]);
    }
    let mac =
        Difference { line: "addr:", because: "the kernel gives each veth device an address of its own" };
    script(
        &ours,
        &peer,
        &[
            "ovs-ofctl show br0",
            "ovs-ofctl mod-port br0 v2 no-flood",
            "ovs-ofctl mod-port br0 1 down",
            "ovs-ofctl show br0",
            "ovs-ofctl mod-port br0 1 up",
            "ovs-ofctl mod-port br0 nosuch up",
            "ovs-ofctl dump-desc br0",
            "ovs-ofctl get-frags br0",
            "ovs-ofctl -O OpenFlow13 dump-ports-desc br0",
        ],
        &[mac, Difference { line: "Software:", because: "ours says 3.7.1, the peer is 3.1.0" }],
    );
}

#[test]
fn packets_are_sent_and_counted_alike() {
    let _lock = exclusive();
    let Some((ours, peer)) = pair("packets_are_sent_and_counted_alike") else { return };
    for world in [&ours, &peer] {
        let bridge =
            ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"];
        world.ok("ovs-vsctl", &bridge);
        for port in ["v1", "v2"] {
            let request = format!("ofport_request={}", &port[1..]);
            world.ok("ovs-vsctl", &["add-port", "br0", port, "--", "set", "interface", port, &request]);
        }
    }
    let packet = "ovs-ofctl packet-out br0 LOCAL output:1,output:2 \
                  ffffffffffff0200000000990800450000140000000040110000000000000a000001";
    script(
        &ours,
        &peer,
        &[
            packet,
            packet,
            "ovs-appctl dpif/show",
            "ovs-appctl dpctl/show",
            "ovs-appctl dpctl/dump-dps",
            "ovs-appctl dpctl/dump-flows",
            "ovs-appctl ofproto/list",
            "ovs-appctl fdb/show br0",
            "ovs-appctl bridge/dump-flows br0",
            "ovs-appctl vlog/list-pattern",
            "ovs-appctl coverage/read-counter nosuchcounter",
            "ovs-appctl nosuchcommand",
            "ovs-appctl exit a b",
            "ovs-ofctl dump-tables-desc br0",
            "ovs-ofctl queue-get-config br0 1",
            "ovs-ofctl dump-ports br0 77",
            "ovs-ofctl dump-ports br0",
            "ovs-ofctl -O OpenFlow13 dump-ports br0 LOCAL",
        ],
        &[
            Difference { line: "lookups:", because: "what hosts say of themselves comes when it comes" },
            Difference {
                line: "actions=controller(reason=",
                because: "the peer has no name for its own reason",
            },
        ],
    );
    let sent = |world: &World| {
        let text = world.ok("ovs-ofctl", &["dump-ports", "br0", "2"]);
        text.split("tx pkts=").nth(1).unwrap().split(',').next().unwrap().parse::<u64>().unwrap()
    };
    assert!(sent(&ours) >= 2 && sent(&peer) >= 2);
}

#[test]
fn features_are_told_as_the_originals_are() {
    let _lock = exclusive();
    let Some((ours, peer)) = pair("features_are_told_as_the_originals_are") else { return };
    let allowed = [
        Difference { line: "Optimized Balance TCP mode", because: "ours has no lb_output, and says so" },
        Difference { line: "Psample", because: "shown since 3.4" },
    ];
    // The row comes after the bridge, as ovn-controller makes it, and nobody asks for a configuration.
    script(
        &ours,
        &peer,
        &[
            "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev",
            "ovs-vsctl --no-wait -- --id=@d create Datapath datapath_version=1 -- set Open_vSwitch . datapaths:netdev=@d",
            "ovs-vsctl wait-until Datapath . capabilities:recirc=true",
            "ovs-appctl dpif/show-dp-features br0",
            "ovs-appctl dpif/show-dp-features nope",
        ],
        &allowed,
    );
    let keys = |world: &World| -> Vec<String> {
        let text = world.ok("ovs-vsctl", &["get", "Datapath", ".", "capabilities"]);
        let pairs = text.trim().trim_matches(['{', '}']).split(", ").map(str::to_owned);
        pairs.filter(|pair| !pair.starts_with("psample") && !pair.starts_with("lb_output")).collect()
    };
    assert_eq!(keys(&ours), keys(&peer));
}
