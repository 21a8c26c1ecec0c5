//! Tunnels: two switches whose underlay is a veth pair between their namespaces, and hosts behind them.

use std::process::Command;

use crate::harness::{Daemon, Database, Kind, Tools, World, exclusive, tools};

/// A switch with `br-int`, where a host is, and `br-phy`, whose local port has the underlay's address.
struct Site {
    world: World,
    host: String,
}

/// Runs `ip` with these arguments.
fn ip(args: &str) {
    let status = Command::new("ip").args(args.split(' ')).status().unwrap();
    assert!(status.success(), "ip {args}");
}

/// Lets a namespace speak IPv6, which the harness has taken from it.
fn with_ipv6(world: &World, namespace: &str) {
    let on = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 > $f; done; \
              for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done";
    assert!(world.inside(namespace, "sh", &["-c", on]).status().unwrap().success());
}

impl Site {
    /// Number 1 or 2. The bridges are there, the underlay is not.
    fn new(tools: &Tools, kind: Kind, number: u8) -> Self {
        let mut world = World::start(tools, kind, Database::Peer, &[]);
        with_ipv6(&world, world.namespace());
        // The cable's own end has no address, and must not answer for that of the bridge.
        let quiet = "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore";
        assert!(world.inside(world.namespace(), "sh", &["-c", quiet]).status().unwrap().success());
        let host = world.add_host("h0", &format!("10.9.0.{number}/24"));
        world.ok(
            "ovs-vsctl",
            &[
                "add-br",
                "br-int",
                "--",
                "set",
                "bridge",
                "br-int",
                "datapath_type=netdev",
                "--",
                "add-port",
                "br-int",
                "h0",
            ],
        );
        world.ok("ovs-vsctl", &["add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev"]);
        // What goes into a tunnel gets longer on the way.
        ip(&format!("-n {host} link set eth0 mtu 1400"));
        Self { world, host }
    }

    /// Adds the end of the underlay's cable, and an address of each family.
    fn connect(&self, number: u8) {
        let world = &self.world;
        let here = world.namespace();
        ip(&format!("-n {here} link set u0 up"));
        world.ok("ovs-vsctl", &["add-port", "br-phy", "u0"]);
        with_ipv6(world, here);
        ip(&format!("-n {here} addr add 172.31.1.{number}/24 dev br-phy"));
        ip(&format!("-n {here} link set br-phy up"));
        ip(&format!("-n {here} addr add fd00:9::{number}/64 dev br-phy nodad"));
        world.wait_for("the routes", |world| {
            let routes = world.appctl_ok(&["ovs/route/show"]);
            (routes.contains("172.31.1.0/24 dev br-phy") && routes.contains("fd00:9::/64 dev br-phy"))
                .then_some(())
        });
    }

    fn add_tunnel(&self, kind: &str, remote: &str, options: &[&str]) {
        let (kind, remote) = (format!("type={kind}"), format!("options:remote_ip={remote}"));
        let mut args = vec!["--if-exists", "del-port", "tun", "--", "add-port", "br-int", "tun"];
        args.extend(["--", "set", "interface", "tun", &kind, &remote]);
        args.extend(options);
        self.world.ok("ovs-vsctl", &args);
        assert_eq!(self.world.ok("ovs-vsctl", &["get", "interface", "tun", "error"]).trim(), "[]");
    }

    fn pings(&self, address: &str) -> bool {
        let args = ["-c", "3", "-i", "0.2", "-W", "1", address];
        let output = self.world.inside(&self.host, "ping", &args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains(" 0% packet loss")
    }

    /// What went wrong, for the reader.
    fn state(&self) -> String {
        ["dpctl/dump-flows", "tnl/neigh/show", "ovs/route/show", "tnl/ports/show", "ofproto/list-tunnels"]
            .map(|command| format!("{command}:\n{}\n", self.world.appctl(&[command]).1))
            .concat()
    }
}

/// Two sites joined by a cable.
fn two_sites(tools: &Tools, kinds: [Kind; 2]) -> [Site; 2] {
    let sites = [Site::new(tools, kinds[0], 1), Site::new(tools, kinds[1], 2)];
    let [a, b] = [sites[0].world.namespace(), sites[1].world.namespace()];
    ip(&format!("-n {a} link add u0 type veth peer name u0 netns {b}"));
    for (site, number) in sites.iter().zip([1, 2]) {
        site.connect(number);
    }
    sites
}

/// Puts a tunnel between two sites and lets hosts speak through it.
fn speak(sites: &[Site; 2], kind: &str, ipv6: bool, options: &[&str]) {
    let remotes = if ipv6 { ["fd00:9::2", "fd00:9::1"] } else { ["172.31.1.2", "172.31.1.1"] };
    for (site, remote) in sites.iter().zip(remotes) {
        site.add_tunnel(kind, remote, options);
    }
    // The first packets may be lost while neighbours are asked for.
    let tries = (0..10).any(|_| sites[0].pings("10.9.0.2"));
    assert!(tries, "{kind} ipv6={ipv6} {options:?}\n1:\n{}\n2:\n{}", sites[0].state(), sites[1].state());
    assert!(sites[1].pings("10.9.0.1"), "{kind} back");
}

/// A TCP stream through the tunnel; gives its bits per second.
fn stream(sites: &[Site; 2]) -> f64 {
    let server = sites[1].world.inside(&sites[1].host, "iperf3", &["-s"]);
    let _server = Daemon::start("iperf3", sites[1].world.folder(), server);
    let report = sites[0].world.wait_for("an iperf3 run", |world| {
        let client = ["15", "iperf3", "-J", "-c", "10.9.0.2", "-n", "20M"];
        let output = world.inside(&sites[0].host, "timeout", &client).output().unwrap();
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success() && report.contains("\"sum_received\"")).then_some(report)
    });
    assert!(!report.contains("\"error\""), "{report}");
    let rate = report.rsplit("\"bits_per_second\":").next().and_then(|rest| {
        rest.trim_start().split(|c: char| !c.is_ascii_digit() && c != '.').next()?.parse().ok()
    });
    rate.unwrap_or(0.0)
}

#[test]
fn geneve_and_vxlan_between_two_of_ours() {
    let _lock = exclusive();
    let Some(tools) = tools("geneve_and_vxlan_between_two_of_ours") else { return };
    let sites = two_sites(&tools, [Kind::Ours, Kind::Ours]);
    for (kind, ipv6) in [("geneve", false), ("vxlan", false), ("geneve", true), ("vxlan", true)] {
        speak(&sites, kind, ipv6, &["options:key=5"]);
        stream(&sites);
    }
    speak(&sites, "geneve", false, &["options:key=5", "options:csum=true"]);
    stream(&sites);
    let flows = sites[0].world.appctl_ok(&["dpctl/dump-flows"]);
    assert!(flows.contains("tnl_pop(") && flows.contains("tnl_push(tnl_port("), "{flows}");
    sites[0].world.wait_for("counters", |world| {
        let counted =
            world.ok("ovs-vsctl", &["--if-exists", "get", "interface", "tun", "statistics:tx_packets"]);
        counted.trim().parse::<u64>().ok().filter(|packets| *packets > 0)
    });
}

#[test]
fn geneve_and_vxlan_with_the_distributions_switch() {
    let _lock = exclusive();
    let Some(tools) = tools("geneve_and_vxlan_with_the_distributions_switch") else { return };
    let sites = two_sites(&tools, [Kind::Ours, Kind::Peer]);
    // The original's datapath does not do what a host leaves to its device.
    let off = ["-K", "eth0", "tx", "off", "tso", "off", "gso", "off"];
    for site in &sites {
        assert!(site.world.inside(&site.host, "ethtool", &off).status().unwrap().success());
    }
    for (kind, ipv6) in [("geneve", false), ("vxlan", false), ("geneve", true), ("vxlan", true)] {
        speak(&sites, kind, ipv6, &["options:key=7", "options:csum=true"]);
    }
}

#[test]
fn a_vxlan_device_of_the_kernel_understands_ours() {
    let _lock = exclusive();
    let Some(tools) = tools("a_vxlan_device_of_the_kernel_understands_ours") else { return };
    let mut site = Site::new(&tools, Kind::Ours, 1);
    let other = site.world.add_namespace();
    let here = site.world.namespace().to_owned();
    ip(&format!("-n {here} link add u0 type veth peer name u0 netns {other}"));
    site.connect(1);
    with_ipv6(&site.world, &other);
    ip(&format!("-n {other} link set u0 up"));
    ip(&format!("-n {other} addr add 172.31.1.2/24 dev u0"));
    ip(&format!("-n {other} addr add fd00:9::2/64 dev u0 nodad"));
    for (local, remote) in [("172.31.1.2", "172.31.1.1"), ("fd00:9::2", "fd00:9::1")] {
        ip(&format!(
            "-n {other} link add vx0 address 02:00:00:00:00:09 type vxlan id 9 dev u0 dstport 4789 local {local} remote {remote}"
        ));
        ip(&format!("-n {other} addr add 10.9.0.2/24 dev vx0"));
        ip(&format!("-n {other} link set vx0 up mtu 1400"));
        site.add_tunnel("vxlan", local, &["options:key=9"]);
        assert!((0..10).any(|_| site.pings("10.9.0.2")), "{remote}: {}", site.state());
        ip(&format!("-n {other} link del vx0"));
    }
}
