//! The distribution's switch in a directory of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::rules::Clauses;

/// A running database and switch; both end, and the directory goes, when this is dropped.
pub struct Switch {
    dir: PathBuf,
    children: Vec<Child>,
}

/// What `ofproto/trace` said.
pub struct Trace {
    pub megaflow: String,
    /// Of the rule in table 0, if there was one.
    pub priority: Option<i32>,
}

impl Switch {
    pub fn start(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("ovs-classifier-oracle-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory for the switch");
        let mut switch = Self { dir, children: Vec::new() };
        let (db, socket) = (switch.path("conf.db"), switch.path("db.sock"));
        switch.run("ovsdb-tool", &["create", &db, "/usr/share/openvswitch/vswitch.ovsschema"], "");
        let control = switch.path("db.ctl");
        switch.spawn(
            "ovsdb-server",
            &[&db, &format!("--remote=punix:{socket}"), &format!("--unixctl={control}")],
        );
        switch.wait_for("db.sock");
        switch.vsctl(&["--no-wait", "init"]);
        let control = switch.path("switch.ctl");
        let database = format!("unix:{socket}");
        let options = ["--enable-dummy=override", "--disable-system", &format!("--unixctl={control}")];
        switch.spawn("ovs-vswitchd", &[&[database.as_str()][..], &options[..]].concat());
        switch.wait_for("switch.ctl");
        let bridge = "add-br br0 -- set bridge br0 datapath-type=dummy fail-mode=secure \
             -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 \
             -- add-port br0 p2 -- set interface p2 type=dummy ofport_request=2";
        switch.vsctl(&bridge.split_whitespace().collect::<Vec<_>>());
        switch
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_string_lossy().into_owned()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for variable in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"] {
            command.env(variable, &self.dir);
        }
        command
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.children.push(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")));
    }

    fn wait_for(&self, name: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while !Path::new(&self.path(name)).exists() {
            assert!(Instant::now() < end, "{name} did not appear");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs a tool to its end with this input; its output.
    fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("the tool reads its input");
        drop(stdin);
        let output = child.wait_with_output().expect("the tool ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {errors}\n{input}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn vsctl(&self, arguments: &[&str]) {
        let database = format!("--db=unix:{}", self.path("db.sock"));
        self.run("ovs-vsctl", &[&[database.as_str()][..], arguments].concat(), "");
    }

    /// The fields of table 0 that have tries.
    pub fn set_prefixes(&self, fields: &str) {
        let prefixes = format!("prefixes={fields}");
        let create = ["--", "--id=@f", "create", "Flow_Table", &prefixes, "--", "set", "bridge", "br0"];
        self.vsctl(&[&create[..], &["flow_tables:0=@f"]].concat());
    }

    /// Deletes all rules.
    pub fn clear(&self) {
        self.run("ovs-ofctl", &["del-flows", "br0"], "");
        settle();
    }

    /// Adds rules that drop, in this order.
    pub fn add(&self, rules: &[(i32, String)]) {
        let drop = |(priority, m): &(i32, String)| (*priority, m.clone(), Clauses::new());
        self.add_clauses(&rules.iter().map(drop).collect::<Vec<_>>());
    }

    /// Adds rules that drop or are clauses, in this order.
    pub fn add_clauses(&self, rules: &[(i32, String, Clauses)]) {
        let action = |(id, dimension, dimensions): &(u32, u8, u8)| {
            format!("conjunction({id},{dimension}/{dimensions})")
        };
        let actions = |clauses: &Clauses| match clauses.as_slice() {
            [] => "drop".to_owned(),
            clauses => clauses.iter().map(action).collect::<Vec<_>>().join(","),
        };
        let lines =
            rules.iter().map(|(priority, m, c)| format!("{},actions={}\n", line(*priority, m), actions(c)));
        self.run("ovs-ofctl", &["add-flows", "br0", "-"], &lines.collect::<String>());
    }

    /// Deletes one rule, and waits until it is really gone.
    pub fn delete(&self, priority: i32, matching: &str) {
        self.run("ovs-ofctl", &["--strict", "del-flows", "br0", &line(priority, matching)], "");
        settle();
    }

    pub fn trace(&self, packet: &str) -> Trace {
        let control = self.path("switch.ctl");
        let text = self.run("ovs-appctl", &["-t", &control, "ofproto/trace", "br0", packet], "");
        let megaflow = text.lines().find_map(|line| line.strip_prefix("Megaflow: "));
        let rule = text.lines().find_map(|line| line.strip_prefix(" 0. "));
        let priority = rule
            .and_then(|rule| rule.rsplit_once("priority "))
            .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        Trace { megaflow: megaflow.unwrap_or_else(|| panic!("no megaflow: {text}")).into(), priority }
    }
}

/// Removed rules leave the switch's tables some time after they have become invisible; nothing shows when.
fn settle() {
    std::thread::sleep(Duration::from_millis(60));
}

fn line(priority: i32, matching: &str) -> String {
    if matching.is_empty() {
        format!("priority={priority}")
    } else {
        format!("priority={priority},{matching}")
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
