//! The distribution's switch on a dummy datapath, as oracle: started by hand in a folder of its own, spoken to over its
//! control socket, killed when dropped.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running switch and its database.
pub struct Switch {
    dir: PathBuf,
    daemons: Vec<Child>,
}

/// Where a program of the distribution is: unpacked under `target/peer`, or installed.
fn program(name: &str) -> Option<PathBuf> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peer/usr");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [peer.join("sbin"), peer.join("bin"), "/usr/sbin".into()];
    folders.into_iter().chain(std::env::split_paths(&path)).map(|dir| dir.join(name)).find(|p| p.exists())
}

impl Switch {
    /// Starts one with a bridge `br0` that has dummy ports `p1` to `p3`, numbered so. `None`, said on standard error, if
    /// there is none; that fails where the environment has `CI`.
    pub fn start(test: &str) -> Option<Self> {
        let names = ["ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl"];
        let found: Vec<_> = names.iter().filter_map(|name| program(name)).collect();
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peer");
        let schema = [peer.join("usr/share"), "/usr/share".into()]
            .map(|share: PathBuf| share.join("openvswitch/vswitch.ovsschema"));
        let schema = schema.into_iter().find(|p| p.exists());
        let ([tool, server, switch, vsctl], Some(schema)) = (&found[..], schema) else {
            assert!(std::env::var_os("CI").is_none(), "no switch");
            eprintln!("SKIPPED {test}: no ovs-vswitchd of the distribution");
            return None;
        };
        let dir = std::env::temp_dir().join(format!("ovs-flow-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let mut this = Self { dir, daemons: Vec::new() };
        let database = this.dir.join("conf.db").display().to_string();
        assert!(
            this.command(tool).args(["create", &database]).arg(schema).status().expect("a tool").success()
        );
        let socket = format!("unix:{}/db.sock", this.dir.display());
        let server = this
            .command(server)
            .args([&format!("--remote=p{socket}"), &database])
            .spawn()
            .expect("a database");
        this.daemons.push(server);
        this.wait_for("db.sock");
        let db = format!("--db={socket}");
        assert!(this.command(vsctl).args([&db, "--no-wait", "init"]).status().expect("a tool").success());
        let switch = this
            .command(switch)
            .args(["--enable-dummy=override", "--disable-system", "--pidfile", "--unixctl=ctl", &socket])
            .spawn()
            .expect("a switch");
        this.daemons.push(switch);
        this.wait_for("ctl");
        let mut vsctl = this.command(vsctl);
        vsctl.args([&db, "--", "add-br", "br0", "--", "set", "bridge", "br0", "datapath-type=dummy"]);
        vsctl.args(["fail-mode=secure", "protocols=[OpenFlow10,OpenFlow13,OpenFlow15]"]);
        for port in ["p1", "p2", "p3"] {
            let number = format!("ofport_request={}", &port[1..]);
            vsctl.args([
                "--",
                "add-port",
                "br0",
                port,
                "--",
                "set",
                "interface",
                port,
                "type=dummy",
                &number,
            ]);
        }
        assert!(vsctl.status().expect("a tool").success());
        Some(this)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for name in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"] {
            command.env(name, &self.dir);
        }
        command.current_dir(&self.dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Waits until a socket of this name takes connections.
    fn wait_for(&self, name: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(self.dir.join(name)).is_err() {
            assert!(Instant::now() < end, "{name} does not come");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The folder of its sockets.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What a command of the switch answers: its text, or its error.
    pub fn ask(&self, method: &str, params: &[&str]) -> Result<String, String> {
        let params: Vec<_> = params.iter().map(|p| format!("{p:?}")).collect();
        let mut stream = UnixStream::connect(self.dir.join("ctl")).expect("a socket");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let request = format!(r#"{{"id":0,"method":"{method}","params":[{}]}}"#, params.join(","));
        stream.write_all(request.as_bytes()).expect("written");
        let mut reply = Vec::new();
        let mut buffer = [0; 8192];
        loop {
            let n = stream.read(&mut buffer).expect("an answer");
            reply.extend(&buffer[..n]);
            let text = String::from_utf8_lossy(&reply);
            if let Some(answer) = answer(&text) {
                return answer;
            }
            assert!(n > 0, "{method}: {text}");
        }
    }
}

/// The string of a whole JSON-RPC answer, from its result or its error.
fn answer(text: &str) -> Option<Result<String, String>> {
    let value = |name: &str| {
        let rest = text.split_once(&format!("\"{name}\":\""))?.1;
        let mut out = String::new();
        let mut chars = rest.chars();
        loop {
            match chars.next()? {
                '"' => return Some(out),
                '\\' => match chars.next()? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    c => out.push(c),
                },
                c => out.push(c),
            }
        }
    };
    value("error").map(Err).or_else(|| value("result").map(Ok))
}

impl Drop for Switch {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
