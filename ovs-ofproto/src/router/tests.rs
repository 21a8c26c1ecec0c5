use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn router() -> Router {
    let mut router = Router::default();
    let own = [("br0", vec!["1.1.2.88/24", "2001:cafe::88/64", "fe80::1/64"]), ("br1", vec!["10.0.0.5/8"])];
    router.set_addresses(
        own.into_iter()
            .map(|(name, list)| (name.to_owned(), list.into_iter().map(prefix).collect()))
            .collect(),
    );
    router
}

#[test]
fn the_longest_prefix_wins_and_then_the_user() {
    let mut router = router();
    let system = vec![
        Route::new(prefix("0.0.0.0/0"), "br0").gateway(Some(ip("1.1.2.1"))),
        Route::new(prefix("10.0.0.0/8"), "br1"),
        Route::new(prefix("1.1.2.0/24"), "br0"),
    ];
    router.set_system(system, Vec::new());
    let way = |router: &Router, to: &str| router.lookup(ip(to), None, 0);
    let hop = way(&router, "9.9.9.9").unwrap();
    assert_eq!((hop.device.as_str(), hop.gateway, hop.source), ("br0", Some(ip("1.1.2.1")), ip("1.1.2.88")));
    assert_eq!(way(&router, "10.1.1.1").unwrap().source, ip("10.0.0.5"));
    assert_eq!(way(&router, "2001:cafe::93"), None);
    router.add(Route::new(prefix("10.0.0.0/8"), "br0")).unwrap();
    assert_eq!(way(&router, "10.1.1.1").unwrap().device, "br0");
    assert_eq!(router.add(Route::new(prefix("10.0.0.0/8"), "br0")), Err(RouteError::Refused));
    router.remove(prefix("10.0.0.0/8"), 0).unwrap();
    assert_eq!(way(&router, "10.1.1.1").unwrap().device, "br1");
    assert_eq!(router.remove(prefix("10.0.0.0/8"), 0), Err(RouteError::NotFound));
}

#[test]
fn rules_choose_tables_by_source() {
    let mut router = router();
    let system =
        vec![Route::new(prefix("0.0.0.0/0"), "br0"), Route::new(prefix("0.0.0.0/0"), "br1").table(7)];
    let mut rules = default_rules();
    rules.push(RoutingRule::new(100, false, 7).from(Some(prefix("10.0.0.0/8"))));
    router.set_system(system, rules);
    let device = |source: Option<&str>| router.lookup(ip("8.8.8.8"), source.map(ip), 0).map(|hop| hop.device);
    assert_eq!(device(None).as_deref(), Some("br0"));
    assert_eq!(device(Some("10.0.0.5")).as_deref(), Some("br1"));
    assert_eq!(device(Some("1.1.2.88")).as_deref(), Some("br0"));
    assert_eq!(device(Some("5.5.5.5")), None, "not an address of this host");
}

#[test]
fn marks_are_apart_and_link_local_addresses_are_a_last_resort() {
    let mut router = router();
    router.add(Route::new(prefix("2001:cafe::/32").network(), "br0")).unwrap();
    router.add(Route::new(prefix("2001:cafe::/32").network(), "br0").mark(5)).unwrap();
    assert_eq!(router.lookup(ip("2001:cafe:1::1"), None, 5).unwrap().source, ip("2001:cafe::88"));
    assert_eq!(router.lookup(ip("2001:cafe:1::1"), None, 6), None);
    assert_eq!(
        router.to_string(),
        "Route Table:\nUser: 2001:cafe::/32 dev br0 SRC 2001:cafe::88\n\
         User: 2001:cafe::/32 MARK 5 dev br0 SRC 2001:cafe::88\n"
    );
    assert_eq!(router.add(Route::new(prefix("9.0.0.0/8"), "nowhere")), Err(RouteError::Refused));
}
