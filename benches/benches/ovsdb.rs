//! Both database servers over the same kind of socket, in turn: ours and the distribution's.
//!
//! `cargo build --release -p ovsdb-server && cargo bench -p ovs-benches --bench ovsdb [-- SCENARIO…]`. Every scenario
//! is run in turn for each server, several times; the medians and their ratio are printed. Clients look for their
//! answers before they sleep, unless there is `--sleeping`.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that cannot be set up shall stop; it prints"
)]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use ovs_db::json::Json;
use ovs_db::schema::Schema;
use ovs_db::storage::{JournalFile, encode};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{"t":{"isRoot":true,"indexes":[["name"]],"columns":{
    "name":{"type":"string"},"n":{"type":"integer"},
    "ids":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
    "set":{"type":{"key":"integer","min":0,"max":"unlimited"}}}}}}"#;

/// How many changes are made in a round of telling monitors.
const CHANGES: usize = 20;

/// A message may take this long.
const PATIENCE: Duration = Duration::from_mins(2);

/// What it is called, and what it does.
type Scenario = (&'static str, fn(&Bench));

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let Some(bench) = Bench::new() else {
        println!("SKIPPED ovsdb: needs target/release/ovsdb-server and the distribution's ovsdb-server");
        return;
    };
    if !std::env::args().any(|arg| arg == "--bench") {
        // `cargo test --benches` only tries whether it starts: a debug build has nothing to be compared.
        return;
    }
    let scenarios: [Scenario; 7] = [
        ("single", |b| b.compare("inserts one at a time, per second", 7, true, |s| s.inserts(1, 4000))),
        ("pipelined", |b| b.compare("inserts, 32 in flight, per second", 7, true, |s| s.inserts(32, 12_000))),
        ("fanout", |b| b.compare("one change to 500 monitors, ms", 7, false, Server::fan_out)),
        ("burst", |b| b.compare("… while the next ones come, ms", 7, false, Server::burst)),
        ("monitor", Bench::first_monitor),
        ("start", Bench::start),
        ("compact", Bench::compact),
    ];
    for (name, run) in scenarios {
        if chosen.is_empty() || chosen.iter().any(|c| c == name) {
            run(&bench);
        }
    }
}

struct Bench {
    dir: tempfile::TempDir,
    programs: [PathBuf; 2],
}

impl Bench {
    fn new() -> Option<Bench> {
        let exe = std::env::current_exe().ok()?;
        let ours = exe.parent()?.parent()?.join("ovsdb-server");
        let theirs = [Path::new("/usr/sbin/ovsdb-server"), Path::new("target/peer/usr/sbin/ovsdb-server")];
        let theirs = theirs.into_iter().find(|path| path.is_file())?.to_owned();
        let dir = tempfile::tempdir().ok()?;
        ours.is_file().then_some(Bench { dir, programs: [ours, theirs] })
    }

    fn file(&self, name: &str, fill: impl FnOnce(&mut JournalFile)) -> PathBuf {
        let path = self.dir.path().join(name);
        if !path.exists() {
            let schema: Schema = SCHEMA.parse().expect("a schema");
            fill(&mut JournalFile::create(&path, &schema).expect("a database"));
        }
        path
    }

    /// A database of 100,000 rows, in one record each.
    fn large(&self) -> PathBuf {
        self.file("large.db", |file| {
            for i in 0..100_000 {
                file.write(&encode(&record(i)), false).expect("a record");
            }
        })
    }

    fn serve(&self, which: usize, database: &Path) -> Server {
        let copy = self.dir.path().join(format!("{which}.db"));
        std::fs::copy(database, &copy).expect("a copy");
        Server::start(&self.programs[which], &copy, self.dir.path())
    }

    /// Runs a scenario on new servers, in turn, and prints the medians.
    fn compare(&self, what: &str, rounds: usize, more_is_better: bool, run: impl Fn(&mut Server) -> f64) {
        let empty = self.file("empty.db", |_| {});
        let mut servers = [self.serve(0, &empty), self.serve(1, &empty)];
        let mut figures = [Vec::new(), Vec::new()];
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (which, server) in servers.iter_mut().enumerate() {
                let before = server.processor_time();
                figures[which].push(run(server));
                times[which].push(server.processor_time() - before);
            }
        }
        let [ours, theirs] = figures.map(median);
        report(what, ours, theirs, more_is_better);
        let [ours, theirs] = times.map(median);
        report("… processor time of the server in a round, ms", ours, theirs, false);
    }

    fn first_monitor(&self) {
        let large = self.large();
        // Of each server: times, memories, peaks.
        let mut figures: [[Vec<f64>; 3]; 2] = Default::default();
        for _ in 0..3 {
            for (which, [times, memories, peaks]) in figures.iter_mut().enumerate() {
                let server = self.serve(which, &large);
                let mut client = server.connect();
                let before = server.memory("VmRSS");
                let _ = std::fs::write(format!("/proc/{}/clear_refs", server.child.id()), "5");
                let start = Instant::now();
                client.send(r#"{"id":1,"method":"monitor_cond","params":["d","m",{"t":[{}]}]}"#);
                let length = client.receive();
                assert!(length > 10_000_000, "the rows come");
                times.push(start.elapsed().as_secs_f64() * 1e3);
                let peak = server.memory("VmHWM");
                memories.push((peak - before).max(1.0) / 1024.0);
                peaks.push(peak / 1024.0);
            }
        }
        let [ours, theirs] = figures.map(|lists| lists.map(median));
        for (i, what) in
            ["first monitor of 100,000 rows, ms", "… its memory, MiB", "… the server's peak memory, MiB"]
                .into_iter()
                .enumerate()
        {
            report(what, ours[i], theirs[i], false);
        }
    }

    fn start(&self) {
        // Half of it makes rows, half of it changes them.
        let journal = self.file("journal.db", |file| {
            let mut i = 0;
            while file.size() < 100 << 20 {
                let json = if i < 150_000 { record(i) } else { change(i % 150_000, i) };
                file.write(&encode(&json), false).expect("a record");
                i += 1;
            }
        });
        let mut figures = [Vec::new(), Vec::new()];
        for _ in 0..3 {
            for (which, figures) in figures.iter_mut().enumerate() {
                let copy = self.dir.path().join(format!("{which}.db"));
                std::fs::copy(&journal, &copy).expect("a copy");
                let start = Instant::now();
                let server = Server::start(&self.programs[which], &copy, self.dir.path());
                server.connect().call("list_dbs", "[]");
                figures.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        let [ours, theirs] = figures.map(median);
        report("start from a 100 MiB journal, ms", ours, theirs, false);
    }

    /// The longest that another client waits while a database of 100,000 rows is compacted.
    fn compact(&self) {
        let large = self.large();
        let mut figures = [Vec::new(), Vec::new()];
        for _ in 0..3 {
            for (which, figures) in figures.iter_mut().enumerate() {
                let server = self.serve(which, &large);
                let mut client = server.connect();
                let ctl = self.dir.path().join("ctl");
                let mut command = Command::new("ovs-appctl");
                command.arg("-t").arg(&ctl).arg("ovsdb-server/compact").stdout(Stdio::null());
                // On a thread of its own: the command is answered when it is.
                let appctl = std::thread::spawn(move || command.status().expect("ovs-appctl"));
                let mut longest = Duration::ZERO;
                let (start, mut over) = (Instant::now(), None);
                let mut i = 0;
                // The file may still be written after the command is answered.
                while over.is_none_or(|at: Instant| at.elapsed() < Duration::from_millis(1500)) {
                    let before = Instant::now();
                    client.call("transact", &insert(&format!("x{i}")));
                    longest = longest.max(before.elapsed());
                    i += 1;
                    if over.is_none() && appctl.is_finished() {
                        over = Some(Instant::now());
                    }
                    assert!(start.elapsed() < PATIENCE, "compaction ends");
                }
                assert!(appctl.join().is_ok_and(|status| status.success()), "compaction succeeds");
                figures.push(longest.as_secs_f64() * 1e3);
            }
        }
        let [ours, theirs] = figures.map(median);
        report("longest wait of another client during compaction, ms", ours, theirs, false);
    }
}

fn report(what: &str, ours: f64, theirs: f64, more_is_better: bool) {
    let ratio = if more_is_better { ours / theirs } else { theirs / ours };
    println!("{what:<55} ours {ours:>10.1}  theirs {theirs:>10.1}  better by {ratio:.2}");
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn uuid(i: usize) -> String {
    format!("{i:08x}-0000-4000-8000-000000000000")
}

fn record(i: usize) -> Json {
    let text = format!(
        r#"{{"_date":1700000000000,"_is_diff":true,"t":{{"{}":{{"name":"port-{i}","n":{i},"set":["set",[{i},{}]],
        "ids":["map",[["iface-id","lp-{i}"],["attached-mac","00:00:00:{:02x}:{:02x}:{:02x}"],["owner","tenant-{}"]]]}}}}}}"#,
        uuid(i),
        i + 1,
        i >> 16 & 255,
        i >> 8 & 255,
        i & 255,
        i % 100
    );
    text.parse().expect("JSON")
}

fn change(row: usize, i: usize) -> Json {
    let text = format!(
        r#"{{"_date":1700000000000,"_is_diff":true,"t":{{"{}":{{"n":{i},"ids":["map",[["owner","tenant-{i}"]]]}}}}}}"#,
        uuid(row)
    );
    text.parse().expect("JSON")
}

fn insert(name: &str) -> String {
    format!(
        r#"["d",{{"op":"insert","table":"t","row":{{"name":"{name}","n":7,"ids":["map",[["a","b"],["c","d"]]]}}}}]"#
    )
}

/// A server, ended when dropped.
struct Server {
    child: Child,
    socket: PathBuf,
    next: usize,
    monitors: Vec<Client>,
}

impl Server {
    fn start(program: &Path, database: &Path, dir: &Path) -> Server {
        let socket =
            dir.join(format!("{}.sock", database.file_stem().and_then(|s| s.to_str()).unwrap_or("x")));
        let _ = std::fs::remove_file(&socket);
        let ctl = dir.join("ctl");
        let _ = std::fs::remove_file(&ctl);
        let child = Command::new(program)
            .arg(database)
            .arg(format!("--remote=punix:{}", socket.display()))
            .arg(format!("--unixctl={}", ctl.display()))
            .args(["-vconsole:off", "-vsyslog:off"])
            .env("OVS_RUNDIR", dir)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server");
        let server = Server { child, socket, next: 0, monitors: Vec::new() };
        server.connect().call("list_dbs", "[]");
        server
    }

    fn connect(&self) -> Client {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(stream) = UnixStream::connect(&self.socket) {
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                return Client::new(stream);
            }
            assert!(Instant::now() < deadline, "the server listens");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// A figure of the process, in KiB.
    fn memory(&self, what: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0.0)
    }

    /// How long the server's loop has run on a processor, in milliseconds.
    fn processor_time(&self) -> f64 {
        let text =
            std::fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).unwrap_or_default();
        text.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
    }

    /// Inserts `count` rows, `window` of them in flight, and gives how many a second.
    fn inserts(&mut self, window: usize, count: usize) -> f64 {
        let mut client = self.connect();
        let base = self.next;
        self.next += count;
        let start = Instant::now();
        let (mut sent, mut answered) = (0, 0);
        while answered < count {
            let mut batch = String::new();
            while sent < count && sent - answered < window {
                let params = insert(&format!("r{}", base + sent));
                let _ = write!(batch, r#"{{"id":{sent},"method":"transact","params":{params}}}"#);
                sent += 1;
            }
            client.send(&batch);
            let length = client.receive();
            assert!((60..200).contains(&length), "inserted");
            answered += 1;
        }
        count as f64 / start.elapsed().as_secs_f64()
    }

    /// Makes changes, each after 500 monitors know of the one before; gives milliseconds from a change until the last can
    /// read of it. What reading takes them is none of the server's work.
    fn fan_out(&mut self) -> f64 {
        let mut writer = self.watched();
        let mut taken = Duration::ZERO;
        for _ in 0..CHANGES {
            self.next += 1;
            let start = Instant::now();
            writer.send_call("transact", &insert(&format!("r{}", self.next)));
            self.monitors.iter().for_each(Client::await_message);
            taken += start.elapsed();
            for monitor in &mut self.monitors {
                monitor.receive();
            }
            writer.receive();
        }
        taken.as_secs_f64() * 1e3 / CHANGES as f64
    }

    /// Makes changes, each as soon as the one before is answered, and waits until 500 monitors know of all; gives
    /// milliseconds for one.
    fn burst(&mut self) -> f64 {
        let mut writer = self.watched();
        let start = Instant::now();
        for _ in 0..CHANGES {
            self.next += 1;
            writer.call("transact", &insert(&format!("r{}", self.next)));
        }
        for monitor in &mut self.monitors {
            for _ in 0..CHANGES {
                monitor.receive();
            }
        }
        start.elapsed().as_secs_f64() * 1e3 / CHANGES as f64
    }

    /// A client for changes, once there are 500 monitors.
    fn watched(&mut self) -> Client {
        while self.monitors.len() < 500 {
            let mut client = self.connect();
            client.call("monitor_cond", r#"["d","m",{"t":[{}]}]"#);
            self.monitors.push(client);
        }
        self.connect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a client looks for an answer before it sleeps until one comes. What its own waking up takes is none of the
/// server's work; `--sleeping` makes it sleep at once.
const LOOK: Duration = Duration::from_millis(2);

/// Whether clients look before they sleep.
fn looks() -> bool {
    static LOOKS: LazyLock<bool> = LazyLock::new(|| !std::env::args().any(|arg| arg == "--sleeping"));
    *LOOKS
}

/// A connection that finds the ends of messages and does not read what is in them.
struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// What of the buffer is there, and what is scanned.
    filled: usize,
    at: usize,
}

impl Client {
    fn new(stream: UnixStream) -> Client {
        Client { stream, buffer: vec![0; 16 << 10], filled: 0, at: 0 }
    }

    fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("sent");
    }

    fn call(&mut self, method: &str, params: &str) -> usize {
        self.send_call(method, params);
        self.receive()
    }

    fn send_call(&mut self, method: &str, params: &str) {
        self.send(&format!(r#"{{"id":0,"method":"{method}","params":{params}}}"#));
    }

    /// The length of the next message.
    fn receive(&mut self) -> usize {
        let (mut depth, mut quoted, mut escaped, mut length) = (0usize, false, false, 0);
        loop {
            for i in self.at..self.filled {
                let byte = self.buffer[i];
                length += 1;
                if quoted {
                    quoted = escaped || byte != b'"';
                    escaped = !escaped && byte == b'\\';
                    continue;
                }
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            self.at = i + 1;
                            return length;
                        }
                    }
                    _ => {}
                }
            }
            self.at = 0;
            if self.filled == self.buffer.len() && self.buffer.len() < 1 << 18 {
                self.buffer.resize(self.buffer.len() * 4, 0);
            }
            self.filled = self.wait_and_read();
            assert!(self.filled > 0, "the server closed");
        }
    }

    /// Waits until there is something to read.
    fn await_message(&self) {
        let start = Instant::now();
        while recv(&self.stream, &mut [0], RecvFlags::DONTWAIT | RecvFlags::PEEK).is_err() {
            assert!(start.elapsed() < PATIENCE, "a message");
        }
    }

    fn wait_and_read(&mut self) -> usize {
        if looks() {
            let start = Instant::now();
            while start.elapsed() < LOOK {
                match recv(&self.stream, &mut *self.buffer, RecvFlags::DONTWAIT) {
                    Ok((taken, _)) => return taken,
                    Err(Errno::AGAIN) => {}
                    Err(error) => panic!("not received: {error}"),
                }
            }
        }
        self.stream.read(&mut self.buffer).expect("received")
    }
}
