//! A switch with its database in a folder and a namespace of their own.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{Daemon, Tools};

/// Whose switch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours.
    Ours,
    /// The distribution's.
    Peer,
}

/// Whose database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// The distribution's ovsdb-server.
    Peer,
    /// Our ovsdb-server.
    Ours,
    /// Inside our switch.
    Embedded,
}

/// Held while a test has namespaces: one such test at a time on the machine.
pub fn exclusive() -> File {
    let path = std::env::temp_dir().join("ovst.lock");
    let file = File::options().create(true).truncate(false).write(true).open(path).unwrap();
    file.lock().unwrap();
    file
}

/// See the module's head. Everything ends with the value.
#[derive(Debug)]
pub struct World {
    tools: Tools,
    folder: tempfile::TempDir,
    namespaces: Vec<String>,
    switch: Option<Daemon>,
    database: Option<Daemon>,
    pub kind: Kind,
}

static SERIAL: AtomicU32 = AtomicU32::new(0);

impl World {
    /// A folder and a namespace, nothing in them yet.
    pub fn empty(tools: &Tools, kind: Kind) -> Self {
        let folder = tempfile::Builder::new().prefix("ovst-").tempdir().unwrap();
        let mut world =
            Self { tools: tools.clone(), folder, namespaces: Vec::new(), switch: None, database: None, kind };
        world.add_namespace();
        world
    }

    /// A running switch on a running database; `options` go to the switch.
    pub fn start(tools: &Tools, kind: Kind, database: Database, options: &[&str]) -> Self {
        let mut world = Self::empty(tools, kind);
        world.start_database(database);
        world.start_switch(database, options);
        world
    }

    /// The folder of sockets, files and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The switch.
    pub fn switch(&mut self) -> &mut Daemon {
        self.switch.as_mut().expect("the switch was started")
    }

    /// Makes a further namespace, with loopback up, and returns its name.
    pub fn add_namespace(&mut self) -> String {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let name = format!("ovst-{}-{serial}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &name]));
        run(Command::new("ip").args(["-n", &name, "link", "set", "lo", "up"]));
        // What the system says of itself over IPv6 would be counted among the test's packets.
        let quiet = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done";
        run(Command::new("ip").args(["netns", "exec", &name, "sh", "-c", quiet]));
        self.namespaces.push(name.clone());
        name
    }

    /// The switch's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespaces[0]
    }

    /// The namespaces of hosts, in the order in which they were made.
    pub fn hosts(&self) -> &[String] {
        &self.namespaces[1..]
    }

    /// A host behind a veth pair: `port` in the switch's namespace, `eth0` with `address` in a new one.
    pub fn add_host(&mut self, port: &str, address: &str) -> String {
        let host = self.add_namespace();
        let here = self.namespace().to_owned();
        run(Command::new("ip").args([
            "-n", &here, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", &host,
        ]));
        run(Command::new("ip").args(["-n", &here, "link", "set", port, "up"]));
        run(Command::new("ip").args(["-n", &host, "addr", "add", address, "dev", "eth0"]));
        run(Command::new("ip").args(["-n", &host, "link", "set", "eth0", "up"]));
        host
    }

    /// A command in a namespace.
    pub fn inside(&self, namespace: &str, program: &str, args: &[&str]) -> Command {
        let mut command = self.environment(Command::new("ip"));
        command.args(["netns", "exec", namespace, program]).args(args);
        command
    }

    /// Starts a database server on a new database.
    pub fn start_database(&mut self, database: Database) {
        let (file, socket) = (self.folder().join("conf.db"), self.folder().join("db.sock"));
        let mut command = match database {
            Database::Embedded => return,
            Database::Peer => {
                run(self.tool("ovsdb-tool").arg("create").arg(&file).arg(self.tools.schema()));
                self.tool("ovsdb-server")
            }
            Database::Ours => {
                let schema =
                    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ovs-db/schema/vswitch.ovsschema");
                run(self.tool("ovsdb-tool").arg("create").arg(&file).arg(schema));
                self.environment(Command::new(ours("ovsdb-server")))
            }
        };
        command.arg(&file).arg(format!("--remote=punix:{}", socket.display()));
        command.arg(format!("--unixctl={}", self.folder().join("ovsdb-server.ctl").display()));
        let mut daemon = Daemon::start("ovsdb-server", self.folder(), command);
        daemon.wait_until("its socket", || socket.exists());
        self.database = Some(daemon);
        if database == Database::Peer || self.kind == Kind::Peer {
            self.ok("ovs-vsctl", &["--no-wait", "init"]);
        }
    }

    /// Starts the switch and waits until it answers.
    pub fn start_switch(&mut self, database: Database, options: &[&str]) {
        let program: PathBuf = match self.kind {
            Kind::Ours => ours("vswitchd"),
            Kind::Peer => self.tools.find("ovs-vswitchd").unwrap(),
        };
        let mut command = self.environment(Command::new("ip"));
        command.args(["netns", "exec", self.namespace()]).arg(program);
        match database {
            Database::Embedded => {
                command.arg(format!("--embedded-db={}", self.folder().join("conf.db").display()))
            }
            _ => command.arg(format!("unix:{}", self.folder().join("db.sock").display())),
        };
        let control = self.control();
        command.arg(format!("--unixctl={}", control.display())).args(options);
        let mut daemon = Daemon::start("switch", self.folder(), command);
        let database = self.folder().join("db.sock");
        daemon.wait_until("its sockets", || control.exists() && database.exists());
        self.switch = Some(daemon);
        // The first configuration is answered when a no-op transaction is.
        self.ok("ovs-vsctl", &["--timeout=20", "set", "Open_vSwitch", ".", "external_ids:ready=yes"]);
    }

    /// Ends the switch as SIGTERM does, and forgets it.
    pub fn stop_switch(&mut self) {
        self.switch = None;
    }

    /// The switch's control socket.
    pub fn control(&self) -> PathBuf {
        self.folder().join("switch.ctl")
    }

    /// One of the distribution's tools, told where everything is.
    pub fn tool(&self, name: &str) -> Command {
        let mut command = self.environment(self.tools.command(name));
        if name == "ovs-vsctl" {
            command.arg(format!("--db=unix:{}", self.folder().join("db.sock").display()));
        }
        command
    }

    fn environment(&self, mut command: Command) -> Command {
        for name in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"] {
            command.env(name, self.folder());
        }
        command
    }

    /// Runs a tool; gives its exit code, standard output and standard error.
    pub fn run(&self, name: &str, args: &[&str]) -> (i32, String, String) {
        let output = self.tool(name).args(args).stdin(Stdio::null()).output().unwrap();
        texts(&output)
    }

    /// Runs a tool that must succeed; gives its standard output.
    pub fn ok(&self, name: &str, args: &[&str]) -> String {
        let (code, out, err) = self.run(name, args);
        assert_eq!(code, 0, "{name} {args:?}: {out}{err}{}", self.log());
        out
    }

    /// Runs an appctl command of the switch; gives its exit code, standard output and standard error.
    pub fn appctl(&self, args: &[&str]) -> (i32, String, String) {
        let control = self.control();
        let mut all = vec!["--timeout=20", "-t", control.to_str().unwrap()];
        all.extend(args);
        self.run("ovs-appctl", &all)
    }

    /// Runs an appctl command that must succeed.
    pub fn appctl_ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.appctl(args);
        assert_eq!(code, 0, "ovs-appctl {args:?}: {out}{err}{}", self.log());
        out
    }

    /// Waits until `ready` holds, for 20 s at most; says whether it came to that.
    pub fn wait_at_most(&self, mut ready: impl FnMut(&Self) -> bool) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if ready(self) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Waits until `ready` gives something; fails with the switch's log.
    pub fn wait_for<T>(&self, what: &str, mut ready: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(value) = ready(self) {
                return value;
            }
            assert!(Instant::now() < deadline, "{what} did not happen{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the switch has printed.
    pub fn printed(&self) -> String {
        self.switch.as_ref().map(Daemon::printed).unwrap_or_default()
    }

    fn log(&self) -> String {
        self.switch.as_ref().map(|s| format!("\n---- switch:\n{}", s.printed())).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What the daemons printed stays to be read.
            let _ = writeln!(std::io::stderr(), "{}", self.log());
        }
        self.switch = None;
        self.database = None;
        for name in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

/// One of our programs, beside this test's own.
pub fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_vswitchd")).with_file_name(name)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {:?}", texts(&output));
}

fn texts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // A program that had to wait for the processor says so, which is no difference between switches.
    let errors = text(&output.stderr);
    let errors = errors.split_inclusive('\n').filter(|line| !line.contains("|timeval|WARN|")).collect();
    (output.status.code().unwrap_or(-1), text(&output.stdout), errors)
}
