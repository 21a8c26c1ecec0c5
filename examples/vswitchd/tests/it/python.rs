//! Controllers in Python that nobody here wrote: applications of os-ken, and Faucet.

use std::path::{Path, PathBuf};

use crate::harness::{Daemon, Database, Kind, World, exclusive, skip, tools};

/// Starts an application of os-ken, and its web server as the framework of its own day did. The module of that wants a
/// name that has been dropped since, and its options are known only once it is loaded.
const START: &str = "import eventlet, eventlet.wsgi
eventlet.wsgi.ALREADY_HANDLED = object()
from os_ken.lib import hub
hub.patch()
from os_ken.app import wsgi
from os_ken.base.app_manager import AppManager
plain = AppManager.instantiate_apps
def instantiate(self, *args, **kwargs):
    services = plain(self, *args, **kwargs)
    server = wsgi.start_service(self)
    return services + ([hub.spawn(server)] if server else [])
AppManager.instantiate_apps = instantiate
from os_ken.cmd.manager import main
main()";

/// The Python that has them; without it the test is skipped.
fn python(test: &str) -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peer/venv");
    let python = venv.join("bin/python");
    if !python.exists() || !venv.join("complete").exists() {
        skip(test, "os-ken and Faucet are not here (cargo xtask peer fetches them)");
        return None;
    }
    Some(python)
}

/// A secure bridge `br0` that speaks one version, and hosts on its ports 1, 2 …, given by their addresses.
fn world(test: &str, version: &str, addresses: &[&str]) -> Option<(World, Vec<String>)> {
    let tools = tools(test)?;
    let mut world = World::start(&tools, Kind::Ours, Database::Embedded, &[]);
    let names: Vec<String> = (1..=addresses.len()).map(|n| format!("v{n}")).collect();
    let hosts = names.iter().zip(addresses).map(|(name, address)| world.add_host(name, address)).collect();
    let protocols = format!("protocols={version}");
    let identity = "other_config:datapath-id=0000000000000042";
    world.ok(
        "ovs-vsctl",
        &["add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure", &protocols, identity],
    );
    for (number, name) in (1..).zip(&names) {
        let request = format!("ofport_request={number}");
        world.ok("ovs-vsctl", &["add-port", "br0", name, "--", "set", "interface", name, &request]);
    }
    Some((world, hosts))
}

/// Runs an application in the switch's namespace and waits until the switch is connected to it.
fn application(world: &World, python: &Path, name: &str) -> Daemon {
    let options = ["--ofp-listen-host", "127.0.0.1", "--wsapi-host", "127.0.0.1"];
    let mut args = vec!["-W", "ignore", "-c", START];
    args.extend(options);
    args.push(name);
    let command = world.inside(world.namespace(), python.to_str().unwrap(), &args);
    let daemon = Daemon::start("controller", world.folder(), command);
    connect(world, &daemon);
    daemon
}

fn connect(world: &World, controller: &Daemon) {
    world.ok("ovs-vsctl", &["set-controller", "br0", "tcp:127.0.0.1:6653"]);
    for _ in 0..3 {
        // A Python that starts on a busy machine takes its time.
        let connected = world.wait_at_most(|world| {
            let told = world.ok("ovs-vsctl", &["get", "controller", "br0", "is_connected"]);
            told.trim() == "true"
        });
        if connected {
            return;
        }
    }
    panic!("no connection to the controller:\n{}", controller.printed());
}

fn ping(world: &World, host: &str, to: &str) -> bool {
    world.inside(host, "ping", &["-c", "1", "-W", "1", to]).output().unwrap().status.success()
}

fn reaches(world: &World, controller: &Daemon, host: &str, to: &str) {
    let reached = world.wait_at_most(|world| ping(world, host, to));
    assert!(reached, "{to} is not reached:\n{}", controller.printed());
}

#[test]
fn simple_switches_of_os_ken_learn() {
    const TEST: &str = "simple_switches_of_os_ken_learn";
    let _lock = exclusive();
    let Some(python) = python(TEST) else { return };
    for version in ["13", "14", "15"] {
        let protocol = format!("OpenFlow{version}");
        let Some((world, hosts)) = world(TEST, &protocol, &["10.7.0.1/24", "10.7.0.2/24"]) else { return };
        assert!(!ping(&world, &hosts[0], "10.7.0.2"), "a secure bridge forwards nothing by itself");
        let controller = application(&world, &python, &format!("os_ken.app.simple_switch_{version}"));
        reaches(&world, &controller, &hosts[0], "10.7.0.2");
        let learned = world.wait_at_most(|world| {
            let flows = world.ok("ovs-ofctl", &["-O", &protocol, "dump-flows", "br0"]);
            flows.contains("dl_dst=") && flows.contains("CONTROLLER")
        });
        assert!(learned, "{version}: {}", world.ok("ovs-ofctl", &["-O", &protocol, "dump-flows", "br0"]));
        assert!(!controller.printed().contains("Traceback"), "{version}: {}", controller.printed());
    }
}

#[test]
fn the_rest_router_of_os_ken_routes() {
    const TEST: &str = "the_rest_router_of_os_ken_routes";
    let _lock = exclusive();
    let Some(python) = python(TEST) else { return };
    let Some((world, hosts)) = world(TEST, "OpenFlow13", &["10.1.0.1/24", "10.2.0.1/24"]) else { return };
    let controller = application(&world, &python, "os_ken.app.rest_router");
    for (host, net) in hosts.iter().zip([1, 2]) {
        let gateway = format!("10.{net}.0.254");
        assert!(
            world
                .inside(host, "ip", &["route", "add", "default", "via", &gateway])
                .status()
                .unwrap()
                .success()
        );
        let ask = format!(
            "import urllib.request\n\
             data = b'{{\"address\": \"{gateway}/24\"}}'\n\
             print(urllib.request.urlopen('http://127.0.0.1:8080/router/0000000000000042', data, 5).read())"
        );
        let set = world.wait_at_most(|world| {
            let output =
                world.inside(world.namespace(), python.to_str().unwrap(), &["-c", &ask]).output().unwrap();
            String::from_utf8_lossy(&output.stdout).contains("success")
        });
        assert!(set, "the router takes no address:\n{}", controller.printed());
    }
    reaches(&world, &controller, &hosts[0], "10.1.0.254");
    reaches(&world, &controller, &hosts[0], "10.2.0.1");
    reaches(&world, &controller, &hosts[1], "10.1.0.1");
    assert!(!controller.printed().contains("Traceback"), "{}", controller.printed());
}

const FAUCET: &str = "vlans:
  office: {vid: 100}
  guest: {vid: 200}
acls:
  no-8080:
    - rule: {dl_type: 0x800, nw_proto: 6, tcp_dst: 8080, actions: {allow: 0}}
    - rule: {actions: {allow: 1}}
dps:
  sw1:
    dp_id: 0x42
    hardware: Open vSwitch
    interfaces:
      1: {native_vlan: office, acl_in: no-8080}
      2: {native_vlan: office}
      3: {native_vlan: guest}
      4: {native_vlan: guest}
";

/// Whether a TCP connection to a port of a host is made within a second.
fn connects(world: &World, python: &Path, host: &str, to: &str, port: u16) -> bool {
    let text = format!("import socket; socket.create_connection(('{to}', {port}), 1)");
    world.inside(host, python.to_str().unwrap(), &["-c", &text]).output().unwrap().status.success()
}

#[test]
fn faucet_keeps_vlans_apart_and_filters() {
    const TEST: &str = "faucet_keeps_vlans_apart_and_filters";
    let _lock = exclusive();
    let Some(python) = python(TEST) else { return };
    let addresses = ["10.7.0.1/24", "10.7.0.2/24", "10.7.0.3/24", "10.7.0.4/24"];
    let Some((world, hosts)) = world(TEST, "OpenFlow13", &addresses) else { return };
    let file = |name: &str| world.folder().join(name);
    std::fs::write(file("faucet.yaml"), FAUCET).unwrap();
    let bin = python.parent().unwrap();
    let mut command = world.inside(
        world.namespace(),
        bin.join("faucet").to_str().unwrap(),
        &["--ryu-ofp-listen-host", "127.0.0.1", "--ryu-ofp-tcp-listen-port", "6653"],
    );
    command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default()));
    command.env("FAUCET_CONFIG", file("faucet.yaml")).env("FAUCET_LOG", file("faucet.log"));
    command.env("FAUCET_EXCEPTION_LOG", file("exceptions.log"));
    command.env("FAUCET_EVENT_SOCK", "0").env("FAUCET_PROMETHEUS_PORT", "0");
    let controller = Daemon::start("faucet", world.folder(), command);
    connect(&world, &controller);
    reaches(&world, &controller, &hosts[0], "10.7.0.2");
    reaches(&world, &controller, &hosts[2], "10.7.0.4");
    assert!(!ping(&world, &hosts[0], "10.7.0.3") && !ping(&world, &hosts[3], "10.7.0.2"), "across VLANs");
    let serve = "import socket, threading\n\
                 s = [socket.create_server(('10.7.0.2', p)) for p in (8080, 8081)]\n\
                 print('ready', flush=True)\n\
                 threading.Event().wait()";
    let server = world.inside(&hosts[1], python.to_str().unwrap(), &["-c", serve]);
    let mut server = Daemon::start("server", world.folder(), server);
    let out = file("server.out");
    server
        .wait_until("it listens", || std::fs::read_to_string(&out).is_ok_and(|text| text.contains("ready")));
    assert!(connects(&world, &python, &hosts[0], "10.7.0.2", 8081), "an open port");
    assert!(!connects(&world, &python, &hosts[0], "10.7.0.2", 8080), "the filtered port");
    let exceptions = std::fs::read_to_string(file("exceptions.log")).unwrap_or_default();
    assert_eq!(exceptions, "", "Faucet complains");
    // The switch reports what Faucet reads back: its flows, in the tables that it has named.
    let flows = world.ok("ovs-ofctl", &["-O", "OpenFlow13", "dump-flows", "br0"]);
    assert!(flows.contains("tp_dst=8080"), "{flows}");
}
