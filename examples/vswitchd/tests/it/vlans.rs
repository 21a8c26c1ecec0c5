//! Bridges with tunnels of VLANs, flooded VLANs and forwarded BPDUs, traced by both switches.

use crate::dummy::pair;
use crate::harness::{compare, exclusive};

/// What ports are like, in turn: `vlan_mode`, `tag` and the rest.
const PORTS: &[[&[&str]; 3]] = &[
    [&["vlan_mode=dot1q-tunnel", "tag=10"], &["trunks=10,20"], &["vlan_mode=dot1q-tunnel", "tag=10"]],
    [
        &["vlan_mode=dot1q-tunnel", "tag=10", "cvlans=5,6"],
        &["trunks=10,20"],
        &["vlan_mode=dot1q-tunnel", "tag=10", "cvlans=6,7", "other_config:qinq-ethtype=802.1q"],
    ],
    [
        &["vlan_mode=dot1q-tunnel", "tag=10", "other_config:priority-tags=always"],
        &["tag=10"],
        &["vlan_mode=native-untagged", "tag=10"],
    ],
    [&["tag=20"], &["trunks=10,20"], &["vlan_mode=native-tagged", "tag=20"]],
];

const TAGS: &[&str] = &[
    "",
    ",dl_vlan=0,dl_vlan_pcp=3",
    ",dl_vlan=5,dl_vlan_pcp=2",
    ",dl_vlan=6",
    ",dl_vlan=10,dl_vlan_pcp=1",
    ",dl_vlan=20",
];

/// An address that is learned behind the second port, one that is not, and those of protocols.
const TO: &[&str] = &["50:54:00:00:00:0a", "50:54:00:00:00:77", "01:80:c2:00:00:00", "01:00:0c:cc:cc:cd"];

/// What teaches where the first address is, in VLAN 10 and in VLAN 20.
const LESSONS: [&str; 2] = ["00 0a", "00 14"];

#[test]
fn tunnels_of_vlans_floods_and_bpdus_are_traced_the_same() {
    let _lock = exclusive();
    let Some([ours, peer]) = pair("tunnels_of_vlans_floods_and_bpdus_are_traced_the_same") else { return };
    for settings in PORTS {
        for world in [&ours, &peer] {
            for (name, columns) in ["p1", "p2", "p3"].iter().zip(settings) {
                let clear = ["clear", "port", name, "vlan_mode", "tag", "trunks", "cvlans", "other_config"];
                world.ok("ovs-vsctl", &[&clear[..], &["--", "set", "port", name], columns].concat());
            }
        }
        for bridge in [&["flood_vlans=[]"][..], &["flood_vlans=10,20", "other_config:forward-bpdu=true"]] {
            for world in [&ours, &peer] {
                world.ok("ovs-vsctl", &["remove", "bridge", "br0", "other_config", "forward-bpdu"]);
                world.ok("ovs-vsctl", &[&["set", "bridge", "br0"], bridge].concat());
                world.appctl_ok(&["fdb/flush", "br0"]);
                // What a megaflow of before forwards is learned from when it is looked at next.
                world.appctl_ok(&["revalidator/purge"]);
                for vlan in LESSONS {
                    let frame =
                        format!("ff ff ff ff ff ff 50 54 00 00 00 0a 81 00 {vlan} 12 34{}", " 00".repeat(46));
                    world.appctl_ok(&["netdev-dummy/receive", "p2", &frame]);
                }
            }
            compare(&ours, &peer, "ovs-appctl", &["fdb/show", "br0"], &[]);
            for port in 1..=3 {
                for (tag, to) in TAGS.iter().flat_map(|tag| TO.iter().map(move |to| (tag, to))) {
                    let flow =
                        format!("in_port={port}{tag},dl_src=50:54:00:00:00:01,dl_dst={to},dl_type=0x1234");
                    compare(&ours, &peer, "ovs-appctl", &["ofproto/trace", "br0", &flow], &[]);
                }
            }
        }
    }
}
