//! Tunnels: two switches whose underlay is a veth pair between their namespaces, and hosts behind them.

use std::process::Command;

use crate::harness::{Daemon, Database, Kind, Tools, World, exclusive, tools};

/// A switch with `br-int`, where a host is, and `br-phy`, whose local port has the underlay's address.
pub struct Site {
    pub world: World,
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

    pub fn add_tunnel(&self, kind: &str, remote: &str, options: &[&str]) {
        let (kind, remote) = (format!("type={kind}"), format!("options:remote_ip={remote}"));
        let mut args = vec!["--if-exists", "del-port", "tun", "--", "add-port", "br-int", "tun"];
        args.extend(["--", "set", "interface", "tun", &kind, &remote]);
        args.extend(options);
        self.world.ok("ovs-vsctl", &args);
        assert_eq!(self.world.ok("ovs-vsctl", &["get", "interface", "tun", "error"]).trim(), "[]");
    }

    /// Forwards as a learning switch; bare packets between host and tunnel, as frames to the host's address.
    fn forward(&self, mac: Option<&String>) {
        let world = &self.world;
        world.ok("ovs-ofctl", &["del-flows", "br-int"]);
        let Some(mac) = mac else {
            world.ok("ovs-ofctl", &["add-flow", "br-int", "actions=NORMAL"]);
            return;
        };
        let number =
            |name: &str| world.ok("ovs-vsctl", &["get", "interface", name, "ofport"]).trim().to_owned();
        let (host, tunnel) = (number("h0"), number("tun"));
        let out = format!("in_port={host},ip,actions=output:{tunnel}");
        let back = format!("in_port={tunnel},ip,actions=mod_dl_dst:{mac},output:{host}");
        world.ok("ovs-ofctl", &["add-flow", "br-int", &out]);
        world.ok("ovs-ofctl", &["add-flow", "br-int", &back]);
    }

    fn pings(&self, address: &str) -> bool {
        let args = ["-c", "3", "-i", "0.2", "-W", "1", address];
        let output = self.world.inside(&self.host, "ping", &args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains(" 0% packet loss")
    }

    /// What went wrong, for the reader.
    pub fn state(&self) -> String {
        ["dpctl/dump-flows", "tnl/neigh/show", "ovs/route/show", "tnl/ports/show", "ofproto/list-tunnels"]
            .map(|command| format!("{command}:\n{}\n", self.world.appctl(&[command]).1))
            .concat()
    }
}

/// Two sites joined by a cable.
pub fn two_sites(tools: &Tools, kinds: [Kind; 2]) -> [Site; 2] {
    let sites = [Site::new(tools, kinds[0], 1), Site::new(tools, kinds[1], 2)];
    let [a, b] = [sites[0].world.namespace(), sites[1].world.namespace()];
    ip(&format!("-n {a} link add u0 type veth peer name u0 netns {b}"));
    for (site, number) in sites.iter().zip([1, 2]) {
        site.connect(number);
    }
    sites
}

/// A way to wrap packets.
struct Way {
    kind: &'static str,
    options: &'static [&'static str],
    /// It carries bare packets, which hosts behind a learning switch would not take.
    bare: bool,
    /// Over IPv4, over IPv6.
    over: [bool; 2],
    /// The distribution's userspace switch has it.
    peer: bool,
}

const fn way(kind: &'static str, options: &'static [&'static str]) -> Way {
    Way { kind, options, bare: false, over: [true, true], peer: true }
}

const fn bare(kind: &'static str, options: &'static [&'static str], peer: bool) -> Way {
    Way { bare: true, peer, ..way(kind, options) }
}

/// The rows of the table in `docs/tunnels.md`.
const WAYS: &[Way] = &[
    way("geneve", &["key=5"]),
    way("geneve", &["key=5", "csum=true"]),
    way("vxlan", &["key=5"]),
    way("vxlan", &["key=5", "exts=gpe", "dst_port=4790"]),
    Way { peer: false, ..way("vxlan", &["key=5", "exts=gbp"]) },
    way("gre", &["key=5"]),
    way("gre", &["key=5", "csum=true"]),
    way("gre", &["key=5", "seq=true"]),
    // The original writes the number after it has summed up the header.
    Way { peer: false, ..way("gre", &["key=5", "seq=true", "csum=true"]) },
    Way { over: [false, true], ..way("ip6gre", &["key=5", "csum=true"]) },
    way("erspan", &["key=5", "erspan_ver=1", "erspan_idx=3"]),
    way("erspan", &["key=5", "erspan_ver=2", "erspan_dir=1", "erspan_hwid=4"]),
    Way { over: [false, true], ..way("ip6erspan", &["key=5", "erspan_ver=1"]) },
    bare("gtpu", &["key=5"], true),
    bare("vxlan", &["key=5", "exts=gpe", "dst_port=4791", "packet_type=legacy_l3"], true),
    bare("gre", &["packet_type=legacy_l3"], true),
    bare("bareudp", &["payload_type=ip", "dst_port=6636"], false),
    bare("lisp", &["key=5"], false),
    Way { over: [false, true], ..bare("srv6", &[], false) },
];

/// Puts a tunnel between two sites and lets hosts speak through it.
fn speak(sites: &[Site; 2], way: &Way, ipv6: bool) {
    let remotes = if ipv6 { ["fd00:9::2", "fd00:9::1"] } else { ["172.31.1.2", "172.31.1.1"] };
    let options: Vec<String> = way.options.iter().map(|option| format!("options:{option}")).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let macs = sites.each_ref().map(|site| mac_of(&site.world, &site.host));
    for (n, (site, remote)) in sites.iter().zip(remotes).enumerate() {
        site.add_tunnel(way.kind, remote, &options);
        site.forward(way.bare.then_some(&macs[n]));
        if way.bare {
            let (address, mac) = (format!("10.9.0.{}", 2 - n), &macs[1 - n]);
            ip(&format!("-n {} neigh replace {address} lladdr {mac} dev eth0 nud permanent", site.host));
        }
    }
    // The first packets may be lost while neighbours are asked for.
    let tries = (0..10).any(|_| sites[0].pings("10.9.0.2"));
    let (kind, options) = (way.kind, way.options);
    assert!(tries, "{kind} ipv6={ipv6} {options:?}\n1:\n{}\n2:\n{}", sites[0].state(), sites[1].state());
    assert!(sites[1].pings("10.9.0.1"), "{kind} ipv6={ipv6} {options:?} back");
}

/// The Ethernet address of a host.
fn mac_of(world: &World, host: &str) -> String {
    let output = world.inside(host, "cat", &["/sys/class/net/eth0/address"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// All ways, over both versions of IP where they can.
fn ways() -> impl Iterator<Item = (&'static Way, bool)> {
    WAYS.iter().flat_map(|way| {
        [false, true].into_iter().filter(|ipv6| way.over[usize::from(*ipv6)]).map(move |ipv6| (way, ipv6))
    })
}

/// A TCP stream through the tunnel; gives its bits per second.
fn stream(sites: &[Site; 2]) -> f64 {
    let server = sites[1].world.inside(&sites[1].host, "iperf3", &["-s"]);
    let _server = Daemon::start("iperf3", sites[1].world.folder(), server);
    let report = sites[0].world.wait_for("an iperf3 run", |world| {
        let client = ["15", "iperf3", "-J", "-c", "10.9.0.2", "-n", "4M"];
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
fn tunnels_between_two_of_ours() {
    let _lock = exclusive();
    let Some(tools) = tools("tunnels_between_two_of_ours") else { return };
    let sites = two_sites(&tools, [Kind::Ours, Kind::Ours]);
    for (way, ipv6) in ways() {
        speak(&sites, way, ipv6);
        stream(&sites);
    }
    let flows = sites[0].world.appctl_ok(&["dpctl/dump-flows"]);
    assert!(flows.contains("tnl_pop(") && flows.contains("tnl_push(tnl_port("), "{flows}");
    sites[0].world.wait_for("counters", |world| {
        let counted =
            world.ok("ovs-vsctl", &["--if-exists", "get", "interface", "tun", "statistics:tx_packets"]);
        counted.trim().parse::<u64>().ok().filter(|packets| *packets > 0)
    });
}

#[test]
fn tunnels_with_the_distributions_switch() {
    let _lock = exclusive();
    let Some(tools) = tools("tunnels_with_the_distributions_switch") else { return };
    let sites = two_sites(&tools, [Kind::Ours, Kind::Peer]);
    // The original's datapath does not do what a host leaves to its device.
    let off = ["-K", "eth0", "tx", "off", "tso", "off", "gso", "off"];
    for site in &sites {
        assert!(site.world.inside(&site.host, "ethtool", &off).status().unwrap().success());
    }
    for (way, ipv6) in ways().filter(|(way, _)| way.peer) {
        speak(&sites, way, ipv6);
    }
}

/// A switch of ours, and a namespace at the other end of its underlay where the kernel speaks.
fn with_the_kernel(tools: &Tools) -> (Site, String) {
    let mut site = Site::new(tools, Kind::Ours, 1);
    let other = site.world.add_namespace();
    let here = site.world.namespace().to_owned();
    ip(&format!("-n {here} link add u0 type veth peer name u0 netns {other}"));
    site.connect(1);
    with_ipv6(&site.world, &other);
    ip(&format!("-n {other} link set u0 up"));
    ip(&format!("-n {other} addr add 172.31.1.2/24 dev u0"));
    ip(&format!("-n {other} addr add fd00:9::2/64 dev u0 nodad"));
    (site, other)
}

const ENDS: [(&str, &str); 2] = [("172.31.1.2", "172.31.1.1"), ("fd00:9::2", "fd00:9::1")];

#[test]
fn vxlan_devices_of_the_kernel_understand_ours() {
    let _lock = exclusive();
    let Some(tools) = tools("vxlan_devices_of_the_kernel_understand_ours") else { return };
    let (site, other) = with_the_kernel(&tools);
    for ((local, remote), (extension, options)) in ENDS.into_iter().flat_map(|ends| {
        [("", &["options:key=9"][..]), ("gbp", &["options:key=9", "options:exts=gbp"])].map(|way| (ends, way))
    }) {
        let device = format!("type vxlan id 9 dev u0 dstport 4789 local {local} remote {remote} {extension}");
        ip(&format!("-n {other} link add vx0 address 02:00:00:00:00:09 {}", device.trim_end()));
        ip(&format!("-n {other} addr add 10.9.0.2/24 dev vx0"));
        ip(&format!("-n {other} link set vx0 up mtu 1400"));
        site.add_tunnel("vxlan", local, options);
        site.forward(None);
        if !extension.is_empty() {
            let tagged =
                "priority=9,in_port=h0,actions=set_field:77->tun_gbp_id,set_field:8->tun_gbp_flags,NORMAL";
            site.world.ok("ovs-ofctl", &["add-flow", "br-int", tagged]);
        }
        assert!((0..10).any(|_| site.pings("10.9.0.2")), "{remote} {extension}: {}", site.state());
        ip(&format!("-n {other} link del vx0"));
    }
}

#[test]
fn bare_packets_go_between_the_kernel_and_ours() {
    let _lock = exclusive();
    let Some(tools) = tools("bare_packets_go_between_the_kernel_and_ours") else { return };
    let (site, other) = with_the_kernel(&tools);
    let mac = mac_of(&site.world, &site.host);
    ip(&format!("-n {} neigh replace 10.9.0.2 lladdr 02:00:00:00:00:09 dev eth0 nud permanent", site.host));
    // The generic extension of VXLAN, which the kernel has for tunnels whose ends routes name.
    for (local, remote) in ENDS {
        ip(&format!("-n {other} link add vx0 type vxlan dev u0 dstport 4790 gpe external"));
        ip(&format!("-n {other} addr add 10.9.0.2/32 dev vx0"));
        ip(&format!("-n {other} link set vx0 up mtu 1400"));
        let family = if local.contains(':') { "ip6" } else { "ip" };
        ip(&format!("-n {other} route add 10.9.0.1/32 encap {family} id 9 dst {remote} dev vx0"));
        let options =
            ["options:key=9", "options:exts=gpe", "options:packet_type=legacy_l3", "options:dst_port=4790"];
        site.add_tunnel("vxlan", local, &options);
        site.forward(Some(&mac));
        assert!((0..10).any(|_| site.pings("10.9.0.2")), "gpe {remote}: {}", site.state());
        ip(&format!("-n {other} link del vx0"));
    }
    // Segment routing: the kernel wraps by a route, and unwraps what has come to its last segment.
    let on = "for f in /proc/sys/net/ipv6/conf/*/seg6_enabled; do echo 1 > $f; done; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; \
              for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done";
    assert!(site.world.inside(&other, "sh", &["-c", on]).status().unwrap().success());
    ip(&format!("-n {other} addr add 10.9.0.2/32 dev lo"));
    ip(&format!("-n {other} link set lo up"));
    ip(&format!("-n {other} route add 10.9.0.1/32 encap seg6 mode encap segs fd00:9::1 dev u0 src 10.9.0.2"));
    site.add_tunnel("srv6", "fd00:9::2", &[]);
    site.forward(Some(&mac));
    assert!((0..10).any(|_| site.pings("10.9.0.2")), "srv6: {}", site.state());
}

#[test]
fn what_is_too_long_for_the_underlay_is_told_and_dropped_by_name() {
    let _lock = exclusive();
    let Some(tools) = tools("what_is_too_long_for_the_underlay_is_told_and_dropped_by_name") else { return };
    let sites = two_sites(&tools, [Kind::Ours, Kind::Ours]);
    speak(&sites, &way("vxlan", &["key=5", "too_big=drop"]), false);
    let [site, _] = &sites;
    let told = site.world.wait_for("what fits", |world| {
        let status = world.ok("ovs-vsctl", &["get", "interface", "tun", "status"]);
        status.contains("tunnel_mtu").then_some(status)
    });
    assert!(told.contains("tunnel_egress_iface=br-phy") && told.contains("tunnel_mtu=\"1450\""), "{told}");
    for site in &sites {
        ip(&format!("-n {} link set eth0 mtu 1500", site.host));
    }
    let send = |size: &str| {
        let args = ["-c", "1", "-W", "1", "-M", "do", "-s", size, "10.9.0.2"];
        site.world.inside(&site.host, "ping", &args).status().unwrap().success()
    };
    assert!(send("1422"), "1450 bytes fit: {}", site.state());
    assert!(!send("1423"), "1451 do not");
    let dropped = site.world.appctl_ok(&["coverage/read-counter", "drop_action_tunnel_too_big"]);
    assert_eq!(dropped.trim(), "1");
    // Those who are told what fits send what fits.
    site.world.ok("ovs-vsctl", &["set", "interface", "tun", "options:too_big=icmp"]);
    let heard = site.world.wait_at_most(|_| {
        let args = ["-c", "1", "-W", "1", "-M", "do", "-s", "1423", "10.9.0.2"];
        let output = site.world.inside(&site.host, "ping", &args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        text.contains("mtu = 1450") || text.contains("mtu=1450") || text.contains("mtu: 1450")
    });
    assert!(heard, "{}", site.state());
}

#[test]
fn a_mirror_cuts_what_it_copies_into_a_tunnel() {
    let _lock = exclusive();
    let Some(tools) = tools("a_mirror_cuts_what_it_copies_into_a_tunnel") else { return };
    let (site, other) = with_the_kernel(&tools);
    ip(&format!(
        "-n {other} link add vx0 type vxlan id 9 dev u0 dstport 4789 local 172.31.1.2 remote 172.31.1.1"
    ));
    ip(&format!("-n {other} link set vx0 up"));
    site.add_tunnel("vxlan", "172.31.1.2", &["options:key=9"]);
    let mirror = [
        "--",
        "--id=@h",
        "get",
        "port",
        "h0",
        "--",
        "--id=@t",
        "get",
        "port",
        "tun",
        "--",
        "--id=@m",
        "create",
        "mirror",
        "name=m",
        "select-src-port=@h",
        "output-port=@t",
        "snaplen=60",
        "--",
        "set",
        "bridge",
        "br-int",
        "mirrors=@m",
    ];
    site.world.ok("ovs-vsctl", &mirror);
    // Long packets to nobody, whose copies are all that comes.
    ip(&format!("-n {} neigh replace 10.9.0.2 lladdr 02:00:00:00:00:09 dev eth0 nud permanent", site.host));
    let counted = |what: &str| {
        let file = format!("/sys/class/net/vx0/statistics/rx_{what}");
        let output = site.world.inside(&other, "cat", &[&file]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().unwrap()
    };
    let came = site.world.wait_at_most(|_| {
        let args = ["-c", "3", "-i", "0.2", "-W", "1", "-s", "500", "-q", "10.9.0.2"];
        site.world.inside(&site.host, "ping", &args).output().unwrap();
        counted("packets") >= 5
    });
    assert!(came, "{}", site.state());
    let (bytes, packets) = (counted("bytes"), counted("packets"));
    assert!(bytes <= 60 * packets, "{bytes} bytes in {packets} packets");
}
