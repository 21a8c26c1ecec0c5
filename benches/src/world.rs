//! A switch in a folder and network namespaces of its own, with the distribution's tools to drive it.
//!
//! Namespaces are called `ovst-PID-N`: `cargo xtask clean` removes those whose process is no more.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::{BenchError, Daemon, Programs, Who, run, workspace};

/// Where a switch has its configuration from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// Inside our switch.
    Embedded,
    /// Our `ovsdb-server`, which serves either switch.
    Server,
}

/// See the module's head. Everything ends with the value.
#[derive(Debug)]
pub struct World {
    // In the order in which they end.
    switch: Daemon,
    _database: Option<Daemon>,
    namespaces: Namespaces,
    folder: TempDir,
    programs: Programs,
}

static SERIAL: AtomicU32 = AtomicU32::new(0);

impl World {
    /// Starts a switch on a new database, in a new namespace, and waits until it has taken up its configuration.
    pub fn start(programs: &Programs, who: Who, database: Database) -> Result<Self, BenchError> {
        if !rustix::process::geteuid().is_root() {
            return Err(BenchError::Root);
        }
        let folder = tempfile::Builder::new().prefix("ovst-").tempdir();
        let folder = folder.map_err(BenchError::system("making a folder"))?;
        let namespaces = Namespaces(vec![add_namespace()?]);
        let server = match database {
            Database::Embedded => None,
            Database::Server => Some(start_database(programs, folder.path())?),
        };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &namespaces.0[0]]).arg(programs.switch(who)?);
        command.arg(match database {
            Database::Embedded => format!("--embedded-db={}", folder.path().join("conf.db").display()),
            Database::Server => format!("unix:{}", folder.path().join("db.sock").display()),
        });
        let control = folder.path().join("switch.ctl");
        command.arg(format!("--unixctl={}", control.display()));
        let mut switch = Daemon::start("switch", folder.path(), with_folders(command, folder.path()))?;
        let socket = folder.path().join("db.sock");
        switch.wait_until("its sockets", |_| control.exists() && socket.exists())?;
        let world = Self { switch, _database: server, namespaces, folder, programs: programs.clone() };
        // This returns once the switch has answered its first configuration.
        world.vsctl("set Open_vSwitch . external_ids:ready=yes")?;
        Ok(world)
    }

    /// The folder of sockets, files and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The switch.
    pub fn switch(&mut self) -> &mut Daemon {
        &mut self.switch
    }

    /// The switch's process.
    pub fn pid(&self) -> u32 {
        self.switch.pid()
    }

    /// The switch's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespaces.0[0]
    }

    /// A host behind a veth pair: `port` in the switch's namespace, `eth0` with `address` in a new one, whose name
    /// is returned.
    pub fn add_host(&mut self, port: &str, address: &str) -> Result<String, BenchError> {
        let host = add_namespace()?;
        self.namespaces.0.push(host.clone());
        let here = self.namespace();
        for line in [
            format!("-n {here} link add {port} type veth peer name eth0 netns {host}"),
            format!("-n {here} link set {port} up"),
            format!("-n {host} addr add {address} dev eth0"),
            format!("-n {host} link set eth0 up"),
        ] {
            ip(&line)?;
        }
        Ok(host)
    }

    /// A command in a namespace.
    pub fn inside(&self, namespace: &str, program: &str) -> Command {
        let mut command = with_folders(Command::new("ip"), self.folder());
        command.args(["netns", "exec", namespace, program]);
        command
    }

    /// Runs `ovs-vsctl` with these words.
    pub fn vsctl(&self, words: &str) -> Result<String, BenchError> {
        self.vsctl_words(words.split_whitespace())
    }

    /// The same, with words that may have spaces in them.
    pub fn vsctl_words<'a>(&self, words: impl Iterator<Item = &'a str>) -> Result<String, BenchError> {
        let database = format!("--db=unix:{}", self.folder().join("db.sock").display());
        run(self.tool("ovs-vsctl")?.arg(database).arg("--timeout=30").args(words))
    }

    /// Runs `ovs-ofctl` with these words.
    pub fn ofctl(&self, words: &str) -> Result<String, BenchError> {
        run(self.tool("ovs-ofctl")?.arg("--timeout=120").args(words.split_whitespace()))
    }

    /// Runs `ovs-appctl` with these words.
    pub fn appctl(&self, words: &str) -> Result<String, BenchError> {
        let control = self.folder().join("switch.ctl");
        run(self.tool("ovs-appctl")?.args(["--timeout=60", "-t"]).arg(control).args(words.split_whitespace()))
    }

    fn tool(&self, name: &str) -> Result<Command, BenchError> {
        Ok(with_folders(Command::new(self.programs.find(name)?), self.folder()))
    }
}

/// Names of namespaces that are removed with the value.
#[derive(Debug)]
struct Namespaces(Vec<String>);

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.0 {
            // What cannot be removed is removed by `cargo xtask clean`.
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

/// Runs `ip` with these words.
pub fn ip(words: &str) -> Result<String, BenchError> {
    run(Command::new("ip").args(words.split_whitespace()))
}

/// A namespace with loopback up and without IPv6, whose chatter would be part of every measurement.
fn add_namespace() -> Result<String, BenchError> {
    let name = format!("ovst-{}-b{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
    ip(&format!("netns add {name}"))?;
    ip(&format!("-n {name} link set lo up"))?;
    let quiet = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done";
    run(Command::new("ip").args(["netns", "exec", &name, "sh", "-c", quiet]))?;
    Ok(name)
}

/// Our database server on a new database.
fn start_database(programs: &Programs, folder: &Path) -> Result<Daemon, BenchError> {
    let server =
        programs.ovsdb_server.clone().ok_or_else(|| BenchError::Missing("our ovsdb-server".into()))?;
    let (file, socket): (PathBuf, PathBuf) = (folder.join("conf.db"), folder.join("db.sock"));
    let schema = workspace().join("ovs-db/schema/vswitch.ovsschema");
    run(Command::new(programs.find("ovsdb-tool")?).arg("create").arg(&file).arg(schema))?;
    let mut command = with_folders(Command::new(server), folder);
    command.arg(&file).arg(format!("--remote=punix:{}", socket.display()));
    command.arg(format!("--unixctl={}", folder.join("database.ctl").display()));
    let mut daemon = Daemon::start("database", folder, command)?;
    daemon.wait_until("its socket", |_| socket.exists())?;
    let mut init = with_folders(Command::new(programs.find("ovs-vsctl")?), folder);
    run(init.arg(format!("--db=unix:{}", socket.display())).args(["--no-wait", "init"]))?;
    Ok(daemon)
}

/// Tells a program that everything of it lies in `folder`.
fn with_folders(mut command: Command, folder: &Path) -> Command {
    for name in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"] {
        command.env(name, folder);
    }
    command
}
