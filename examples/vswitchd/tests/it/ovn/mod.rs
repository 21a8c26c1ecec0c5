//! OVN on two of our switches: its unmodified controllers drive them, and machines behind them see the networks that
//! the northbound database describes.

mod cloud;
mod gateway;
mod services;

use crate::harness::{Kind, exclusive};
use cloud::{Cloud, Machine};

/// Two logical switches joined by a distributed router; `p1` and `p3` are on the first chassis, `p2` and `p4` on the
/// second.
const NETWORK: &str = r"
    ls-add sw0
    ls-add sw1
    lr-add lr0
    lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24
    lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 10.0.1.1/24
    lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
    lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1
    lsp-add sw0 p1 -- lsp-set-addresses p1 '50:54:00:00:00:01 10.0.0.11'
    lsp-add sw0 p2 -- lsp-set-addresses p2 '50:54:00:00:00:02 10.0.0.12'
    lsp-add sw1 p3 -- lsp-set-addresses p3 '50:54:00:00:00:03 10.0.1.13'
    lsp-add sw1 p4 -- lsp-set-addresses p4 '50:54:00:00:00:04 10.0.1.14'
";

/// A cloud with [`NETWORK`] and its four machines.
struct Tenant {
    cloud: Cloud,
    machines: [Machine; 4],
}

impl Tenant {
    fn start(test: &str) -> Option<Self> {
        // The same scripts can be tried on the distribution's switch: what fails there says nothing about ours.
        let kind = if std::env::var_os("OVS_TEST_PEER").is_some() { Kind::Peer } else { Kind::Ours };
        let mut cloud = Cloud::start(test, kind)?;
        cloud.north(NETWORK);
        let machines = [
            cloud.machine(0, "p1", "50:54:00:00:00:01", "10.0.0.11/24", "10.0.0.1"),
            cloud.machine(1, "p2", "50:54:00:00:00:02", "10.0.0.12/24", "10.0.0.1"),
            cloud.machine(0, "p3", "50:54:00:00:00:03", "10.0.1.13/24", "10.0.1.1"),
            cloud.machine(1, "p4", "50:54:00:00:00:04", "10.0.1.14/24", "10.0.1.1"),
        ];
        cloud.settle();
        Some(Self { cloud, machines })
    }
}

#[test]
fn a_logical_switch_spans_chassis() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, p2, ..] }) = Tenant::start("a_logical_switch_spans_chassis")
    else {
        return;
    };
    cloud.reaches(&p1, "10.0.0.12");
    cloud.reaches(&p2, "10.0.0.11");
    let _server = cloud.serve(&p2, 80, "p2");
    assert_eq!(cloud.greeting(&p1, "10.0.0.12", 80).as_deref(), Some("p2"));
    let flows = cloud.world(0).appctl_ok(&["dpctl/dump-flows"]);
    assert!(flows.contains("geneve"), "packets go through a tunnel: {flows}");
}

#[test]
fn a_distributed_router_joins_switches() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, p2, p3, _] }) =
        Tenant::start("a_distributed_router_joins_switches")
    else {
        return;
    };
    // On the same chassis, and across; the router itself answers, too.
    cloud.reaches(&p1, "10.0.1.13");
    cloud.reaches(&p1, "10.0.1.14");
    cloud.reaches(&p3, "10.0.0.12");
    cloud.reaches(&p2, "10.0.0.1");
    // One hop: what arrives has lost one of its lives.
    let output = cloud.try_on(&p1, "ping", &["-c", "1", "-W", "2", "-t", "1", "10.0.1.14"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("Time to live exceeded"), "{said}");
}

#[test]
fn access_lists_let_replies_pass_and_block_what_nobody_asked_for() {
    let _lock = exclusive();
    let test = "access_lists_let_replies_pass_and_block_what_nobody_asked_for";
    let Some(Tenant { cloud, machines: [p1, p2, ..] }) = Tenant::start(test) else { return };
    cloud.reaches(&p1, "10.0.0.12");
    cloud.north(
        r#"
        acl-add sw0 to-lport 1001 'outport == "p2" && ip4 && tcp.dst == 80' allow-related
        acl-add sw0 to-lport 1000 'outport == "p2" && ip' drop
        acl-add sw0 from-lport 1000 'inport == "p2" && ip' allow-related
        --wait=hv sync
        "#,
    );
    let _wanted = cloud.serve(&p2, 80, "wanted");
    let _unwanted = cloud.serve(&p2, 81, "unwanted");
    let _elsewhere = cloud.serve(&p1, 81, "elsewhere");
    assert_eq!(cloud.greeting(&p1, "10.0.0.12", 80).as_deref(), Some("wanted"));
    assert!(cloud.is_kept_from(&p1, "10.0.0.12", 81), "unsolicited");
    assert!(!cloud.pings(&p1, &[], "10.0.0.12"), "unsolicited");
    assert_eq!(cloud.greeting(&p2, "10.0.0.11", 81).as_deref(), Some("elsewhere"), "replies are related");
    assert!(cloud.pings(&p2, &[], "10.0.0.11"), "replies are related");
}

#[test]
fn port_security_stops_borrowed_addresses() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, ..] }) = Tenant::start("port_security_stops_borrowed_addresses")
    else {
        return;
    };
    let ip = |args: &str| {
        let output = cloud.try_on(&p1, "ip", &args.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "ip {args}");
    };
    ip("addr add 10.0.0.99/24 dev eth0");
    cloud.north("lsp-set-port-security p1 '50:54:00:00:00:01 10.0.0.11'\n--wait=hv sync");
    cloud.reaches(&p1, "10.0.0.12");
    assert!(!cloud.pings(&p1, &["-I", "10.0.0.99"], "10.0.0.12"), "an address of nobody");
    ip("link set eth0 address 50:54:00:00:00:77");
    assert!(!cloud.pings(&p1, &[], "10.0.0.12"), "a MAC address of nobody");
    ip("link set eth0 address 50:54:00:00:00:01");
    ip("route replace default via 10.0.0.1");
    cloud.reaches(&p1, "10.0.0.12");
}

#[test]
fn port_groups_carry_access_lists() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, p2, p3, _] }) = Tenant::start("port_groups_carry_access_lists")
    else {
        return;
    };
    let _first = cloud.serve(&p2, 80, "p2");
    let _second = cloud.serve(&p3, 80, "p3");
    cloud.reaches(&p1, "10.0.1.13");
    cloud.reaches(&p1, "10.0.0.12");
    cloud.north(
        r"
        pg-add guarded p2 p3
        acl-add guarded to-lport 1000 'outport == @guarded && ip4 && tcp.dst == 80' drop
        --wait=hv sync
        ",
    );
    assert!(cloud.is_kept_from(&p1, "10.0.0.12", 80));
    assert!(cloud.is_kept_from(&p1, "10.0.1.13", 80));
    // Who leaves the group is guarded no more; its addresses are a set that lists can name.
    cloud.north(
        r"
        pg-set-ports guarded p3
        acl-add sw1 to-lport 1002 'ip4.src == $guarded_ip4' allow
        --wait=hv sync
        ",
    );
    assert_eq!(cloud.greeting(&p1, "10.0.0.12", 80).as_deref(), Some("p2"));
    assert!(cloud.is_kept_from(&p1, "10.0.1.13", 80));
}
