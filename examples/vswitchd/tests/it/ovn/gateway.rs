//! Load balancers, and a gateway router to a network outside.

use std::collections::BTreeSet;

use super::Tenant;
use crate::harness::exclusive;

/// A router on the first chassis between the tenant's and the one to the outside, which is the bridge that `phys` is
/// mapped to.
const GATEWAY: &str = r"
    lr-add gw0 -- set logical_router gw0 options:chassis=ch0
    ls-add join
    ls-add outside
    lrp-add gw0 gw0-join 00:00:00:01:00:01 100.64.0.1/24
    lrp-add lr0 lr0-join 00:00:00:01:00:02 100.64.0.2/24
    lrp-add gw0 gw0-outside 00:00:00:02:00:01 172.16.0.1/24
    lsp-add join join-gw0 -- lsp-set-type join-gw0 router -- lsp-set-addresses join-gw0 router -- lsp-set-options join-gw0 router-port=gw0-join
    lsp-add join join-lr0 -- lsp-set-type join-lr0 router -- lsp-set-addresses join-lr0 router -- lsp-set-options join-lr0 router-port=lr0-join
    lsp-add outside outside-gw0 -- lsp-set-type outside-gw0 router -- lsp-set-addresses outside-gw0 router -- lsp-set-options outside-gw0 router-port=gw0-outside
    lsp-add outside ln-outside -- lsp-set-type ln-outside localnet -- lsp-set-addresses ln-outside unknown -- lsp-set-options ln-outside network_name=phys
    lr-route-add gw0 10.0.0.0/16 100.64.0.2
    lr-route-add lr0 0.0.0.0/0 100.64.0.1
    lr-nat-add gw0 snat 172.16.0.1 10.0.0.0/16
    lr-nat-add gw0 dnat_and_snat 172.16.0.50 10.0.0.12
    --wait=hv sync
";

#[test]
fn a_load_balancer_spreads_connections() {
    let _lock = exclusive();
    let Some(Tenant { cloud, machines: [p1, p2, p3, p4] }) =
        Tenant::start("a_load_balancer_spreads_connections")
    else {
        return;
    };
    let _servers =
        [(&p2, "p2"), (&p3, "p3"), (&p4, "p4")].map(|(machine, name)| cloud.serve(machine, 8080, name));
    for address in ["10.0.0.12", "10.0.1.13", "10.0.1.14"] {
        cloud.reaches(&p1, address);
    }
    cloud.north(
        r"
        lb-add lb0 10.10.10.10:80 10.0.0.12:8080,10.0.1.13:8080,10.0.1.14:8080 tcp
        ls-lb-add sw0 lb0
        --wait=hv sync
        ",
    );
    let answers: Vec<String> = (0..30)
        .map(|_| cloud.greeting(&p1, "10.10.10.10", 80).expect("every connection is served"))
        .collect();
    let seen: BTreeSet<&str> = answers.iter().map(String::as_str).collect();
    assert_eq!(seen, BTreeSet::from(["p2", "p3", "p4"]), "{answers:?}");
}

#[test]
fn a_gateway_router_translates_addresses() {
    let _lock = exclusive();
    let Some(Tenant { mut cloud, machines: [p1, p2, ..] }) =
        Tenant::start("a_gateway_router_translates_addresses")
    else {
        return;
    };
    let outsider = cloud.outsider(0, "out", "172.16.0.9/24");
    cloud.north(GATEWAY);
    // Out, from both chassis: the outside sees the router's address, or the machine's own outer one.
    let outside = cloud.serve(&outsider, 80, "outside");
    cloud.reaches(&p1, "172.16.0.9");
    cloud.reaches(&p2, "172.16.0.9");
    assert_eq!(cloud.greeting(&p1, "172.16.0.9", 80).as_deref(), Some("outside"));
    assert!(outside.printed().contains("from 172.16.0.1\n"), "{}", outside.printed());
    assert_eq!(cloud.greeting(&p2, "172.16.0.9", 80).as_deref(), Some("outside"));
    assert!(outside.printed().contains("from 172.16.0.50\n"), "{}", outside.printed());
    // In, to the machine that has an outer address.
    let inside = cloud.serve(&p2, 80, "inside");
    cloud.reaches(&outsider, "172.16.0.50");
    assert_eq!(cloud.greeting(&outsider, "172.16.0.50", 80).as_deref(), Some("inside"));
    assert!(inside.printed().contains("from 172.16.0.9\n"), "{}", inside.printed());
}
