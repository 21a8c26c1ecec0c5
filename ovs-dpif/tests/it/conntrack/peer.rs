//! The distribution's Open vSwitch in dummy mode: the oracle of connection tracking.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The Ethernet type of a packet that goes through as it is, behind all that came before it.
pub const END: [u8; 2] = [0x88, 0xb5];

/// How long the peer may take for a batch.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a program of the distribution is. Without it the test is skipped, but not in CI.
fn program(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["usr/sbin", "usr/bin"].map(|folder| root.join("target/peer").join(folder));
    let system = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from);
    let found = folders.into_iter().chain(system).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: no {name}");
        assert!(std::env::var_os("CI").is_none(), "{name} is needed in CI");
    }
    found
}

/// A running peer with a bridge of two ports; gone when dropped.
pub struct Peer {
    folder: PathBuf,
    control: UnixStream,
    requests: u64,
    /// How much of each port's capture was read.
    read: [usize; 2],
}

impl Peer {
    /// Starts one with these flows, or says on standard error why not. Its clock stands still.
    pub fn start(name: &str, flows: &str) -> Option<Self> {
        let [tool, server, switch, vsctl, ofctl] =
            ["ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl"].map(program);
        let (tool, server, switch, vsctl, ofctl) = (tool?, server?, switch?, vsctl?, ofctl?);
        let schema = switch.parent()?.join("../share/openvswitch/vswitch.ovsschema");
        let folder = std::env::temp_dir().join(format!("dpif-ct-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let must = |command: &mut Command| {
            for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
                command.env(variable, &folder);
            }
            let output = command.current_dir(&folder).output().unwrap();
            assert!(output.status.success(), "{command:?}: {output:?}");
        };
        let daemon = ["--detach", "--no-chdir", "--pidfile", "--log-file", "-vconsole:off"];
        must(Command::new(tool).arg("create").arg("conf.db").arg(schema));
        must(Command::new(server).args(daemon).args(["--remote=punix:db.sock", "conf.db"]));
        must(Command::new(&vsctl).args(["--db=unix:db.sock", "--no-wait", "init"]));
        must(Command::new(switch).args(daemon).args([
            "--enable-dummy=override",
            "--disable-system",
            "--unixctl=vs.ctl",
            "unix:db.sock",
        ]));
        let bridge = "add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=secure";
        let port = |n| {
            format!(
                "-- add-port br0 p{n} -- set int p{n} type=dummy ofport_request={n} options:tx_pcap=p{n}.pcap"
            )
        };
        let all = format!("{bridge} {} {}", port(1), port(2));
        must(Command::new(&vsctl).arg("--db=unix:db.sock").args(all.split_whitespace()));
        fs::write(folder.join("flows"), flows).unwrap();
        must(Command::new(ofctl).args(["-O", "OpenFlow15", "add-flows", "unix:br0.mgmt", "flows"]));
        let control = UnixStream::connect(folder.join("vs.ctl")).unwrap();
        control.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut peer = Self { folder, control, requests: 0, read: [24; 2] };
        peer.command("time/stop", &[]);
        Some(peer)
    }

    /// Runs a command of the switch.
    pub fn command(&mut self, name: &str, args: &[&str]) -> String {
        self.requests += 1;
        let args: Vec<String> = args.iter().map(|arg| format!("\"{arg}\"")).collect();
        let request =
            format!("{{\"method\":\"{name}\",\"params\":[{}],\"id\":{}}}", args.join(","), self.requests);
        self.control.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut depth, mut quoted, mut escaped) = (String::new(), 0, false, false);
        let mut byte = [0];
        // One object, up to its closing brace.
        loop {
            self.control.read_exact(&mut byte).unwrap();
            let c = char::from(byte[0]);
            answer.push(c);
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '{' if !quoted => depth += 1,
                '}' if !quoted => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let key = if answer.contains("\"error\":null") { "\"result\":\"" } else { "\"error\":\"" };
        let Some(from) = answer.find(key) else { return String::new() };
        let text = &answer[from + key.len()..];
        // Nothing that these commands print has quotation marks.
        text[..text.find('"').unwrap()].replace("\\n", "\n").replace("\\t", "\t")
    }

    /// Gives it packets by a port; returns what comes out of the other one before a last packet that is added, and that.
    pub fn through(&mut self, port: usize, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let end = [&[2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0][..], &END, &[0; 46]].concat();
        // Its queue takes a hundred. Without any, that last one goes alone.
        let chunks = frames.chunks(64).chain(frames.is_empty().then_some(frames));
        for frames in chunks {
            let hex: Vec<String> = frames.iter().chain([&end]).map(|frame| hex(frame)).collect();
            let name = format!("p{port}");
            let mut args = vec![name.as_str()];
            args.extend(hex.iter().map(String::as_str));
            self.command("netdev-dummy/receive", &args);
            out.extend(self.take(3 - port));
        }
        out
    }

    /// Waits until the last packet has come out of a port.
    fn take(&mut self, port: usize) -> Vec<Vec<u8>> {
        let begin = Instant::now();
        let mut frames = Vec::<Vec<u8>>::new();
        while frames.last().is_none_or(|frame| frame[12..14] != END) {
            let seen = &mut self.read[port - 1];
            let mut file = fs::File::open(self.folder.join(format!("p{port}.pcap"))).unwrap();
            let (mut capture, mut at) = (Vec::new(), 0);
            file.seek(SeekFrom::Start(*seen as u64)).unwrap();
            file.read_to_end(&mut capture).unwrap();
            while let Some(header) = capture.get(at..at + 16) {
                let len = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
                let Some(frame) = capture.get(at + 16..at + 16 + len) else { break };
                frames.push(frame.to_vec());
                at += 16 + len;
            }
            *seen += at;
            assert!(begin.elapsed() < PATIENCE, "only {} packets came out of p{port}", frames.len());
        }
        frames
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

impl Drop for Peer {
    fn drop(&mut self) {
        for name in ["ovs-vswitchd", "ovsdb-server"] {
            let pid = fs::read_to_string(self.folder.join(format!("{name}.pid"))).unwrap_or_default();
            let _ = Command::new("kill").arg(pid.trim()).output();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
