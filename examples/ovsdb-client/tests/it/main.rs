//! The program beside the distribution's: the same commands on the same server.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

mod tls;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const OURS: &str = env!("CARGO_BIN_EXE_ovsdb-client");

/// The path of one of the distribution's programs. Without it the test is skipped with a line on standard error, and
/// fails where `CI` is set.
fn program(test: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peer/usr");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = [root.join("sbin"), root.join("bin")]
        .into_iter()
        .chain(std::env::split_paths(&path).filter(|dir| !dir.ends_with("debug")))
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

fn schema() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ovs-db/schema/vswitch.ovsschema")
}

/// The distribution's server with some rows, and its client; killed when dropped.
struct World {
    dir: tempfile::TempDir,
    client: PathBuf,
    server: Child,
}

const ROWS: &str = r#"["Open_vSwitch",
  {"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br0","external_ids":["map",[["a b","x,y"],["u","é"],["q","<&\">"]]],
     "flood_vlans":["set",[3,4]],"protocols":"OpenFlow10","fail_mode":"secure","ports":["set",[["named-uuid","p"],["named-uuid","r"]]]}},
  {"op":"insert","table":"Port","uuid-name":"p","row":{"name":"p0","tag":7,"interfaces":["named-uuid","i"]}},
  {"op":"insert","table":"Port","uuid-name":"r","row":{"name":"p 1","interfaces":["named-uuid","j"]}},
  {"op":"insert","table":"Interface","uuid-name":"i","row":{"name":"p0"}},
  {"op":"insert","table":"Interface","uuid-name":"j","row":{"name":"p 1","type":"internal"}},
  {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"],"cur_cfg":7}}]"#;

impl World {
    fn new(test: &str) -> Option<World> {
        let (server, client) = (program(test, "ovsdb-server")?, program(test, "ovsdb-client")?);
        let dir = tempfile::tempdir().unwrap();
        let schema: ovs_db::schema::Schema = std::fs::read_to_string(schema()).unwrap().parse().unwrap();
        drop(ovs_db::storage::JournalFile::create(&dir.path().join("db"), &schema).unwrap());
        let server = Command::new(server)
            .arg(dir.path().join("db"))
            .arg(format!("--remote=punix:{}", dir.path().join("db.sock").display()))
            .args(["--unixctl=none", "-vconsole:off", "-vsyslog:off"])
            .env("OVS_RUNDIR", dir.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let world = World { dir, client, server };
        let deadline = Instant::now() + Duration::from_secs(10);
        // The file is there before the server listens on it.
        while std::os::unix::net::UnixStream::connect(world.dir.path().join("db.sock")).is_err() {
            assert!(Instant::now() < deadline, "no server");
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = world.run(Path::new(OURS), &["transact", ROWS]);
        assert!(output.status.success() && !printed(&output).contains("error"), "{output:?}");
        Some(world)
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(["-vconsole:off", "-vsyslog:off"]).args(args).current_dir(self.dir.path());
        command.env("OVS_RUNDIR", self.dir.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, program: &Path, args: &[&str]) -> Output {
        self.command(program, args).output().unwrap()
    }

    /// Runs both, and checks that they say the same.
    #[track_caller]
    fn same(&self, args: &[&str]) -> String {
        let ours = printed(&self.run(Path::new(OURS), args));
        assert_eq!(ours, printed(&self.run(&self.client, args)), "{args:?}");
        ours
    }

    /// As `same`, where the distribution's program has an order of its own for lines.
    #[track_caller]
    fn same_lines(&self, args: &[&str]) {
        let sorted = |program: &Path| {
            let text = printed(&self.run(program, args));
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(Path::new(OURS)), sorted(&self.client), "{args:?}");
    }

    /// Waits until both clients have begun to follow: a tag changes to and fro until each has told of it, and the last
    /// change of it is read away.
    fn begun(&self, clients: &mut [Follower; 2]) {
        let tag = |text: &str| {
            let update = format!(
                r#"["Open_vSwitch",{{"op":"update","table":"Port","where":[["name","==","p 1"]],"row":{{"tag":{text}}}}}]"#
            );
            assert!(self.run(Path::new(OURS), &["transact", &update]).status.success());
        };
        let seen = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Bounded, so that a client that ends early is a failure and no standstill.
                for _ in 0..1000 {
                    if seen.load(Ordering::Relaxed) {
                        return;
                    }
                    tag("3999");
                    tag(r#"["set",[]]"#);
                }
            });
            for client in clients.iter_mut() {
                client.until("3999");
            }
            seen.store(true, Ordering::Relaxed);
        });
        tag("3997");
        for client in clients {
            client.until("3997");
        }
    }

    /// Starts a client and reads its output line by line, as it comes.
    fn follow(&self, program: &Path, args: &[&str]) -> Follower {
        let mut child = self.command(program, args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Follower { child, lines }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

struct Follower {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Follower {
    /// The lines up to the first one that contains `end`.
    fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended after: {text}");
            text += &line;
            if line.contains(end) {
                return text;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn printed(output: &Output) -> String {
    let text = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap();
    format!("{text}exit {:?}", output.status.code())
}

#[test]
fn schemas_and_transactions_print_the_same() {
    let Some(world) = World::new("schemas_and_transactions_print_the_same") else { return };
    for args in [
        &["list-dbs"][..],
        &["get-schema"],
        &["get-schema", "--pretty", "Open_vSwitch"],
        &["get-schema-version", "unix:db.sock"],
        &["get-schema-cksum", "_Server"],
        &["get-schema-cksum", "nodb"],
        &["list-columns", "Open_vSwitch", "nodb"],
        &["transact", "[\"nodb\"]"],
        &["transact", "[]"],
        &["transact", "{}"],
        &["transact"],
        &["query", r#"["Open_vSwitch",{"op":"delete","table":"Port","where":[]}]"#],
        &["query", r#"["Open_vSwitch",{"op":"abort"}]"#],
        &["transact", r#"["Open_vSwitch",{"op":"insert","table":"XX"}]"#],
        &[
            "transact",
            "--pretty",
            r#"["Open_vSwitch",{"op":"select","table":"Port","where":[["name","==","p0"]],"columns":["name","tag","trunks"]}]"#,
        ],
        &["needs-conversion", schema().to_str().unwrap()],
        &["wait", "Open_vSwitch", "connected"],
        &["wait", "nodb", "removed"],
        &["wait", "nodb", "there"],
        &["bogus"],
        &[],
        &["-f", "bogus", "list-dbs"],
        &["list-dbs", "unix:nothing"],
    ] {
        world.same(args);
    }
    for format in ["table", "csv", "list", "html"] {
        world.same_lines(&["list-tables", "-f", format]);
        world.same_lines(&["list-columns", "-f", format, "Open_vSwitch", "SSL"]);
    }
}

#[test]
fn dumps_print_the_same_in_every_format() {
    let Some(world) = World::new("dumps_print_the_same_in_every_format") else { return };
    for format in ["table", "csv", "list", "html", "json"] {
        for data in ["string", "bare", "json"] {
            let options = ["-f", format, "-d", data, "dump"];
            // There the distribution's program makes the whole JSON the target of links, which then lead nowhere.
            if (format, data) != ("html", "json") {
                world.same(&options);
            }
            world.same(
                &[
                    &options[..],
                    &["Open_vSwitch", "Bridge", "name", "external_ids", "ports", "fail_mode", "netflow"],
                ]
                .concat(),
            );
        }
        world.same(&["-f", format, "--no-headings", "dump", "Open_vSwitch", "Port"]);
    }
    world.same(&["--pretty", "-f", "json", "dump", "Open_vSwitch", "Bridge"]);
    world.same(&["--bare", "dump", "Open_vSwitch", "Port", "name", "tag", "_uuid"]);
    world.same(&["--max-column-width=6", "dump", "Open_vSwitch", "Port"]);
    world.same(&["dump", "Open_vSwitch", "Port", "nothing"]);
    world.same(&["dump", "Open_vSwitch", "nothing"]);
}

const SET: &str =
    r#"["Open_vSwitch",{"op":"update","table":"Port","where":[["name","==","p0"]],"row":{"tag":8}}]"#;
const END: &str = r#"["Open_vSwitch",{"op":"mutate","table":"Port","where":[["name","==","p0"]],"mutations":[["trunks","insert",["set",[4095]]]]}]"#;

#[test]
fn monitors_print_the_same() {
    let Some(world) = World::new("monitors_print_the_same") else { return };
    for args in [
        &["monitor", "Port", "name,tag,trunks,!initial"][..],
        &["-f", "csv", "monitor", "Open_vSwitch", "Port", "name,!initial", "tag,trunks,!initial"],
        &["-f", "json", "monitor", "Port", "name,tag,trunks,!initial"],
        &["-f", "html", "monitor", "Port", "name,tag,trunks,interfaces,!initial"],
        &["-f", "list", "-d", "json", "monitor", "Port", "name,tag,trunks,!initial"],
        &["--bare", "monitor", "Port", "name,tag,trunks,!initial"],
        &["monitor", "Port", "name,tag,trunks,!initial,!insert,!delete"],
        &["monitor-cond", r#"[["name","==","p0"]]"#, "Port", "name,tag,trunks"],
        &["monitor-cond", "Open_vSwitch", "[true]", "Port", "tag,trunks,!initial"],
        &["monitor-cond-since", r#"[["name","==","p0"]]"#, "Port", "name,tag,trunks"],
    ] {
        // Both have begun when both have told the contents; where those are not asked for, when a change comes through.
        let mut clients = [world.follow(Path::new(OURS), args), world.follow(&world.client, args)];
        let initial = if args.iter().any(|arg| arg.contains("!initial")) { None } else { Some("initial") };
        let mut texts = [String::new(), String::new()];
        if let Some(word) = initial {
            for (client, text) in clients.iter_mut().zip(&mut texts) {
                *text += &client.until(word);
            }
        } else {
            world.begun(&mut clients);
        }
        for text in [SET, END] {
            assert!(world.run(Path::new(OURS), &["transact", text]).status.success());
        }
        for (client, text) in clients.iter_mut().zip(&mut texts) {
            *text += &client.until("4095");
        }
        assert_eq!(texts[0], texts[1], "{args:?}");
        let undo = r#"["Open_vSwitch",{"op":"update","table":"Port","where":[["name","==","p0"]],"row":{"tag":7,"trunks":["set",[]]}}]"#;
        assert!(world.run(Path::new(OURS), &["transact", undo]).status.success());
    }
    for args in [
        &["monitor", "Port", "name,name"][..],
        &["monitor", "Port", "nothing"],
        &["monitor", "Port", "!nothing"],
        &["monitor"],
        &["monitor-cond", "[]"],
    ] {
        world.same(args);
    }
}

#[test]
fn locks_pass_from_client_to_client() {
    let Some(world) = World::new("locks_pass_from_client_to_client") else { return };
    let ours = Path::new(OURS);
    for holder in [ours, &world.client] {
        let mut first = world.follow(holder, &["lock", "l"]);
        assert_eq!(first.until("locked"), "{\"locked\":true}\n");
        let mut second = world.follow(ours, &["lock", "l"]);
        let mut peer = world.follow(&world.client, &["lock", "m"]);
        assert_eq!(peer.until("locked"), "{\"locked\":true}\n");
        assert_eq!(second.until("locked"), "{\"locked\":false}\n");
        drop(first);
        assert!(second.until("locked").contains("\"method\":\"locked\""));
        let mut thief = world.follow(ours, &["steal", "l"]);
        assert_eq!(thief.until("locked"), "{\"locked\":true}\n");
        assert!(second.until("stolen").contains("\"params\":[\"l\"]"));
    }
}

#[test]
fn backups_are_restored_by_either_client() {
    let Some(world) = World::new("backups_are_restored_by_either_client") else { return };
    let ours = Path::new(OURS);
    let dump = ["dump", "Open_vSwitch", "Port", "name", "tag", "trunks", "external_ids"];
    let before = world.same(&dump);
    for (writer, reader) in [(ours, world.client.as_path()), (&world.client, ours), (ours, ours)] {
        let backup = world.run(writer, &["backup"]);
        assert!(backup.status.success());
        std::fs::write(world.dir.path().join("snapshot"), &backup.stdout).unwrap();
        assert!(world.run(ours, &["transact", SET]).status.success());
        assert_ne!(world.same(&dump), before);
        let snapshot = std::fs::File::open(world.dir.path().join("snapshot")).unwrap();
        let restored = world.command(reader, &["restore"]).stdin(snapshot).output().unwrap();
        assert!(restored.status.success(), "{restored:?}");
        assert_eq!(world.same(&dump), before);
    }
    let empty = world.run(ours, &["restore"]);
    assert!(printed(&empty).contains("no database file") && !empty.status.success());
}

#[test]
fn schemas_are_converted_on_line() {
    let Some(world) = World::new("schemas_are_converted_on_line") else { return };
    let text = std::fs::read_to_string(schema()).unwrap();
    let other = world.dir.path().join("other.ovsschema");
    std::fs::write(&other, text.replacen("\"version\": \"8", "\"version\": \"9", 1)).unwrap();
    let other = other.to_str().unwrap();
    assert_eq!(world.same(&["needs-conversion", other]), "yes\nexit Some(0)");
    assert_eq!(printed(&world.run(Path::new(OURS), &["convert", other])), "exit Some(0)");
    assert_eq!(world.same(&["needs-conversion", other]), "no\nexit Some(0)");
    assert!(world.same(&["get-schema-version"]).starts_with('9'));
}

/// A server that gives everybody the same answer and then waits.
fn answering(path: &Path, answer: &'static [u8]) {
    use std::io::Read as _;
    let listener = std::os::unix::net::UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer);
                let _ = stream.read(&mut [0; 4096]);
            });
        }
    });
}

/// A server that lies, stops or never answers: each command ends with an error.
#[test]
fn hostile_servers_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let silent = [&b"[[[["[..], b""];
    let answers = [
        &b"garbage"[..],
        b"{\"id\":1,\"result\":7,\"error\":null}",
        b"{\"id\":1,\"result\":null,\"error\":{\"error\":\"no\"}}",
        b"{\"id\":1,\"result\":[\"Open_vSwitch\"],\"error\":null}{\"id\":2,\"result\":{\"name\":1},\"error\":null}",
        b"{\"id\":1,\"result\":[[[\"Open_vSwitch\"]]],\"error\":null}",
    ];
    let mut running = Vec::new();
    for (n, answer) in answers.into_iter().chain(silent).enumerate() {
        let path = dir.path().join(format!("s{n}"));
        answering(&path, answer);
        // Where nothing will come, there is nothing to wait for but the limit. All wait together.
        let limit = if silent.contains(&answer) { "-t1" } else { "-t10" };
        for command in [&["list-dbs"][..], &["get-schema"], &["dump"], &["monitor", "Port"]] {
            let (name, rest) = command.split_first().unwrap();
            let mut program = Command::new(OURS);
            program.args([limit, name, &format!("unix:{}", path.display())]).args(rest);
            program.stdout(Stdio::piped()).stderr(Stdio::piped());
            running.push((n, *name, program.spawn().unwrap()));
        }
    }
    for (n, name, child) in running {
        let output = child.wait_with_output().unwrap();
        let text = printed(&output);
        let fine = name == "list-dbs" && n == 3;
        assert!(
            fine || (output.status.code() == Some(1) && text.starts_with("ovsdb-client: ")),
            "{n} {name}: {text}"
        );
    }
}
