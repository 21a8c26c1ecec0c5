//! Every table of the database after the same script, ours and the distribution's: all columns of all rows.

use crate::control::world;
use crate::harness::{Database, Difference, Kind, World, compare, exclusive, tools};

/// What is done to both.
const SCRIPT: &[&str] = &[
    "add-br br0 -- set bridge br0 datapath_type=netdev other_config:datapath-id=00000000000000a1 other_config:hwaddr=02:00:00:00:00:a1",
    "add-port br0 v1 tag=5 -- set interface v1 ofport_request=3",
    "add-port br0 v2 trunks=1,2,3 vlan_mode=native-untagged tag=2 -- set interface v2 ofport_request=4 external_ids:a=b",
    "add-port br0 t1 -- set interface t1 type=tap mtu_request=1500",
    "add-port br0 i1 -- set interface i1 type=internal ofport_request=9",
    "add-port br0 gone -- add-port br0 gone2",
    "del-port br0 gone2",
    "add-br br1 -- set bridge br1 datapath_type=netdev other_config:datapath-id=00000000000000a2 other_config:hwaddr=02:00:00:00:00:a2",
    "add-port br0 to1 -- set interface to1 type=patch options:peer=to0",
    "add-port br1 to0 -- set interface to0 type=patch options:peer=to1",
    "set-fail-mode br1 secure",
    "set bridge br1 protocols=OpenFlow10,OpenFlow13 external_ids:x=y other_config:mac-aging-time=60",
    "add-br vlan7 br0 7",
    "set bridge br1 flow_tables:1=@t -- --id=@t create flow_table name=first flow_limit=100",
    "set port v1 qos=@q -- --id=@q create qos type=linux-noop queues:0=@u -- --id=@u create queue other_config:max-rate=1000000",
    "set-ssl /none/key /none/cert /none/ca",
    "set-manager ptcp:0:127.0.0.1",
    "del-manager",
    "set Open_vSwitch . other_config:max-idle=5000 external_ids:hostname=here",
];

const TABLES: &[&str] = &[
    "Open_vSwitch",
    "Bridge",
    "Port",
    "Interface",
    "Flow_Table",
    "QoS",
    "Queue",
    "Mirror",
    "Controller",
    "Manager",
    "NetFlow",
    "SSL",
    "sFlow",
    "IPFIX",
    "Flow_Sample_Collector_Set",
    "AutoAttach",
    "Datapath",
    "CT_Zone",
    "CT_Timeout_Policy",
];

const DIFFERENCES: &[Difference] = &[
    Difference { line: "ovs_version ", because: "ours says 3.7.1, the peer is 3.1.0" },
    Difference {
        line: "See ovs-vswitchd log for details.",
        because: "where the log is depends on the build",
    },
    Difference {
        line: "db_version ",
        because: "whoever starts the original writes it, which nobody did here",
    },
    Difference { line: "iface_types ", because: "each build has types that the other one lacks" },
    Difference {
        line: "mac_in_use ",
        because: "the kernel chooses those of veth and TAP devices, each its own",
    },
];

#[test]
fn all_columns_of_all_tables_are_alike() {
    let _lock = exclusive();
    let Some(tools) = tools("all_columns_of_all_tables_are_alike") else { return };
    let mut worlds = [Kind::Ours, Kind::Peer].map(|kind| World::start(&tools, kind, Database::Peer, &[]));
    for world in &mut worlds {
        world.add_host("v1", "10.7.0.1/24");
        world.add_host("v2", "10.7.0.2/24");
    }
    let [ours, peer] = worlds;
    for line in SCRIPT {
        let words: Vec<&str> = line.split_whitespace().collect();
        compare(&ours, &peer, "ovs-vsctl", &words, DIFFERENCES);
    }
    for bridge in ["br0", "br1"] {
        compare(&ours, &peer, "ovs-vsctl", &["get", "interface", bridge, "mac_in_use"], &[]);
    }
    // Both write counters every five seconds, each at a time of its own.
    for world in [&ours, &peer] {
        world.wait_for("statistics", |world| {
            world
                .ok("ovs-vsctl", &["get", "interface", "v1", "statistics"])
                .contains("rx_packets")
                .then_some(())
        });
    }
    let mut wrong = Vec::new();
    for table in TABLES {
        let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            compare(&ours, &peer, "ovs-vsctl", &["list", table], DIFFERENCES);
        }));
        if compared.is_err() {
            wrong.push(*table);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn features_of_tables_are_told_alike() {
    let Some(tools) = tools("features of tables") else { return };
    let _lock = exclusive();
    let [ours, peer] = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    for version in ["OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"] {
        compare(&ours, &peer, "ovs-ofctl", &["-O", version, "dump-table-features", "br0"], &[]);
        compare(&ours, &peer, "ovs-ofctl", &["-O", version, "dump-table-desc", "br0"], &[]);
        compare(&ours, &peer, "ovs-ofctl", &["-O", version, "dump-tables", "br0"], &[]);
    }
}
