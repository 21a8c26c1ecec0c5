//! Our switch on the distribution's database server, and the other way round.

use crate::harness::{Database, Kind, World, exclusive, tools};

/// Two hosts on a userspace bridge ping, whoever's switch and database these are.
fn hosts_ping(test: &str, kind: Kind, database: Database) {
    let _lock = exclusive();
    let Some(tools) = tools(test) else { return };
    let mut world = World::start(&tools, kind, database, &[]);
    let first = world.add_host("v1", "10.7.0.1/24");
    world.add_host("v2", "10.7.0.2/24");
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev"]);
    world.ok("ovs-vsctl", &["add-port", "br0", "v1", "--", "add-port", "br0", "v2"]);
    world.wait_for("a ping", |world| {
        let ping = ["-c", "1", "-W", "1", "10.7.0.2"];
        world.inside(&first, "ping", &ping).output().unwrap().status.success().then_some(())
    });
    let next = world.ok("ovs-vsctl", &["get", "Open_vSwitch", ".", "next_cfg"]);
    assert_eq!(next, world.ok("ovs-vsctl", &["get", "Open_vSwitch", ".", "cur_cfg"]));
}

#[test]
fn our_switch_on_the_distributions_database() {
    hosts_ping("our_switch_on_the_distributions_database", Kind::Ours, Database::Peer);
}

#[test]
fn the_distributions_switch_on_our_database() {
    hosts_ping("the_distributions_switch_on_our_database", Kind::Peer, Database::Ours);
}

#[test]
fn our_switch_on_our_database() {
    hosts_ping("our_switch_on_our_database", Kind::Ours, Database::Ours);
}

#[test]
fn the_distributions_tools_read_the_embedded_databases_file() {
    let _lock = exclusive();
    let Some(tools) = tools("the_distributions_tools_read_the_embedded_databases_file") else { return };
    let mut world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set", "bridge", "br0", "external_ids:who=us"]);
    world.stop_switch();
    let file = world.folder().join("conf.db");
    let file = file.to_str().unwrap();
    let query =
        r#"["Open_vSwitch",{"op":"select","table":"Bridge","where":[],"columns":["name","external_ids"]}]"#;
    let found = world.ok("ovsdb-tool", &["query", file, query]);
    assert!(found.contains(r#""name":"br0""#) && found.contains("who"), "{found}");
    assert!(world.ok("ovsdb-tool", &["db-version", file]).starts_with("8.8.0"));
    assert!(world.ok("ovsdb-tool", &["show-log", file]).contains("record 0:"));
    world.ok("ovsdb-tool", &["compact", file]);
    world.start_switch(Database::Embedded, &[]);
    assert_eq!(world.ok("ovs-vsctl", &["list-br"]).trim(), "br0");
}
