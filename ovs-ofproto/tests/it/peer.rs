//! The distribution's Open vSwitch in dummy mode, as the oracle of traces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where a program of the distribution is: unpacked under the workspace's `target/peer`, else on the path. Without it
/// the test is skipped, but not in CI.
pub fn program(test: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["usr/sbin", "usr/bin"].map(|folder| root.join("target/peer").join(folder));
    let system = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from);
    let found = folders.into_iter().chain(system).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED {test}: no {name}");
        assert!(std::env::var_os("CI").is_none(), "{name} is needed in CI");
    }
    found
}

/// A running peer: its own directory, database and switch; gone when dropped.
pub struct Peer {
    folder: PathBuf,
    appctl: PathBuf,
    ofctl: PathBuf,
    vsctl: PathBuf,
    switch: PathBuf,
}

impl Peer {
    /// Starts one, or says on standard error why not.
    pub fn start(test: &str) -> Option<Self> {
        let [tool, server, switch, appctl, ofctl, vsctl] =
            ["ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-appctl", "ovs-ofctl", "ovs-vsctl"]
                .map(|name| program(test, name));
        let (tool, server, switch) = (tool?, server?, switch?);
        let schema = switch.parent()?.join("../share/openvswitch/vswitch.ovsschema");
        let folder = std::env::temp_dir().join(format!("ofproto-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("folder");
        let peer = Self { folder, appctl: appctl?, ofctl: ofctl?, vsctl: vsctl?, switch };
        let database = peer.folder.join("conf.db");
        let socket = peer.socket();
        peer.must(Command::new(tool).arg("create").arg(&database).arg(schema));
        peer.must(
            Command::new(server)
                .args([
                    "--detach",
                    "--no-chdir",
                    "--pidfile",
                    "--log-file",
                    &format!("--remote=punix:{socket}"),
                ])
                .arg(&database),
        );
        peer.vsctl(&["--no-wait", "init"]);
        peer.restart();
        Some(peer)
    }

    /// Starts the switch, which does not run or has died.
    pub fn restart(&self) {
        let socket = self.socket();
        self.must(Command::new(&self.switch).args([
            "--enable-dummy",
            "--disable-system",
            "--detach",
            "--no-chdir",
            "--pidfile",
            "--log-file",
            &format!("unix:{socket}"),
        ]));
    }

    fn socket(&self) -> String {
        self.folder.join("db.sock").display().to_string()
    }

    fn run(&self, command: &mut Command) -> Output {
        let folder = &self.folder;
        for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, folder);
        }
        command.output().expect("runs")
    }

    fn must(&self, command: &mut Command) -> String {
        let output = self.run(command);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {text}{errors}");
        text
    }

    pub fn vsctl(&self, args: &[&str]) -> String {
        self.must(Command::new(&self.vsctl).arg(format!("--db=unix:{}", self.socket())).args(args))
    }

    /// The client.
    pub fn ofctl(&self) -> &Path {
        &self.ofctl
    }

    /// A folder for sockets.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a flow, in the first of the versions that has words for it, and says which.
    pub fn add_flow(&self, bridge: &str, flow: &str) -> &'static str {
        let target = format!("unix:{}", self.folder.join(format!("{bridge}.mgmt")).display());
        let mut errors = String::new();
        for version in ["OpenFlow13", "OpenFlow10"] {
            let output = self.run(Command::new(&self.ofctl).args(["-O", version, "add-flow", &target, flow]));
            if output.status.success() {
                return version;
            }
            errors.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        panic!("{flow}: {errors}");
    }

    /// Runs the client; gives what it said on standard error.
    pub fn ofctl_says(&self, args: &[&str]) -> String {
        let output = self.run(Command::new(&self.ofctl).args(args));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Runs a command of the switch; an error is part of the text.
    pub fn appctl(&self, args: &[&str]) -> String {
        let output = self.run(Command::new(&self.appctl).args(["-t", "ovs-vswitchd"]).args(args));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text + &String::from_utf8_lossy(&output.stderr)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        for name in ["ovs-vswitchd", "ovsdb-server"] {
            let _ = self.run(Command::new(&self.appctl).args(["-t", name, "exit"]));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
