//! How bridges are controlled: in-band, not at all while controllers are away, and with somebody who listens.

use std::process::{Child, Stdio};

use crate::harness::{Daemon, Database, Kind, Tools, World, compare, exclusive, skip, tools};
use crate::tunnel_traces::both;

/// A bridge with three devices, in dummy mode.
pub fn world(tools: &Tools, kind: Kind) -> World {
    let world = World::start(tools, kind, Database::Peer, &["--enable-dummy", "--disable-system"]);
    let hwaddr = "other-config:hwaddr=aa:55:aa:55:00:07";
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set", "bridge", "br0", "datapath-type=dummy", hwaddr]);
    for number in ["1", "2", "3"] {
        let (name, request) = (format!("p{number}"), format!("ofport_request={number}"));
        world.ok("ovs-vsctl", &["add-port", "br0", &name, "--", "set", "int", &name, "type=dummy", &request]);
    }
    world
}

fn same_rules([ours, peer]: &[World; 2]) -> String {
    compare(ours, peer, "ovs-appctl", &["bridge/dump-flows", "br0"], &[]);
    compare(ours, peer, "ovs-ofctl", &["dump-flows", "br0"], &[]);
    ours.appctl_ok(&["bridge/dump-flows", "br0"])
}

#[test]
fn both_control_in_band() {
    let Some(tools) = tools("in-band control") else { return };
    let _lock = exclusive();
    let worlds = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    both(&worlds, "ovs-vsctl", &["set", "bridge", "br0", "fail_mode=secure"]);
    let controllers =
        ["tcp:10.9.8.7:6653", "tcp:10.9.8.7:6654", "ssl:10.1.1.1", "unix:/nowhere", "ptcp:0:127.0.0.1"];
    both(&worlds, "ovs-vsctl", &[&["set-controller", "br0"], &controllers[..]].concat());
    let rules = same_rules(&worlds);
    for kind in [180_000, 180_001, 180_002, 180_005, 180_006, 180_007, 180_008] {
        assert!(rules.contains(&format!("priority={kind},")), "{kind} in {rules}");
    }
    // They stand before what a controller says, and it cannot remove them.
    both(&worlds, "ovs-ofctl", &["add-flow", "br0", "priority=65535,actions=drop"]);
    both(&worlds, "ovs-ofctl", &["del-flows", "br0"]);
    same_rules(&worlds);
    let flow = "in_port=1,tcp,nw_src=10.9.8.7,tcp_src=6653,dl_src=50:54:00:00:00:01,dl_dst=50:54:00:00:00:02";
    compare(&worlds[0], &worlds[1], "ovs-appctl", &["ofproto/trace", "br0", flow], &[]);
    both(&worlds, "ovs-vsctl", &["set", "bridge", "br0", "other_config:in-band-queue=7"]);
    assert!(same_rules(&worlds).contains("actions=set_queue:7,NORMAL"));
    both(&worlds, "ovs-vsctl", &["set-manager", "tcp:10.5.5.5:6640"]);
    assert!(same_rules(&worlds).contains("nw_dst=10.5.5.5,tp_dst=6640"));
    both(&worlds, "ovs-vsctl", &["set", "bridge", "br0", "other_config:disable-in-band=true"]);
    assert!(!same_rules(&worlds).contains("priority=18000"));
    both(&worlds, "ovs-vsctl", &["remove", "bridge", "br0", "other_config", "disable-in-band"]);
    assert!(same_rules(&worlds).contains("priority=180008"));
    both(&worlds, "ovs-vsctl", &["del-controller", "br0"]);
    assert!(!same_rules(&worlds).contains("nw_dst=10.9.8.7"));
    both(&worlds, "ovs-vsctl", &["del-manager"]);
    assert!(!same_rules(&worlds).contains("priority=18000"));
}

#[test]
fn both_fail_open() {
    let Some(tools) = tools("failing open") else { return };
    let _lock = exclusive();
    let worlds = [Kind::Ours, Kind::Peer].map(|kind| world(&tools, kind));
    both(&worlds, "ovs-appctl", &["time/stop"]);
    // Nobody listens there.
    both(&worlds, "ovs-vsctl", &["set-controller", "br0", "tcp:127.0.0.1:1"]);
    both(&worlds, "ovs-vsctl", &["set", "controller", "br0", "connection_mode=out-of-band"]);
    both(&worlds, "ovs-ofctl", &["add-flow", "br0", "priority=5,actions=drop"]);
    assert!(!same_rules(&worlds).contains("priority=15790320"));
    both(&worlds, "ovs-appctl", &["time/warp", "30000", "500"]);
    let rules = same_rules(&worlds);
    assert!(rules.contains("priority=15790320,actions=NORMAL"), "{rules}");
    assert!(!rules.contains("priority=5,"), "the rules of before are gone: {rules}");
    both(&worlds, "ovs-vsctl", &["set", "bridge", "br0", "fail_mode=secure"]);
    both(&worlds, "ovs-appctl", &["time/warp", "1000", "500"]);
    assert!(!same_rules(&worlds).contains("priority=15790320"));
}

/// Ends with the value.
struct Listener(Child);

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a listener hears of a controller that makes the bridge learn: without transaction numbers.
fn heard(world: &World) -> String {
    let file = world.folder().join("heard");
    let output = std::fs::File::create(&file).unwrap();
    let mut command = world.tool("ovs-ofctl");
    command.args(["snoop", "br0"]).stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let _listener = Listener(command.spawn().unwrap());
    let messages = |world: &World| -> Vec<String> {
        let text = std::fs::read_to_string(world.folder().join("heard")).unwrap();
        let mut messages = Vec::<String>::new();
        for line in text.lines() {
            match line.split_once(" (xid=") {
                Some((before, rest)) => {
                    messages.push(format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after)));
                }
                None => messages.iter_mut().next_back().into_iter().for_each(|message| {
                    message.push('\n');
                    message.push_str(line);
                }),
            }
        }
        // Whether the other side is there is asked when nothing else is said.
        messages.retain(|message| !message.contains("ECHO"));
        messages
    };
    // It may not be there yet when the first packets come, of which it hears some and not others.
    let packet = "505400000009505400000008123400000000";
    world.wait_for("a packet that the listener hears of", |world| {
        world.appctl_ok(&["netdev-dummy/receive", "p3", packet]);
        messages(world).iter().any(|message| message.contains("PACKET_OUT")).then_some(())
    });
    let about_others = |world: &World| {
        let mut messages = messages(world);
        messages.retain(|message| message.contains("dl_dst") && !message.contains("50:54:00:00:00:09"));
        messages
    };
    let outs = |said: &[String]| said.iter().filter(|message| message.contains("PACKET_OUT")).count();
    world.appctl_ok(&["netdev-dummy/receive", "p1", "505400000001505400000002123400000000"]);
    world.wait_for("the first packet", |world| (outs(&about_others(world)) == 1).then_some(()));
    world.appctl_ok(&["netdev-dummy/receive", "p2", "505400000002505400000001123400000000"]);
    world.wait_for("the second packet", |world| {
        let said = about_others(world);
        let found = outs(&said) == 2 && said.last().is_some_and(|last| last.ends_with("dl_type=0x1234"));
        found.then(|| said.join("\n"))
    })
}

#[test]
fn who_listens_hears_controller_and_bridge() {
    let Some(tools) = tools("snooping") else { return };
    if tools.find("ovs-testcontroller").is_none() {
        return skip("snooping", "ovs-testcontroller is not here");
    }
    let _lock = exclusive();
    let said = [Kind::Ours, Kind::Peer].map(|kind| {
        let world = world(&tools, kind);
        world.ok("ovs-vsctl", &["set", "bridge", "br0", "fail_mode=secure"]);
        let socket = world.folder().join("controller.sock");
        let mut command = world.tool("ovs-testcontroller");
        command.arg(format!("--unixctl={}", world.folder().join("testcontroller.ctl").display()));
        command.arg(format!("punix:{}", socket.display()));
        let mut controller = Daemon::start("testcontroller", world.folder(), command);
        controller.wait_until("its socket", || socket.exists());
        world.ok("ovs-vsctl", &["set-controller", "br0", &format!("unix:{}", socket.display())]);
        world.wait_for("the controller's first rule", |world| {
            world.ok("ovs-ofctl", &["dump-flows", "br0"]).contains("CONTROLLER:128").then_some(())
        });
        heard(&world)
    });
    assert!(said[0].contains("FLOW_MOD") && said[0].contains("PACKET_IN"), "{}", said[0]);
    assert_eq!(said[0], said[1], "(left: ours, right: the distribution's)");
}
