//! Actions that need more than a table: options of tunnels that must have fields, and packets that wait for a
//! controller.

use std::process::{Child, Stdio};

use crate::control::world;
use crate::harness::{Kind, World, compare, exclusive, tools};
use crate::tunnel_traces::both;

/// Flows that name an option of tunnels.
const OPTIONS: &[&str] = &[
    "in_port=1,tun_metadata0=3,actions=drop",
    "in_port=1,actions=set_field:3->tun_metadata0",
    "in_port=1,actions=move:tun_metadata0[0..3]->reg0[0..3]",
    "in_port=1,actions=push:tun_metadata0[0..3]",
    "in_port=1,actions=clone(output:tun_metadata0[0..3])",
    "in_port=1,actions=delete_field:tun_metadata0",
    "in_port=1,actions=set_field:7->tun_metadata0,resubmit(,1),delete_field:tun_metadata0,resubmit(,1)",
];

#[test]
fn both_want_fields_for_options() {
    let Some(tools) = tools("options of tunnels") else { return };
    let _lock = exclusive();
    let worlds = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    let [ours, peer] = &worlds;
    let ofctl =
        |args: &[&str]| compare(ours, peer, "ovs-ofctl", &[&["-O", "OpenFlow13"], args].concat(), &[]);
    let map = "{class=0xffff,type=0,len=4}->tun_metadata0";
    for flow in OPTIONS {
        ofctl(&["add-flow", "br0", flow]);
    }
    for option in ["eth_src", "reg0", "tun_id", "nosuch"] {
        ofctl(&["add-flow", "br0", &format!("actions=delete_field:{option}")]);
    }
    ofctl(&["add-tlv-map", "br0", map]);
    for flow in OPTIONS {
        ofctl(&["add-flow", "br0", flow]);
        // What is named stays.
        ofctl(&["del-tlv-map", "br0"]);
        ofctl(&["dump-tlv-map", "br0"]);
        if !flow.contains("resubmit") {
            ofctl(&["del-flows", "br0"]);
        }
    }
    ofctl(&["add-flow", "br0", "table=1,tun_metadata0=7,actions=output:2"]);
    ofctl(&["add-flow", "br0", "table=1,priority=1,actions=output:3"]);
    compare(ours, peer, "ovs-appctl", &["ofproto/trace", "br0", "in_port=1,tun_metadata0=9"], &[]);
    ofctl(&["del-flows", "br0"]);
    ofctl(&["add-group", "br0", "group_id=1,type=indirect,bucket=set_field:3->tun_metadata0,output:2"]);
    ofctl(&["del-groups", "br0"]);
    ofctl(&["del-tlv-map", "br0"]);
    ofctl(&["dump-tlv-map", "br0"]);
    ofctl(&["add-group", "br0", "group_id=1,type=indirect,bucket=set_field:3->tun_metadata0,output:2"]);
}

/// Ends with the value.
struct Monitor(Child);

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a monitor that gives back what it gets prints of two packets; the bridge's name is its own.
fn resumed(world: &World, version: &str) -> String {
    let file = world.folder().join("monitor");
    let output = std::fs::File::create(&file).unwrap();
    let mut command = world.tool("ovs-ofctl");
    command.args(["-O", version, "-P", "nxt_packet_in2", "monitor", "br0", "resume"]);
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let _monitor = Monitor(command.spawn().unwrap());
    let sent = |world: &World, port: &str| {
        let text = world.ok("ovs-ofctl", &["dump-ports", "br0", port]);
        let (_, count) = text.split_once("tx pkts=").unwrap();
        count.split(',').next().unwrap().parse::<u64>().unwrap()
    };
    let before = (sent(world, "2"), sent(world, "3"));
    // It may not have said yet that it wants packets.
    world.wait_for("a packet that comes back", |world| {
        world.appctl_ok(&["netdev-dummy/receive", "p1", "505400000001505400000002123400000000"]);
        (sent(world, "2") > before.0 && sent(world, "3") > before.1).then_some(())
    });
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.contains("continuation.bridge="));
    // The first packet, as it came and as it went.
    lines.take_while(|line| !line.starts_with("send:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn both_pause_for_a_monitor_that_resumes() {
    let Some(tools) = tools("resuming") else { return };
    let _lock = exclusive();
    let worlds = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    both(&worlds, "ovs-ofctl", &["del-flows", "br0"]);
    let pauses =
        "in_port=1,cookie=9,actions=set_field:5->reg1,controller(pause,userdata=01.02),output:2,resubmit(,1)";
    both(&worlds, "ovs-ofctl", &["-O", "OpenFlow13", "add-flow", "br0", pauses]);
    both(&worlds, "ovs-ofctl", &["add-flow", "br0", "table=1,reg1=5,actions=output:3"]);
    for version in ["OpenFlow10", "OpenFlow13", "OpenFlow15"] {
        let [ours, peer] = worlds.each_ref().map(|world| resumed(world, version));
        assert!(
            ours.contains("continuation.actions=unroll_xlate(table=0, cookie=9),output:2,resubmit(,1)"),
            "{ours}"
        );
        assert_eq!(ours, peer, "{version} (left: ours, right: the distribution's)");
    }
}
