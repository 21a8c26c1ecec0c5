//! `ssl:` and `pssl:` of managers and controllers, with certificates of `ovs-pki` and the distribution's programs.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Daemon, Database, Kind, World, exclusive, skip, tools};

/// Keys for the switch and for controllers, each signed by its own authority.
fn make_keys(folder: &Path, pki: &Path) {
    for args in [&["init"][..], &["req+sign", "sw", "switch"], &["req+sign", "ctl", "controller"]] {
        let mut command = Command::new(pki);
        command.current_dir(folder).args(["--dir=pki", "--log=pki.log", "--batch", "--unique"]).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    }
}

/// A switch that has its keys from the database, and what a client on the other side needs.
struct Secure {
    world: World,
    client: Vec<String>,
    server: Vec<String>,
}

impl Secure {
    fn start(test: &str) -> Option<Self> {
        let tools = tools(test)?;
        let Some(pki) = tools.find("ovs-pki") else {
            skip(test, "ovs-pki is not here");
            return None;
        };
        let world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
        make_keys(world.folder(), &pki);
        let path = |name: &str| world.folder().join(name).display().to_string();
        let (switch_ca, controller_ca) =
            (path("pki/switchca/cacert.pem"), path("pki/controllerca/cacert.pem"));
        world.ok("ovs-vsctl", &["set-ssl", &path("sw-privkey.pem"), &path("sw-cert.pem"), &controller_ca]);
        let keys = [format!("-p{}", path("ctl-privkey.pem")), format!("-c{}", path("ctl-cert.pem"))];
        let client = [&keys[..], &[format!("-C{switch_ca}")]].concat();
        let server = client.clone();
        Some(Self { world, client, server })
    }

    /// Runs one of the distribution's tools in the switch's namespace, with these keys.
    fn tool(&self, name: &str, keys: &[String], args: &[&str]) -> Output {
        let mut command = self.world.tool(name);
        let program = command.get_program().to_str().unwrap().to_owned();
        command = self.world.inside(self.world.namespace(), &program, &[]);
        command.args(keys).args(args).output().unwrap()
    }

    fn until(&self, what: &str, name: &str, args: &[&str], wanted: &str) {
        self.world.wait_for(what, |_| {
            let output = self.tool(name, &self.client, args);
            String::from_utf8_lossy(&output.stdout).contains(wanted).then_some(())
        });
    }
}

#[test]
fn managers_and_controllers_come_by_tls() {
    let _lock = exclusive();
    let Some(secure) = Secure::start("managers_and_controllers_come_by_tls") else { return };
    let world = &secure.world;
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set-controller", "br0", "pssl:6653:127.0.0.1"]);
    world.ok("ovs-vsctl", &["set-manager", "pssl:6640:127.0.0.1"]);
    secure.until("a manager", "ovs-vsctl", &["--timeout=5", "--db=ssl:127.0.0.1:6640", "show"], "Bridge br0");
    secure.until("a controller", "ovs-ofctl", &["show", "ssl:127.0.0.1:6653"], "dpid:");
    // Who shows no certificate is not let in, and who speaks no TLS neither.
    let lacking: Vec<String> = secure.client[2..].to_vec();
    let nobody = secure.tool("ovs-ofctl", &lacking, &["--timeout=5", "show", "ssl:127.0.0.1:6653"]);
    assert!(!nobody.status.success(), "{nobody:?}");
    let plain = secure.tool("ovs-ofctl", &[], &["--timeout=5", "show", "tcp:127.0.0.1:6653"]);
    assert!(!plain.status.success(), "{plain:?}");
    secure.until("the next controller", "ovs-ofctl", &["show", "ssl:127.0.0.1:6653"], "dpid:");
}

#[test]
fn the_switch_connects_to_a_controller_by_tls() {
    let test = "the_switch_connects_to_a_controller_by_tls";
    let _lock = exclusive();
    let Some(secure) = Secure::start(test) else { return };
    let world = &secure.world;
    let program = world.tool("ovs-testcontroller").get_program().to_str().unwrap().to_owned();
    let mut command = world.inside(world.namespace(), &program, &[]);
    let control = world.folder().join("testcontroller.ctl");
    command.arg(format!("--unixctl={}", control.display())).args(&secure.server).arg("pssl:6653:127.0.0.1");
    let mut controller = Daemon::start("testcontroller", world.folder(), command);
    controller.wait_until("its control socket", || control.exists());
    world.ok("ovs-vsctl", &["add-br", "br0", "--", "set-controller", "br0", "ssl:127.0.0.1:6653"]);
    world.wait_for("a connection to the controller", |world| {
        let connected = world.ok("ovs-vsctl", &["get", "controller", "br0", "is_connected"]);
        (connected.trim() == "true").then_some(())
    });
}
