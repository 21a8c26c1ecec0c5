//! Controllers that nobody here wrote.

use crate::harness::{Daemon, Database, Kind, World, exclusive, skip, tools};

#[test]
fn testcontroller_makes_a_secure_bridge_learn() {
    let _lock = exclusive();
    let Some(tools) = tools("testcontroller_makes_a_secure_bridge_learn") else { return };
    if tools.find("ovs-testcontroller").is_none() {
        return skip("testcontroller_makes_a_secure_bridge_learn", "ovs-testcontroller is not here");
    }
    let mut world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    let first = world.add_host("v1", "10.7.0.1/24");
    world.add_host("v2", "10.7.0.2/24");
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure"]);
    world.ok("ovs-vsctl", &["add-port", "br0", "v1", "--", "add-port", "br0", "v2"]);
    let ping = ["-c", "1", "-W", "1", "10.7.0.2"];
    assert!(
        !world.inside(&first, "ping", &ping).output().unwrap().status.success(),
        "secure mode forwards nothing"
    );

    let socket = world.folder().join("controller.sock");
    let mut command = world.tool("ovs-testcontroller");
    command.arg(format!("--unixctl={}", world.folder().join("testcontroller.ctl").display()));
    command.arg(format!("punix:{}", socket.display()));
    let mut controller = Daemon::start("testcontroller", world.folder(), command);
    controller.wait_until("its socket", || socket.exists());
    world.ok("ovs-vsctl", &["set-controller", "br0", &format!("unix:{}", socket.display())]);
    world.wait_for("a ping through the controller's flows", |world| {
        world.inside(&first, "ping", &ping).output().unwrap().status.success().then_some(())
    });
    let flows = world.ok("ovs-ofctl", &["dump-flows", "br0"]);
    assert!(flows.contains("dl_dst="), "the controller has learned: {flows}");
    // The database hears of it with the next report of states.
    world.wait_for("the database's knowledge of the controller", |world| {
        let connected = world.ok("ovs-vsctl", &["get", "controller", "br0", "is_connected"]);
        (connected.trim() == "true").then_some(())
    });
    assert_eq!(world.ok("ovs-vsctl", &["get", "controller", "br0", "role"]).trim(), "other");
}
