//! OVN's tools and its compiler of logical networks, on our server and on the distribution's: what they leave in the
//! southbound database is the same.

mod contents;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{printed, program};
use contents::contents;

/// Commands, one a line: for `ovn-nbctl`, or, after `sb:`, for `ovn-sbctl`. Tunnel keys and MAC prefixes are given, as
/// they would be chosen by chance; there are no routes over several paths, as those are numbered in the order of their
/// UUIDs.
const BUILD: &str = r#"
init
set nb_global . options:mac_prefix=0a:00:00 options:svc_monitor_mac=0a:00:00:00:00:01 name=test
ls-add sw0 -- set logical_switch sw0 other_config:requested-tnl-key=1 other_config:subnet=192.168.0.0/24
ls-add sw1 -- set logical_switch sw1 other_config:requested-tnl-key=2 other_config:mcast_snoop=true
ls-add public -- set logical_switch public other_config:requested-tnl-key=3
lr-add lr0 -- set logical_router lr0 options:requested-tnl-key=4
lr-add lr1 -- set logical_router lr1 options:requested-tnl-key=5 options:chassis=ch1
lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 192.168.0.1/24
lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 192.168.1.1/24 fd00::1/64
lrp-add lr0 lr0-public 00:00:00:00:ff:03 172.16.0.1/24
lrp-add lr1 lr1-public 00:00:00:00:ff:04 172.16.0.2/24
set logical_router_port lr0-sw0 options:requested-tnl-key=11
set logical_router_port lr0-sw1 options:requested-tnl-key=12 ipv6_ra_configs:address_mode=slaac ipv6_ra_configs:send_periodic=true
set logical_router_port lr0-public options:requested-tnl-key=13
set logical_router_port lr1-public options:requested-tnl-key=14
lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0 requested-tnl-key=21
lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1 requested-tnl-key=22
lsp-add public public-lr0 -- lsp-set-type public-lr0 router -- lsp-set-addresses public-lr0 router -- lsp-set-options public-lr0 router-port=lr0-public requested-tnl-key=23
lsp-add public public-lr1 -- lsp-set-type public-lr1 router -- lsp-set-addresses public-lr1 router -- lsp-set-options public-lr1 router-port=lr1-public requested-tnl-key=24
lsp-add public ln-public -- lsp-set-type ln-public localnet -- lsp-set-addresses ln-public unknown -- lsp-set-options ln-public network_name=physnet requested-tnl-key=25
lsp-add sw0 p1 -- lsp-set-addresses p1 '00:00:00:00:00:01 192.168.0.11' -- lsp-set-options p1 requested-tnl-key=31
lsp-add sw0 p2 -- lsp-set-addresses p2 '00:00:00:00:00:02 192.168.0.12' unknown -- lsp-set-options p2 requested-tnl-key=32
lsp-add sw1 p3 -- lsp-set-addresses p3 '00:00:00:00:00:03 192.168.1.11 fd00::11' -- lsp-set-options p3 requested-tnl-key=33
lsp-add sw1 p4 -- lsp-set-addresses p4 '00:00:00:00:00:04 192.168.1.12' -- lsp-set-options p4 requested-tnl-key=34
lsp-add sw1 p5 p4 7 -- lsp-set-addresses p5 '00:00:00:00:00:05 192.168.1.13' -- lsp-set-options p5 requested-tnl-key=35
lsp-set-port-security p1 '00:00:00:00:00:01 192.168.0.11'
lsp-set-port-security p3 '00:00:00:00:00:03 192.168.1.11/24 fd00::11'
lsp-set-enabled p4 disabled
pg-add pg1 p1 p3
create address_set name=as1 addresses='10.0.0.1 10.0.0.2 10.0.1.0/24'
meter-add m1 drop 10 pktps 5
acl-add sw0 to-lport 1000 'outport == "p1" && tcp.dst == 80' allow-related
acl-add sw0 from-lport 900 'inport == "p2" && ip4.dst == $as1' drop
--log --severity=info --name=web --meter=m1 acl-add sw1 to-lport 1001 'ip4 && udp.dst == 53' reject
--type=port-group acl-add pg1 to-lport 1002 'outport == @pg1 && icmp4' allow-stateless
lb-add lb0 192.168.0.100:80 192.168.1.11:8080,192.168.1.12:8080 tcp
lb-add lb1 '[fd00::100]:53' '[fd00::11]:53' udp
lb-add lb2 172.16.0.100 192.168.0.11,192.168.0.12
ls-lb-add sw0 lb0 -- ls-lb-add sw1 lb0 -- ls-lb-add sw1 lb1 -- lr-lb-add lr0 lb0 -- lr-lb-add lr1 lb2
--id=@d create DHCP_Options cidr=192.168.0.0/24 options='"server_id"="192.168.0.1" "server_mac"="00:00:00:00:ff:01" "lease_time"="3600" "router"="192.168.0.1"' -- set logical_switch_port p1 dhcpv4_options=@d -- set logical_switch_port p2 dhcpv4_options=@d
--id=@d create DHCP_Options cidr='fd00\:\:/64' options='"server_id"="00:00:00:00:ff:02"' -- set logical_switch_port p3 dhcpv6_options=@d
lr-nat-add lr1 snat 172.16.0.2 192.168.0.0/24
lr-nat-add lr1 dnat_and_snat 172.16.0.50 192.168.0.11
lr-route-add lr0 0.0.0.0/0 172.16.0.254 lr0-public
lr-route-add lr0 10.9.0.0/16 172.16.0.253
lr-route-add lr0 10.9.1.0/24 172.16.0.252
--policy=src-ip lr-route-add lr0 192.168.1.0/24 172.16.0.251
lr-policy-add lr0 10 'ip4.src == 192.168.0.0/24 && ip4.dst == 10.1.0.0/16' drop
lr-policy-add lr0 20 'ip4.src == 192.168.1.0/24' reroute 172.16.0.250
qos-add sw0 from-lport 100 'inport == "p1"' rate=1000 burst=100 dscp=10
--id=@n create DNS records='"host.test"="192.168.0.11 fd00::11" "other.test"="192.168.1.11"' -- add logical_switch sw0 dns_records @n
sb: chassis-add ch1 geneve 10.0.0.1
sb: chassis-add ch2 vxlan 10.0.0.2
sb: lsp-bind p1 ch1
sb: lsp-bind p3 ch2
lrp-set-gateway-chassis lr0-public ch1 20
lrp-set-gateway-chassis lr0-public ch2 10
--wait=sb sync
"#;

/// More commands, after which the contents are compared again.
const CHANGE: &str = r#"
lsp-del p2
acl-del sw0 from-lport
acl-add sw0 from-lport 901 'inport == "p1" && ip6' drop
lb-add lb0 192.168.0.101:443 192.168.1.11:8443 tcp
lb-del lb1
ls-lb-del sw1 lb0
lr-nat-del lr1 snat
lr-route-del lr0 10.9.1.0/24 172.16.0.252
lsp-set-enabled p4 enabled
set address_set as1 addresses=10.0.0.3
pg-set-ports pg1 p3 p4
set logical_switch sw1 other_config:mcast_querier=false other_config:vlan-passthru=true
lr-policy-del lr0 10
sb: lsp-unbind p1
sb: chassis-del ch2
lrp-del-gateway-chassis lr0-public ch2
ls-del nothing
--if-exists ls-del nothing
--wait=sb sync
"#;

/// One server with both databases, and the compiler between them.
struct World {
    dir: tempfile::TempDir,
    children: Vec<Child>,
    nbctl: PathBuf,
    sbctl: PathBuf,
}

impl World {
    fn start(tools: &Tools, server: &Path) -> World {
        let dir = tempfile::tempdir().unwrap();
        for name in ["nb", "sb"] {
            let schema = tools.schemas.join(format!("ovn-{name}.ovsschema"));
            let schema: ovs_db::schema::Schema = std::fs::read_to_string(schema).unwrap().parse().unwrap();
            let file = dir.path().join(format!("{name}.db"));
            drop(ovs_db::storage::JournalFile::create(&file, &schema).unwrap());
        }
        let mut world =
            World { dir, children: Vec::new(), nbctl: tools.nbctl.clone(), sbctl: tools.sbctl.clone() };
        let path = |name: &str| world.dir.path().join(name).display().to_string();
        let mut command = Command::new(server);
        command.args([path("nb.db"), path("sb.db"), format!("--remote=punix:{}", path("db.sock"))]);
        command.args([format!("--unixctl={}", path("ctl")), "--no-self-confinement".to_owned()]);
        let mut northd = Command::new(&tools.northd);
        northd.args([format!("--ovnnb-db={}", world.db()), format!("--ovnsb-db={}", world.db())]);
        northd.arg(format!("--unixctl={}", path("northd.ctl")));
        for command in [&mut command, &mut northd] {
            command.args(["-vconsole:emer", "-vsyslog:off", "-vfile:off"]).stdin(Stdio::null());
        }
        world.children.push(command.spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(10);
        while !world.dir.path().join("db.sock").exists() {
            assert!(Instant::now() < end, "the server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        world.children.push(northd.spawn().unwrap());
        world
    }

    fn db(&self) -> String {
        format!("unix:{}", self.dir.path().join("db.sock").display())
    }

    /// Runs a line of a script, and gives what was printed.
    fn run(&self, line: &str) -> String {
        let (tool, line) = match line.strip_prefix("sb: ") {
            Some(line) => (&self.sbctl, line),
            None => (&self.nbctl, line),
        };
        let mut command = Command::new(tool);
        command.args(["--no-leader-only", "--timeout=30", "-vsyslog:off", &format!("--db={}", self.db())]);
        let output = command.args(words(line)).env("OVN_RUNDIR", self.dir.path()).output().unwrap();
        printed(&output, self.dir.path())
    }

    /// What is in both databases, as far as the user or the compiler decides it.
    fn contents(&self, client: &Path) -> Vec<String> {
        let dump = |database: &str| {
            let mut command = Command::new(client);
            command.args(["-fjson", "dump", &self.db(), database]);
            String::from_utf8(command.output().unwrap().stdout).unwrap()
        };
        contents(&[dump("OVN_Northbound"), dump("OVN_Southbound")])
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

struct Tools {
    schemas: PathBuf,
    nbctl: PathBuf,
    sbctl: PathBuf,
    northd: PathBuf,
    client: PathBuf,
    server: PathBuf,
}

impl Tools {
    fn find(test: &str) -> Option<Tools> {
        let nbctl = program(test, "ovn-nbctl")?;
        Some(Tools {
            schemas: nbctl.parent()?.parent()?.join("share/ovn"),
            nbctl,
            sbctl: program(test, "ovn-sbctl")?,
            northd: program(test, "ovn-northd")?,
            client: program(test, "ovsdb-client")?,
            server: program(test, "ovsdb-server")?,
        })
    }
}

/// Splits a line at blanks outside of single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// Members of a set are printed in the order of their UUIDs.
fn sorted_words(line: &str) -> String {
    let mut words: Vec<&str> = line.split([' ', '[', ']']).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// Where two lists of lines differ.
fn difference(ours: &[String], theirs: &[String]) -> Vec<String> {
    let only = |sign: &str, a: &[String], b: &[String]| -> Vec<String> {
        a.iter().filter(|line| !b.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    [only("ours", ours, theirs), only("theirs", theirs, ours)].concat()
}

#[test]
fn a_logical_network_is_compiled_to_the_same_flows() {
    const TEST: &str = "a_logical_network_is_compiled_to_the_same_flows";
    let Some(tools) = Tools::find(TEST) else { return };
    let ours = World::start(&tools, Path::new(env!("CARGO_BIN_EXE_ovsdb-server")));
    let theirs = World::start(&tools, &tools.server);
    for (script, at_least) in [(BUILD, 350), (CHANGE, 300)] {
        for line in script.lines().filter(|line| !line.is_empty()) {
            let (got, expected) = (ours.run(line), theirs.run(line));
            assert_eq!(got, expected, "{line}");
            let may_fail = line == "ls-del nothing";
            assert!(may_fail || got.ends_with("exit Some(0)"), "{line}: {got}");
        }
        // The compiler hears of northbound and southbound changes by different connections, so `sync` does not say
        // that it has seen all of both.
        let end = Instant::now() + Duration::from_secs(10);
        let (got, difference) = loop {
            let (got, expected) = (ours.contents(&tools.client), theirs.contents(&tools.client));
            let difference = difference(&got, &expected);
            if (difference.is_empty() && got.len() == expected.len()) || Instant::now() > end {
                break (got, difference);
            }
        };
        assert!(difference.is_empty(), "{}", difference.join("\n"));
        let flows = got.iter().filter(|line| line.starts_with("Logical_Flow ")).count();
        println!("{} rows, {flows} logical flows", got.len());
        assert!(flows >= at_least, "only {flows} logical flows");
        // What the tools print of it, in whatever order.
        for line in
            ["show", "ls-list", "sb: show", "sb: lflow-list", "lr-route-list lr0", "acl-list sw0", "lb-list"]
        {
            let sorted = |text: String| {
                let mut lines: Vec<String> = text.lines().map(sorted_words).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(ours.run(line)), sorted(theirs.run(line)), "{line}");
        }
    }
}
