//! Programs and directories for the tests.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The path of one of the distribution's programs. Without it the test is skipped with a line on standard error, and
/// fails where `CI` is set.
pub fn program(test: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peer/usr");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = [root.join("sbin"), root.join("bin")]
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{test}: {name} is not installed");
        // The test harness keeps what the macros print; this line must be seen.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {name} is not installed");
    }
    found
}

/// The schema that the project ships.
pub fn schema() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ovs-db/schema/vswitch.ovsschema")
}

/// A server in a directory of its own, killed when dropped.
pub struct Server {
    pub dir: tempfile::TempDir,
    child: Option<Child>,
    options: Vec<String>,
}

impl Server {
    /// Starts `program` (ours, if `None`) on a new database.
    pub fn start(program: Option<&Path>) -> Server {
        Server::start_with(program, &[])
    }

    /// As [`start`](Server::start), with more options.
    pub fn start_with(program: Option<&Path>, options: &[&str]) -> Server {
        let dir = tempfile::tempdir().unwrap();
        let schema: ovs_db::schema::Schema = std::fs::read_to_string(schema()).unwrap().parse().unwrap();
        drop(ovs_db::storage::JournalFile::create(&dir.path().join("conf.db"), &schema).unwrap());
        let mut server =
            Server { dir, child: None, options: options.iter().map(|&o| o.to_owned()).collect() };
        server.restart(program);
        server
    }

    /// Starts ours with nothing but `options`; it may listen on other sockets than a server otherwise does.
    pub fn start_without_database(options: &[&str]) -> Server {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ovsdb-server"))
            .arg(format!("--unixctl={}", dir.path().join("ctl").display()))
            .arg("-vconsole:emer")
            .args(options)
            .env("OVS_RUNDIR", dir.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Server { dir, child: Some(child), options: Vec::new() }
    }

    /// Starts (again) on the database that is there, and waits until the server listens.
    pub fn restart(&mut self, program: Option<&Path>) {
        let ours = Path::new(env!("CARGO_BIN_EXE_ovsdb-server"));
        let child = Command::new(program.unwrap_or(ours))
            .arg(self.path("conf.db"))
            .arg(format!("--remote=punix:{}", self.path("db.sock").display()))
            .arg(format!("--unixctl={}", self.path("ctl").display()))
            .arg("-vconsole:emer")
            .args(&self.options)
            .env("OVS_RUNDIR", self.dir.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.connect();
    }

    /// Starts without options from now on.
    pub fn forget_options(&mut self) {
        self.options.clear();
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Waits for the server to end by itself.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.take()?.wait().ok()?.code()
    }

    /// Connects to the database socket, once it is there.
    pub fn connect(&self) -> UnixStream {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match UnixStream::connect(self.path("db.sock")) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    return stream;
                }
                Err(e) => assert!(Instant::now() < deadline, "no server: {e}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `ovs-vsctl --no-wait` on this server.
    pub fn vsctl(&self, program: &Path, args: &[&str]) -> Output {
        let db = format!("--db=unix:{}", self.path("db.sock").display());
        let mut command = Command::new(program);
        command.args([db.as_str(), "--no-wait", "--timeout=10"]).args(args);
        command.output().unwrap()
    }

    /// Runs `ovs-appctl` on this server.
    pub fn appctl(&self, program: &Path, args: &[&str]) -> Output {
        Command::new(program).arg("-t").arg(self.path("ctl")).arg("-T10").args(args).output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a program printed, with UUIDs and the directory replaced, without the times of what it logs.
pub fn printed(output: &Output, dir: &Path) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = timeless(&String::from_utf8(text).unwrap()).replace(dir.to_str().unwrap(), "DIR");
    let is_uuid = |word: &str| word.parse::<ovs_db::value::Uuid>().is_ok();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        if rest.get(..36).is_some_and(is_uuid) {
            out.push_str("UUID");
            rest = &rest[36..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    format!("{out}exit {:?}", output.status.code())
}

/// Without the times of log lines, and the lines by which a program says that it had to wait for the processor.
fn timeless(text: &str) -> String {
    let lines = text.split_inclusive('\n').filter(|line| !line.contains("|timeval|WARN|"));
    let shown = lines.map(|line| match line.split_once("Z|") {
        Some((stamp, rest)) if stamp.starts_with("20") && stamp.len() == "2026-01-31T12:00:00".len() => {
            rest.split_once('|').map_or(rest, |(_, message)| message)
        }
        _ => line,
    });
    shown.collect()
}
