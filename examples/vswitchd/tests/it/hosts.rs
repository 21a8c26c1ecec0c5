//! Hosts in namespaces that talk through our switch.

use crate::harness::{Daemon, Database, Kind, World, exclusive, tools};

/// A switch with two hosts on `br0`, options as they come.
fn two_hosts(test: &str) -> Option<(World, String, String)> {
    let tools = tools(test)?;
    let mut world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    let first = world.add_host("v1", "10.7.0.1/24");
    let second = world.add_host("v2", "10.7.0.2/24");
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "add-port", "br0", "v1", "--", "add-port", "br0", "v2"]);
    Some((world, first, second))
}

fn succeeds(world: &World, namespace: &str, program: &str, args: &[&str]) -> String {
    let output = world.inside(namespace, program, args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn two_hosts_ping_and_pass_tcp_without_any_setup() {
    let _lock = exclusive();
    let Some((world, first, second)) = two_hosts("two_hosts_ping_and_pass_tcp_without_any_setup") else {
        return;
    };
    succeeds(&world, &first, "ping", &["-c", "3", "-i", "0.2", "-W", "2", "10.7.0.2"]);
    let server = world.inside(&second, "iperf3", &["-s"]);
    let _server = Daemon::start("iperf3", world.folder(), server);
    let report = world.wait_for("an iperf3 run", |world| {
        let client = ["10", "iperf3", "-J", "-c", "10.7.0.2", "-n", "50M"];
        let output = world.inside(&first, "timeout", &client).output().unwrap();
        // With -J, some versions end well though nobody listened yet: what they print is what counts.
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success() && report.contains("\"sum_received\"")).then_some(report)
    });
    assert!(!report.contains("\"error\""), "{report}");
    let flows = world.appctl_ok(&["dpctl/dump-flows"]);
    assert!(flows.contains("eth_type(0x0800)"), "{flows}");
}

#[test]
fn a_drop_rule_stops_traffic_and_its_removal_lets_it_pass() {
    let _lock = exclusive();
    let Some((world, first, _second)) = two_hosts("a_drop_rule_stops_traffic_and_its_removal_lets_it_pass")
    else {
        return;
    };
    let ping = ["-c", "1", "-W", "1", "10.7.0.2"];
    succeeds(&world, &first, "ping", &["-c", "1", "-W", "3", "10.7.0.2"]);
    world.ok("ovs-ofctl", &["add-flow", "br0", "priority=100,icmp,actions=drop"]);
    assert!(!world.inside(&first, "ping", &ping).output().unwrap().status.success());
    world.ok("ovs-ofctl", &["del-flows", "br0", "icmp"]);
    succeeds(&world, &first, "ping", &ping);
}

#[test]
fn the_local_port_is_a_device_with_an_address() {
    let _lock = exclusive();
    let Some((world, first, _second)) = two_hosts("the_local_port_is_a_device_with_an_address") else {
        return;
    };
    let here = world.namespace().to_owned();
    succeeds(&world, &here, "ip", &["addr", "add", "10.7.0.9/24", "dev", "br0"]);
    succeeds(&world, &here, "ip", &["link", "set", "br0", "up"]);
    succeeds(&world, &first, "ping", &["-c", "2", "-i", "0.2", "-W", "3", "10.7.0.9"]);
}

#[test]
fn vlans_keep_hosts_apart() {
    let _lock = exclusive();
    let Some((world, first, _second)) = two_hosts("vlans_keep_hosts_apart") else { return };
    world.ok("ovs-vsctl", &["set", "port", "v1", "tag=5"]);
    assert!(
        !world.inside(&first, "ping", &["-c", "1", "-W", "1", "10.7.0.2"]).output().unwrap().status.success()
    );
    world.ok("ovs-vsctl", &["set", "port", "v2", "tag=5"]);
    succeeds(&world, &first, "ping", &["-c", "1", "-W", "3", "10.7.0.2"]);
}

#[test]
fn hosts_behind_xdp_sockets() {
    let _lock = exclusive();
    let Some(tools) = tools("hosts_behind_xdp_sockets") else { return };
    let mut world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    let first = world.add_host("v1", "10.7.0.1/24");
    let second = world.add_host("v2", "10.7.0.2/24");
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev"]);
    for (port, kind) in [("v1", "afxdp"), ("v2", "afxdp-nonpmd")] {
        let kind = format!("type={kind}");
        world.ok("ovs-vsctl", &["add-port", "br0", port, "--", "set", "interface", port, &kind]);
        assert_eq!(world.ok("ovs-vsctl", &["get", "interface", port, "error"]).trim(), "[]");
    }
    let mode = world.ok("ovs-vsctl", &["get", "interface", "v1", "status:xdp-mode"]);
    assert_eq!(mode.trim(), "native", "veth has no zero-copy");
    for host in [&first, &second] {
        // A socket of this kind does not say that a checksum is unfinished.
        succeeds(&world, host, "ethtool", &["-K", "eth0", "tx", "off"]);
    }
    succeeds(&world, &first, "ping", &["-c", "3", "-i", "0.2", "-W", "3", "10.7.0.2"]);
    let server = world.inside(&second, "iperf3", &["-s"]);
    let _server = Daemon::start("iperf3", world.folder(), server);
    world.wait_for("an iperf3 run", |world| {
        let client = ["10", "iperf3", "-J", "-c", "10.7.0.2", "-n", "20M"];
        let output = world.inside(&first, "timeout", &client).output().unwrap();
        output.status.success().then_some(())
    });
    let refused = ["add-port", "br0", "v3", "--", "set", "interface", "v3", "type=afxdp"];
    world.run("ovs-vsctl", &refused);
    assert!(world.ok("ovs-vsctl", &["get", "interface", "v3", "error"]).contains("No such device"));
}
