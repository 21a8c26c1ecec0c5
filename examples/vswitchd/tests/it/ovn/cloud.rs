//! A small cloud: OVN's databases and compiler, and two chassis that each run a switch and an `ovn-controller`.
//!
//! ```text
//!            northbound ─▶ ovn-northd ─▶ southbound
//!                                          │ unix socket
//!        ┌─────────────────────────────────┴──────────────────────────┐
//!   chassis 0 (namespace)                                      chassis 1 (namespace)
//!   ovn-controller ─▶ br-int ── p1, p3                         ovn-controller ─▶ br-int ── p2, p4
//!                     br-ex  ── outside                                          br-ex
//!                     br-phys 192.168.0.1 ═══════ underlay, a veth pair ════════ br-phys 192.168.0.2
//! ```

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Daemon, Database, Kind, Tools, World, tools};

/// What waits for another try at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// One chassis. Its controller ends before its switch.
struct Chassis {
    controller: Option<Daemon>,
    world: World,
}

/// See the module's head. Everything ends with the value.
pub struct Cloud {
    chassis: Vec<Chassis>,
    _compiler: Daemon,
    _databases: Vec<Daemon>,
    tools: Tools,
    folder: tempfile::TempDir,
}

/// A machine of a tenant: a namespace with `eth0`, behind a port of a chassis.
#[derive(Clone, Debug)]
pub struct Machine {
    chassis: usize,
    namespace: String,
}

impl Cloud {
    /// Starts everything; `None` after having said that the test is skipped.
    pub fn start(test: &str, kind: Kind) -> Option<Self> {
        let tools = tools(test)?;
        for name in ["ovn-northd", "ovn-controller", "ovn-nbctl", "ovn-sbctl"] {
            if tools.find(name).is_none() {
                crate::harness::skip(test, &format!("{name} is not here (cargo xtask peer fetches it)"));
                return None;
            }
        }
        let folder = tempfile::Builder::new().prefix("ovst-ovn-").tempdir().unwrap();
        let databases = ["nb", "sb"].map(|name| start_database(&tools, &folder, name)).into();
        let compiler = start_compiler(&tools, &folder);
        let mut cloud =
            Self { chassis: Vec::new(), _compiler: compiler, _databases: databases, tools, folder };
        for _ in 0..2 {
            cloud.add_chassis(kind);
        }
        cloud.join_underlay();
        for index in 0..2 {
            cloud.start_controller(index);
        }
        Some(cloud)
    }

    fn add_chassis(&mut self, kind: Kind) {
        let database = if kind == Kind::Ours { Database::Ours } else { Database::Peer };
        let world = World::start(&self.tools, kind, database, &[]);
        self.chassis.push(Chassis { controller: None, world });
    }

    /// Joins the chassis by a veth pair, each end a port of a bridge whose local port has the chassis' address.
    fn join_underlay(&self) {
        let [first, second] = [&self.chassis[0].world, &self.chassis[1].world];
        let (a, b) = (first.namespace(), second.namespace());
        run(Command::new("ip")
            .args(["-n", a, "link", "add", "und", "type", "veth"])
            .args(["peer", "name", "und", "netns", b]));
        for (index, world) in [first, second].into_iter().enumerate() {
            let here = world.namespace();
            run(Command::new("ip").args(["-n", here, "link", "set", "und", "up"]));
            world.ok(
                "ovs-vsctl",
                &["add-br", "br-phys", "--", "set", "bridge", "br-phys", "datapath_type=netdev", "--"]
                    .into_iter()
                    .chain(["add-port", "br-phys", "und"])
                    .collect::<Vec<_>>(),
            );
            let address = format!("{}/24", underlay_address(index));
            run(Command::new("ip").args(["-n", here, "addr", "add", &address, "dev", "br-phys"]));
            run(Command::new("ip").args(["-n", here, "link", "set", "br-phys", "up"]));
        }
    }

    fn start_controller(&mut self, index: usize) {
        let south = format!("external_ids:ovn-remote=unix:{}", self.socket("sb").display());
        let chassis = &mut self.chassis[index];
        let world = &chassis.world;
        let name = format!("external_ids:system-id=ch{index}");
        let address = format!("external_ids:ovn-encap-ip={}", underlay_address(index));
        let netdev = "datapath_type=netdev";
        world.ok("ovs-vsctl", &["add-br", "br-ex", "--", "set", "bridge", "br-ex", netdev]);
        world.ok(
            "ovs-vsctl",
            &[
                &["add-br", "br-int", "--", "set", "bridge", "br-int", netdev, "fail-mode=secure", "--"][..],
                &["set", "Open_vSwitch", ".", &name, &south, &address],
                &["external_ids:ovn-encap-type=geneve", "external_ids:ovn-bridge-datapath-type=netdev"],
                &["external_ids:ovn-bridge-mappings=phys:br-ex"],
            ]
            .concat(),
        );
        let program = self.tools.find("ovn-controller").unwrap();
        let database = format!("unix:{}", world.folder().join("db.sock").display());
        let mut command =
            world.inside(world.namespace(), program.to_str().unwrap(), &[&database, "-vconsole:info"]);
        command.env("OVN_RUNDIR", world.folder()).env("OVN_LOGDIR", world.folder());
        chassis.controller = Some(Daemon::start("ovn-controller", world.folder(), command));
    }

    fn socket(&self, database: &str) -> PathBuf {
        self.folder.path().join(format!("{database}.sock"))
    }

    /// The switch of a chassis.
    pub fn world(&self, chassis: usize) -> &World {
        &self.chassis[chassis].world
    }

    /// Runs lines of commands for `ovn-nbctl`, words in single quotes being one.
    pub fn north(&self, lines: &str) -> String {
        let mut out = String::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut command = self.tools.command("ovn-nbctl");
            command.arg(format!("--db=unix:{}", self.socket("nb").display())).arg("--timeout=20");
            out += &succeed(command.args(words(line)), || self.logs());
        }
        out
    }

    /// Waits until both chassis do what the northbound database says.
    pub fn settle(&self) {
        self.north("--wait=hv sync");
    }

    /// A machine behind a port of `br-int` that is the logical port of the same name.
    pub fn machine(
        &mut self,
        chassis: usize,
        port: &str,
        mac: &str,
        address: &str,
        gateway: &str,
    ) -> Machine {
        let world = &mut self.chassis[chassis].world;
        let namespace = world.add_host(port, address);
        let machine = Machine { chassis, namespace };
        for line in [
            format!("link set eth0 address {mac}"),
            "link set eth0 mtu 1400".to_owned(),
            format!("route add default via {gateway}"),
        ] {
            run(Command::new("ip").args(["-n", &machine.namespace]).args(line.split(' ')));
        }
        let world = &self.chassis[chassis].world;
        if world.kind == Kind::Peer {
            // The original leaves the checksums of its hosts unfinished.
            let off = ["-K", "eth0", "tx", "off", "tso", "off", "gso", "off"];
            succeed(&mut world.inside(&machine.namespace, "ethtool", &off), String::new);
        }
        let id = format!("external_ids:iface-id={port}");
        world.ok("ovs-vsctl", &["add-port", "br-int", port, "--", "set", "interface", port, &id]);
        self.north(&format!("wait-until logical_switch_port {port} up=true"));
        machine
    }

    /// A machine outside of all logical networks, on the bridge of a chassis that `phys` is mapped to.
    pub fn outsider(&mut self, chassis: usize, port: &str, address: &str) -> Machine {
        let world = &mut self.chassis[chassis].world;
        let namespace = world.add_host(port, address);
        if world.kind == Kind::Peer {
            let off = ["-K", "eth0", "tx", "off", "tso", "off", "gso", "off"];
            succeed(&mut world.inside(&namespace, "ethtool", &off), String::new);
        }
        world.ok("ovs-vsctl", &["add-port", "br-ex", port]);
        Machine { chassis, namespace }
    }

    /// A command on a machine.
    pub fn on(&self, machine: &Machine, program: &str, args: &[&str]) -> Command {
        self.chassis[machine.chassis].world.inside(&machine.namespace, program, args)
    }

    /// Runs a command on a machine and gives what came of it.
    pub fn try_on(&self, machine: &Machine, program: &str, args: &[&str]) -> Output {
        self.on(machine, program, args).stdin(Stdio::null()).output().unwrap()
    }

    /// Whether a machine gets at least one reply from an address in two seconds.
    pub fn pings(&self, machine: &Machine, more: &[&str], address: &str) -> bool {
        let args = [&["-c", "2", "-i", "0.3", "-W", "1"], more, &[address]].concat();
        self.try_on(machine, "ping", &args).status.success()
    }

    /// Asserts that an address answers, tries being repeated while the switches learn of what was set up.
    #[track_caller]
    pub fn reaches(&self, machine: &Machine, address: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.pings(machine, &[], address) {
            assert!(Instant::now() < deadline, "no reply from {address}{}", self.logs());
        }
    }

    /// Starts a server that greets each client with `name` and prints who came.
    pub fn serve(&self, machine: &Machine, port: u16, name: &str) -> Daemon {
        let port = port.to_string();
        let command = self.on(machine, "python3", &["-u", "-c", include_str!("server.py"), &port, name]);
        let folder = self.world(machine.chassis).folder();
        let mut daemon = Daemon::start(&format!("server-{name}-{port}"), folder, command);
        let log = folder.join(format!("server-{name}-{port}.out"));
        daemon.wait_until("listening", || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("listening"))
        });
        daemon
    }

    /// What a server says to a client, if it can be reached; a lost packet or two do not matter.
    pub fn greeting(&self, machine: &Machine, address: &str, port: u16) -> Option<String> {
        self.ask(machine, address, port, "15")
    }

    /// Whether a server can't be reached: not with the first packet, nor with its repetition.
    pub fn is_kept_from(&self, machine: &Machine, address: &str, port: u16) -> bool {
        self.ask(machine, address, port, "2").is_none()
    }

    fn ask(&self, machine: &Machine, address: &str, port: u16, seconds: &str) -> Option<String> {
        let args = ["-c", include_str!("client.py"), address, &port.to_string(), seconds];
        let output = self.try_on(machine, "python3", &args);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// What the controller of a chassis has printed.
    pub fn controller_log(&self, chassis: usize) -> String {
        self.chassis[chassis].controller.as_ref().map(Daemon::printed).unwrap_or_default()
    }

    /// The ends of the logs, for whoever reads why a test failed.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for (index, chassis) in self.chassis.iter().enumerate() {
            for (name, log) in [
                ("controller", self.controller_log(index)),
                ("flows", chassis.world.appctl(&["dpctl/dump-flows"]).1),
                ("ledger", chassis.world.appctl(&["ledger/show"]).1),
                ("connections", chassis.world.appctl(&["dpctl/dump-conntrack"]).1),
            ] {
                let tail: Vec<&str> = log.lines().rev().take(40).collect();
                let _ = writeln!(text, "\n---- {name} of chassis {index}:");
                text += &tail.into_iter().rev().collect::<Vec<_>>().join("\n");
            }
        }
        text
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        for chassis in &mut self.chassis {
            chassis.controller = None;
        }
    }
}

fn underlay_address(chassis: usize) -> String {
    format!("192.168.0.{}", chassis + 1)
}

fn start_database(tools: &Tools, folder: &tempfile::TempDir, name: &str) -> Daemon {
    let path = |suffix: &str| folder.path().join(format!("{name}.{suffix}"));
    let programs = tools.find("ovn-nbctl").unwrap();
    let schema = programs.with_file_name(format!("../share/ovn/ovn-{name}.ovsschema"));
    run(tools.command("ovsdb-tool").arg("create").arg(path("db")).arg(schema));
    let mut command = tools.command("ovsdb-server");
    command.env("OVS_RUNDIR", folder.path()).arg(path("db"));
    command.arg(format!("--remote=punix:{}", path("sock").display()));
    command.arg(format!("--unixctl={}", path("ctl").display()));
    let mut daemon = Daemon::start(&format!("{name}-server"), folder.path(), command);
    daemon.wait_until("its socket", || path("sock").exists());
    let control = format!("ovn-{name}ctl");
    run(tools.command(&control).arg(format!("--db=unix:{}", path("sock").display())).arg("init"));
    daemon
}

fn start_compiler(tools: &Tools, folder: &tempfile::TempDir) -> Daemon {
    let mut command = tools.command("ovn-northd");
    command.env("OVN_RUNDIR", folder.path());
    for name in ["nb", "sb"] {
        command.arg(format!("--ovn{name}-db=unix:{}", folder.path().join(format!("{name}.sock")).display()));
    }
    Daemon::start("northd", folder.path(), command)
}

/// The words of a line; what stands in single quotes is one.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn run(command: &mut Command) {
    succeed(command, String::new);
}

fn succeed(command: &mut Command, logs: impl Fn() -> String) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {errors}{}", logs());
    String::from_utf8_lossy(&output.stdout).into_owned()
}
