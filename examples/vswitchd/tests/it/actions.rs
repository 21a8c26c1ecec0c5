//! Actions that need more than a table: options of tunnels that must have fields, and packets that wait for a
//! controller.

use std::process::{Child, Stdio};

use crate::control::world;
use crate::harness::{Difference, Kind, World, compare, exclusive, tools};
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

/// Options of several lengths.
const MAPS: &str = "{class=0x102,type=0x81,len=124}->tun_metadata1,{class=0x102,type=2,len=8}->tun_metadata2,\
                    {class=0x102,type=3,len=0}->tun_metadata3,{class=0xffff,type=4,len=20}->tun_metadata63";

/// Changes of the table that both refuse, or take.
const CHANGES: &[&str] = &[
    "{class=0x102,type=2,len=8}->tun_metadata5",
    "{class=0x102,type=9,len=8}->tun_metadata2",
    "{class=0x102,type=9,len=6}->tun_metadata5",
    "{class=0x102,type=9,len=128}->tun_metadata5",
    "{class=0x102,type=9,len=104}->tun_metadata5",
    "{class=0x102,type=9,len=100}->tun_metadata5",
    "{class=0x102,type=10,len=4}->tun_metadata6",
];

/// What flows say of options, the long digits of the first left out.
const LONG: &[&str] = &[
    "tun_metadata1=LONG,actions=drop",
    "tun_metadata1=LONG/0xff000000000000000000000000000000000000000000000000000f,actions=drop",
    "tun_metadata2=0x123456789abc/0xff00ff00ff00,actions=2",
    "tun_metadata2,tun_metadata1,actions=2",
    "tun_metadata3,actions=2",
    "tun_metadata63=0x112233445566778899aabbccddeeff1122334455,tun_metadata2=7,actions=2",
    "priority=1,actions=set_field:0x1234567890abcdef->tun_metadata2,3",
    "priority=2,actions=set_field:LONG->tun_metadata1,set_field:7->tun_metadata63,3",
    "priority=3,actions=set_field:0xf/0xff->tun_metadata1,3",
    "priority=4,actions=move:tun_metadata1[900..991]->tun_metadata1[0..91],3",
    "priority=5,actions=load:5->tun_metadata1[500..520],3",
    "priority=6,actions=push:tun_metadata1[0..991],pop:tun_metadata1[0..991],push:tun_metadata63[3..99]",
    "priority=7,actions=learn(table=1,NXM_NX_TUN_METADATA1[0..127],load:tun_metadata2[0..63]->tun_metadata2[0..63])",
    "priority=8,actions=learn(table=1,tun_metadata1[0..319]=0x11223344556677889900112233445566778899)",
    "priority=9,actions=delete_field:tun_metadata1,output:tun_metadata2[40..55]",
];

/// What flows say of more bits than their options have.
const BEYOND: &[&str] = &[
    "tun_metadata2=0x1234567890abcdef01,actions=2",
    "actions=set_field:0x1234567890abcdef01->tun_metadata2,3",
    "actions=move:tun_metadata2[32..64]->tun_metadata1[0..32],3",
    "actions=load:5->tun_metadata2[60..70],3",
    "actions=push:tun_metadata63[100..200]",
    "actions=learn(table=1,tun_metadata2[0..127]=5)",
];

#[test]
fn both_have_options_of_any_length() {
    let Some(tools) = tools("long options of tunnels") else { return };
    let _lock = exclusive();
    let worlds = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    let [ours, peer] = &worlds;
    let ofctl = |version: &str, args: &[&str]| {
        compare(ours, peer, "ovs-ofctl", &[&["-O", version], args].concat(), &[]);
    };
    let digits: Vec<String> = (0..124).map(|n| format!("{:02x}", 0x11 + n)).collect();
    let digits = digits.concat();
    let long = |text: &str| text.replace("LONG", &format!("0x{digits}"));
    ofctl("OpenFlow13", &["add-tlv-map", "br0", MAPS]);
    for change in CHANGES {
        ofctl("OpenFlow13", &["add-tlv-map", "br0", change]);
    }
    ofctl("OpenFlow13", &["dump-tlv-map", "br0"]);
    for version in ["OpenFlow10", "OpenFlow13", "OpenFlow15"] {
        ofctl(version, &["del-flows", "br0"]);
        for flow in LONG {
            ofctl(version, &["add-flow", "br0", &long(flow)]);
        }
        for other in ["OpenFlow10", "OpenFlow13", "OpenFlow15"] {
            ofctl(other, &["--no-stats", "dump-flows", "br0"]);
        }
        ofctl(version, &["--no-stats", "dump-flows", "br0", &long("tun_metadata1=LONG")]);
        ofctl(version, &["del-flows", "br0", "tun_metadata2=7"]);
        ofctl(version, &["dump-aggregate", "br0", "tun_metadata1"]);
    }
    // The original takes some of them, and drops bits.
    for flow in BEYOND {
        let output = ours.tool("ovs-ofctl").args(["-O", "OpenFlow15", "add-flow", "br0", flow]).output();
        assert!(!output.expect("ovs-ofctl runs").status.success(), "{flow}");
    }
    ofctl("OpenFlow13", &["del-flows", "br0"]);
    let rules = [
        "tun_metadata1=0x7/0xf,actions=learn(table=1,NXM_NX_TUN_METADATA1[0..319],output:tun_metadata2[0..15]),\
         move:tun_metadata1[100..919]->tun_metadata1[108..927],load:5->tun_metadata63[150..159],resubmit(,1)",
        "table=1,tun_metadata63=0x0001400000000000000000000000000000000000/0x00ffc00000000000000000000000000000000000,\
         actions=push:tun_metadata1[0..991],set_field:0->tun_metadata1,pop:tun_metadata1[0..991],3",
    ];
    for rule in rules {
        ofctl("OpenFlow13", &["add-flow", "br0", rule]);
    }
    for flow in ["in_port=1,tun_metadata1=LONG,tun_metadata2=2", "in_port=1,tun_metadata1=0x17,tun_metadata3"]
    {
        for tunnel in ["", ",tun_src=1.1.1.1,tun_dst=2.2.2.2"] {
            compare(ours, peer, "ovs-appctl", &["ofproto/trace", "br0", &(long(flow) + tunnel)], &[]);
        }
    }
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
    both(&worlds, "ovs-ofctl", &["add-tlv-map", "br0", "{class=0x102,type=2,len=24}->tun_metadata9"]);
    let pauses = "in_port=1,cookie=9,actions=set_field:5->reg1,set_field:0x112233445566778899->tun_metadata9,controller(pause,userdata=01.02),output:2,resubmit(,1)";
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

/// Writes of what neighbour discovery says beside addresses: each with a packet.
const DISCOVERY: &[(&str, &str)] = &[
    ("icmpv6_type=136,icmpv6_code=0,actions=set_field:1->nd_reserved,output:2", ""),
    ("icmpv6_type=135,icmpv6_code=0,actions=set_field:0->nd_reserved,output:2", ""),
    (
        "icmpv6_type=135,icmpv6_code=0,actions=set_field:fe80::2->nd_target,set_field:3->nd_reserved,output:2",
        "",
    ),
    (
        "icmpv6_type=136,icmpv6_code=0,actions=set_field:2->nd_options_type,set_field:0xffffffff->nd_reserved,output:2",
        ",nd_options_type=1,nd_reserved=7,nd_tll=2:2:2:2:2:2",
    ),
];

#[test]
fn both_write_flags_of_neighbours() {
    let Some(tools) = tools("flags of neighbours") else { return };
    let _lock = exclusive();
    let [ours, peer] = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    for (flow, more) in DISCOVERY {
        compare(&ours, &peer, "ovs-ofctl", &["add-flow", "br0", &format!("icmp6,{flow}")], &[]);
        let kind = flow.split(',').next().unwrap_or_default();
        let packet = format!(
            "in_port=1,icmp6,{kind},icmpv6_code=0,nd_target=fe80::1,eth_src=1:2:3:4:5:6,ipv6_src=::1,ipv6_dst=::2{more}"
        );
        let mask = [Difference {
            line: "nd_options_type=",
            because: "the original's megaflow shows the mask of an option's type, although that is whole",
        }];
        compare(&ours, &peer, "ovs-appctl", &["ofproto/trace", "br0", &packet], &mask);
        compare(&ours, &peer, "ovs-ofctl", &["del-flows", "br0"], &[]);
    }
}
