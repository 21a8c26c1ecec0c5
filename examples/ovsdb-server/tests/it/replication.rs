//! Active-backup replication and relays, with the distribution's server on the other side.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Server, printed, program};

const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until `is` likes the answer.
#[track_caller]
fn wait_for(what: &str, mut ask: impl FnMut() -> String, is: impl Fn(&str) -> bool) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if is(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{what}, but {answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Tools {
    vsctl: PathBuf,
    appctl: PathBuf,
    client: PathBuf,
    peer: PathBuf,
}

impl Tools {
    fn find(test: &str) -> Option<Tools> {
        Some(Tools {
            vsctl: program(test, "ovs-vsctl")?,
            appctl: program(test, "ovs-appctl")?,
            client: program(test, "ovsdb-client")?,
            peer: program(test, "ovsdb-server")?,
        })
    }

    fn vsctl(&self, server: &Server, line: &str) -> String {
        let args: Vec<&str> = line.split(' ').collect();
        printed(&server.vsctl(&self.vsctl, &args), server.dir.path())
    }

    fn appctl(&self, server: &Server, line: &str) -> String {
        let args: Vec<&str> = line.split(' ').collect();
        printed(&server.appctl(&self.appctl, &args), server.dir.path())
    }

    /// All rows of a server's database.
    fn dump(&self, socket: &Path) -> String {
        let mut command = Command::new(&self.client);
        command.args(["-fcsv", "dump", &format!("unix:{}", socket.display()), "Open_vSwitch"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    }
}

/// Makes `backup` (ours, if `None`) the backup of `active`.
fn backup_follows(tools: &Tools, active: Option<&Path>, backup: Option<&Path>) {
    let first = Server::start(active);
    let good = |text: &str| text.ends_with("exit Some(0)");
    assert!(good(&tools.vsctl(&first, "-- init -- add-br br0 -- add-port br0 p1")));
    assert!(good(&tools.vsctl(&first, "-- --id=@q create qos type=x -- set port p1 qos=@q")));
    let from = format!("unix:{}", first.path("db.sock").display());
    let second = Server::start_with(
        backup,
        &[
            &format!("--sync-from={from}"),
            "--sync-exclude-tables=Open_vSwitch:Controller",
            "--no-self-confinement",
        ],
    );
    let status = || tools.appctl(&second, "ovsdb-server/sync-status");
    let expected = format!(
        "state: backup\nreplicating: {from}\ndatabase: Open_vSwitch\nexclude: Open_vSwitch:Controller\nexit Some(0)"
    );
    wait_for("it replicates", status, |text| text == expected);
    let (theirs, mine) = (first.path("db.sock"), second.path("db.sock"));
    assert_eq!(tools.dump(&mine), tools.dump(&theirs));
    // Changes, deletions and garbage collection follow.
    for line in [
        "add-br br1",
        "set bridge br0 other_config:a=b external_ids:c=d",
        "del-port p1",
        "add-port br1 p2 tag=7",
    ] {
        assert!(good(&tools.vsctl(&first, line)), "{line}");
        wait_for(line, || tools.dump(&mine), |text| text == tools.dump(&theirs));
    }
    // Nobody writes to the backup, and who reads sees everything.
    let refused = tools.vsctl(&second, "add-br br2");
    assert!(refused.contains("not allowed") && !good(&refused), "{refused}");
    assert_eq!(tools.vsctl(&second, "list-br"), "br0\nbr1\nexit Some(0)");
    // As an active server it takes writes, and the first one's changes do not come any more.
    assert!(good(&tools.appctl(&second, "ovsdb-server/disconnect-active-ovsdb-server")));
    assert_eq!(status(), "state: active\nexit Some(0)");
    assert!(good(&tools.vsctl(&second, "add-br mine")));
    assert!(good(&tools.vsctl(&first, "add-br theirs")));
    assert_eq!(tools.vsctl(&second, "list-br"), "br0\nbr1\nmine\nexit Some(0)");
    // As a backup again it is what the active server is.
    assert!(good(&tools.appctl(&second, "ovsdb-server/connect-active-ovsdb-server")));
    wait_for("it replicates again", status, |text| text == expected);
    wait_for("the same contents", || tools.dump(&mine), |text| text == tools.dump(&theirs));
    assert_eq!(tools.vsctl(&second, "list-br"), "br0\nbr1\ntheirs\nexit Some(0)");
}

#[test]
fn our_server_backs_up_the_distributions() {
    let Some(tools) = Tools::find("our_server_backs_up_the_distributions") else { return };
    backup_follows(&tools, Some(&tools.peer.clone()), None);
}

#[test]
fn the_distributions_server_backs_up_ours() {
    let Some(tools) = Tools::find("the_distributions_server_backs_up_ours") else { return };
    backup_follows(&tools, None, Some(&tools.peer.clone()));
}

#[test]
fn a_backup_says_what_is_wrong_and_keeps_what_it_has() {
    let Some(tools) = Tools::find("a_backup_says_what_is_wrong_and_keeps_what_it_has") else { return };
    let mut first = Server::start(Some(&tools.peer));
    tools.vsctl(&first, "-- init -- add-br br0");
    let from = format!("unix:{}", first.path("db.sock").display());
    let mut second = Server::start_with(None, &[&format!("--sync-from={from}"), "--active"]);
    let good = |text: &str| text.ends_with("exit Some(0)");
    assert_eq!(tools.appctl(&second, "ovsdb-server/sync-status"), "state: active\nexit Some(0)");
    assert_eq!(
        tools.appctl(&second, "ovsdb-server/get-active-ovsdb-server"),
        format!("{from}\nexit Some(0)")
    );
    assert!(good(&tools.appctl(&second, "ovsdb-server/connect-active-ovsdb-server")));
    let bridges = || tools.vsctl(&second, "list-br");
    wait_for("the bridge", bridges, |text| text == "br0\nexit Some(0)");
    // A table that is excluded stays as it is.
    assert!(
        tools
            .appctl(&second, "ovsdb-server/set-sync-exclude-tables odd")
            .contains("odd: not of the form DB:TABLE")
    );
    assert!(good(&tools.appctl(&second, "ovsdb-server/set-sync-exclude-tables Open_vSwitch:QoS")));
    assert_eq!(
        tools.appctl(&second, "ovsdb-server/get-sync-exclude-tables"),
        "Open_vSwitch:QoS\nexit Some(0)"
    );
    // The active server dies and comes back; nothing is lost meanwhile.
    first.kill();
    let connecting = format!("state: backup\nconnecting: {from}\nexit Some(0)");
    wait_for("the loss", || tools.appctl(&second, "ovsdb-server/sync-status"), |text| text == connecting);
    assert_eq!(tools.vsctl(&second, "list-br"), "br0\nexit Some(0)");
    first.restart(Some(&tools.peer));
    tools.vsctl(&first, "add-br br1");
    wait_for("the new bridge", || tools.vsctl(&second, "list-br"), |text| text.starts_with("br0\nbr1\n"));
    // What came is in the file.
    second.kill();
    second.forget_options();
    second.restart(None);
    assert_eq!(tools.vsctl(&second, "list-br"), "br0\nbr1\nexit Some(0)");
    // A server is not its own backup.
    let own = format!("unix:{}", second.path("db.sock").display());
    assert!(good(&tools.appctl(&second, &format!("ovsdb-server/set-active-ovsdb-server {own}"))));
    assert!(good(&tools.appctl(&second, "ovsdb-server/connect-active-ovsdb-server")));
    let status = || tools.appctl(&second, "ovsdb-server/sync-status");
    wait_for("the reason", status, |text| text.contains("error: the source is this server itself"));
}

/// A relay, killed when dropped.
struct Relay {
    dir: tempfile::TempDir,
    child: Child,
}

impl Relay {
    fn start(server: Option<&Path>, source: &Server) -> Relay {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let child = Command::new(server.unwrap_or(Path::new(env!("CARGO_BIN_EXE_ovsdb-server"))))
            .arg(format!("relay:Open_vSwitch:unix:{}", source.path("db.sock").display()))
            .args([format!("--remote=punix:{}", path("db.sock")), format!("--unixctl={}", path("ctl"))])
            .args(["-vconsole:emer", "--no-self-confinement"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Relay { dir, child }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("db.sock")
    }

    fn transact(&self, client: &Path, operations: &str) -> String {
        let mut command = Command::new(client);
        command.args([
            "--timeout=5",
            "--no-leader-only",
            "transact",
            &format!("unix:{}", self.socket().display()),
        ]);
        printed(&command.arg(format!("[\"Open_vSwitch\",{operations}]")).output().unwrap(), self.dir.path())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const NAMES: &str = r#"{"op":"select","table":"Bridge","where":[],"columns":["name"]}"#;

fn relay_works(tools: &Tools, source: Option<&Path>, relay: Option<&Path>) {
    let mut first = Server::start(source);
    tools.vsctl(&first, "-- init -- add-br br0");
    let relay = Relay::start(relay, &first);
    let names = || relay.transact(&tools.client, NAMES);
    wait_for("the bridge", names, |text| text.contains("br0"));
    assert_eq!(tools.dump(&relay.socket()), tools.dump(&first.path("db.sock")));
    // What is written through the relay is at the source, and visible through the relay with the reply.
    let insert = r#"{"op":"insert","table":"Bridge","row":{"name":"br1"},"uuid-name":"b"},
        {"op":"mutate","table":"Open_vSwitch","where":[],"mutations":[["bridges","insert",["named-uuid","b"]]]}"#;
    let reply = relay.transact(&tools.client, insert);
    assert!(reply.contains("\"count\":1"), "{reply}");
    assert!(names().contains("br1"), "{}", names());
    assert_eq!(tools.vsctl(&first, "list-br"), "br0\nbr1\nexit Some(0)");
    let refused = relay.transact(&tools.client, r#"{"op":"insert","table":"Bridge","row":{"name":"br1"}}"#);
    assert!(refused.contains("error") || refused.contains("[{\"uuid\""), "{refused}");
    // What others write comes too.
    tools.vsctl(&first, "del-br br0");
    wait_for("the deletion", names, |text| !text.contains("br0"));
    // While the source is away the relay still tells what it knows.
    first.kill();
    assert!(names().contains("br1"));
    first.restart(source);
    tools.vsctl(&first, "add-br br2");
    wait_for("the source again", names, |text| text.contains("br2"));
}

#[test]
fn our_relay_in_front_of_the_distributions_server() {
    let Some(tools) = Tools::find("our_relay_in_front_of_the_distributions_server") else { return };
    relay_works(&tools, Some(&tools.peer.clone()), None);
}

#[test]
fn the_distributions_relay_in_front_of_our_server() {
    let Some(tools) = Tools::find("the_distributions_relay_in_front_of_our_server") else { return };
    relay_works(&tools, None, Some(&tools.peer.clone()));
}

/// The databases of a configuration file: one a backup of a server, another a relay in front of one, a third its own.
#[test]
fn a_file_says_what_is_followed() {
    let Some(tools) = Tools::find("a_file_says_what_is_followed") else { return };
    let good = |text: &str| text.ends_with("exit Some(0)");
    let first = Server::start(Some(&tools.peer));
    assert!(good(&tools.vsctl(&first, "-- init -- add-br br0")));
    let from = format!("unix:{}", first.path("db.sock").display());
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config");
    let file = |name: &str| dir.path().join(name).display().to_string();
    let schema = std::fs::read_to_string(crate::support::schema()).unwrap();
    for (name, text) in
        [("backup.db", schema.clone()), ("own.db", r#"{"name":"own","tables":{}}"#.to_owned())]
    {
        let schema: ovs_db::schema::Schema = text.parse().unwrap();
        drop(ovs_db::storage::JournalFile::create(&dir.path().join(name), &schema).unwrap());
    }
    let write = |databases: &str| {
        let remote = file("db.sock");
        let own = file("own.db");
        let text =
            format!(r#"{{"remotes":{{"punix:{remote}":{{}}}},"databases":{{"{own}":null,{databases}}}}}"#);
        std::fs::write(&config, text).unwrap();
    };
    let backup = |is: bool| {
        format!(
            r#""{}":{{"service-model":"active-backup","backup":{is},"source":{{"{from}":{{"inactivity-probe":9000}}}}}}"#,
            file("backup.db")
        )
    };
    write(&backup(true));
    let second = Server::start_without_database(&[&format!("--config-file={}", config.display())]);
    let socket = dir.path().join("db.sock");
    let dump = || tools.dump(&socket);
    wait_for("the contents", dump, |text| text == tools.dump(&first.path("db.sock")));
    let transact = |text: &str| {
        let mut command = Command::new(&tools.client);
        command.args(["transact", &format!("unix:{}", socket.display()), text]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let insert = r#"["Open_vSwitch",{"op":"insert","table":"QoS","row":{"type":"x"}}]"#;
    assert!(transact(insert).contains("not allowed"));
    assert!(!transact(r#"["own",{"op":"comment","comment":"x"}]"#).contains("error"));
    let status = tools.appctl(&second, "ovsdb-server/sync-status");
    assert!(status.contains(&format!("Open_vSwitch:\nstate: backup\nreplicating: {from}\n")), "{status}");
    // It becomes an active server's, with what it has.
    write(&backup(false));
    assert!(good(&tools.appctl(&second, "ovsdb-server/reload")));
    assert!(transact(insert).contains("uuid"));
    assert_ne!(dump(), tools.dump(&first.path("db.sock")));
    // A relay takes its place: writes arrive at the source.
    write(&format!(r#""Open_vSwitch":{{"service-model":"relay","source":{{"{from}":null}}}}"#));
    assert!(good(&tools.appctl(&second, "ovsdb-server/reload")));
    wait_for("the contents again", dump, |text| text == tools.dump(&first.path("db.sock")));
    assert!(transact(insert).contains("uuid"));
    assert!(tools.dump(&first.path("db.sock")).contains("QoS"));
    // What cannot be read changes nothing.
    write(r#""x":{"service-model":"clustered"}"#);
    let refused = tools.appctl(&second, "ovsdb-server/reload");
    assert!(refused.contains("service model \"clustered\" is not supported") && !good(&refused), "{refused}");
    assert_eq!(dump(), tools.dump(&first.path("db.sock")));
}
