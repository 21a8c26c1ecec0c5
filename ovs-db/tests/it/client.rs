//! The client against the distribution's `ovsdb-server`.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovs_db::client::{
    Connection, Connector, Event, Mutator, Outcome, SessionConfig, Transaction, TransactionId,
};
use ovs_db::value::Datum;
use ovs_stream::{Address, NoticeLevel, StreamConfig, sleep};

use crate::peer;

/// A few columns of the schema, as a much older server would have it.
pub const SCHEMA: &str = r#"{"name": "Open_vSwitch", "version": "0.1.0", "tables": {
  "Open_vSwitch": {"maxRows": 1, "isRoot": true, "columns": {
    "bridges": {"type": {"key": {"type": "uuid", "refTable": "Bridge"}, "min": 0, "max": "unlimited"}},
    "cur_cfg": {"type": "integer"},
    "next_cfg": {"type": "integer"},
    "external_ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}}},
  "Bridge": {"indexes": [["name"]], "columns": {
    "name": {"type": "string", "mutable": false},
    "fail_mode": {"type": {"key": {"type": "string", "enum": ["set", ["standalone", "secure"]]}, "min": 0, "max": 1}},
    "flood_vlans": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 4095}, "min": 0, "max": 4096}},
    "other_config": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}}}}}"#;

/// A server of that schema, killed when dropped.
pub struct Server {
    pub dir: tempfile::TempDir,
    program: PathBuf,
    child: Option<Child>,
}

impl Server {
    pub fn start(test: &str) -> Option<Server> {
        let program = peer::program(test, "ovsdb-server")?;
        let tool = peer::program(test, "ovsdb-tool")?;
        let dir = tempfile::tempdir().unwrap();
        let schema = dir.path().join("schema");
        std::fs::write(&schema, SCHEMA).unwrap();
        let made = Command::new(tool).arg("create").arg(dir.path().join("db")).arg(schema).status().unwrap();
        assert!(made.success());
        let mut server = Server { dir, program, child: None };
        server.run();
        Some(server)
    }

    pub fn run(&mut self) {
        let child = Command::new(&self.program)
            .arg(self.dir.path().join("db"))
            .arg(format!("--remote=punix:{}", self.dir.path().join("sock").display()))
            .args([
                "--unixctl",
                self.dir.path().join("ctl").to_str().unwrap(),
                "-vconsole:off",
                "-vsyslog:off",
            ])
            .stdin(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn client(&self, config: SessionConfig) -> Client {
        Client::new(config, vec![self.remote()])
    }

    pub fn remote(&self) -> Address {
        Address::Unix(self.dir.path().join("sock"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

pub struct Client {
    pub db: Connection,
    start: Instant,
    pub events: Vec<Event>,
}

impl Client {
    pub fn new(config: SessionConfig, remotes: Vec<Address>) -> Client {
        let start = Instant::now();
        let db = Connection::new(config, remotes, &StreamConfig::default(), start.elapsed());
        Client { db, start, events: Vec::new() }
    }

    pub fn with_connectors(config: SessionConfig, connectors: Vec<Box<dyn Connector>>) -> Client {
        let start = Instant::now();
        let db = Connection::with_connectors(config, connectors, start.elapsed());
        Client { db, start, events: Vec::new() }
    }

    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Polls until `done` gives a value, for at most twenty seconds.
    #[track_caller]
    pub fn until<T>(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Connection, &mut Vec<Event>) -> Option<T>,
    ) -> T {
        let end = self.start.elapsed() + Duration::from_secs(20);
        loop {
            self.events.extend(self.db.poll(self.start.elapsed()));
            if let Some(value) = done(&self.db, &mut self.events) {
                return value;
            }
            let last = &self.events[self.events.len().saturating_sub(12)..];
            assert!(self.start.elapsed() < end, "no {what}; last events: {last:?}");
            sleep(&self.db.waits(), self.start.elapsed(), Some(Duration::from_millis(100))).unwrap();
        }
    }

    pub fn synced(&mut self) {
        self.until("snapshot", |db, _| db.session().is_synced().then_some(()));
    }

    pub fn outcome(&mut self, id: TransactionId) -> Outcome {
        self.until("outcome", |_, events| {
            let at = events.iter().position(|e| matches!(e, Event::Done(i, _) if *i == id))?;
            let Event::Done(_, outcome) = events.remove(at) else { return None };
            Some(outcome)
        })
    }

    pub fn commit(&mut self, txn: &Transaction) -> Outcome {
        let id = self.db.transact(txn);
        self.outcome(id)
    }
}

pub fn config() -> SessionConfig {
    SessionConfig::new("Open_vSwitch")
        .table("Open_vSwitch", ["bridges", "cur_cfg", "next_cfg", "external_ids", "a_column_of_the_future"])
        .table("Bridge", ["name", "fail_mode", "flood_vlans", "other_config"])
        .table("A_Table_Of_The_Future", ["x"])
}

#[test]
fn rows_are_written_watched_and_verified() {
    let Some(server) = Server::start("rows_are_written_watched_and_verified") else { return };
    let (mut a, mut b) = (server.client(config()), server.client(config()));
    a.synced();
    b.synced();

    let mut txn = Transaction::new();
    let bridge = txn.insert("Bridge", [("name", Datum::from("br0")), ("flood_vlans", Datum::set([1, 2]))]);
    let bridges = Datum::set([bridge]);
    let root = txn.insert("Open_vSwitch", [("bridges", bridges), ("a_column_of_the_future", Datum::from(1))]);
    txn.insert("A_Table_Of_The_Future", [("x", Datum::from(1))]);
    txn.increment("Open_vSwitch", root, "next_cfg");
    txn.comment("made by a test");
    let outcome = a.commit(&txn);
    let Outcome::Committed { inserted, incremented: Some(1) } = outcome else { panic!("{outcome:?}") };
    let bridge = inserted[&bridge];
    let row =
        a.db.session().row("Bridge", bridge).expect("the snapshot has it when the outcome comes").clone();
    assert_eq!((row.get_string("name"), row.get_ints("flood_vlans")), ("br0", vec![1, 2]));
    b.until("the row at the other client", |db, _| db.session().row("Bridge", bridge).cloned());

    let mut txn = Transaction::new();
    txn.verify(&row, "flood_vlans");
    txn.set(&row, "fail_mode", "secure");
    txn.mutate("Bridge", bridge, "other_config", Mutator::Insert, Datum::map([("k", "v")]));
    assert!(matches!(a.commit(&txn), Outcome::Committed { .. }));
    let seen = b.until("the change", |db, _| {
        db.session().row("Bridge", bridge).filter(|r| r.get_string("fail_mode") == "secure").cloned()
    });
    assert_eq!(seen.get_map_value("other_config", "k"), Some("v"));

    let mut other = Transaction::new();
    other.update("Bridge", bridge, [("flood_vlans", Datum::set([2, 3]))]);
    assert!(matches!(b.commit(&other), Outcome::Committed { .. }));
    assert_eq!(a.commit(&txn), Outcome::TryAgain, "flood_vlans is not what it was");
    a.until("the other's change", |db, _| {
        (db.session().row("Bridge", bridge)?.get_ints("flood_vlans") == [2, 3]).then_some(())
    });

    let mut bad = Transaction::new();
    bad.update("Bridge", bridge, [("fail_mode", Datum::from("nonsense"))]);
    assert!(matches!(a.commit(&bad), Outcome::Failed { error, .. } if error == "constraint violation"));
}

#[test]
fn a_lock_passes_from_one_client_to_the_next() {
    let Some(server) = Server::start("a_lock_passes_from_one_client_to_the_next") else { return };
    let (mut a, mut b) = (server.client(config().lock("l")), server.client(config().lock("l")));
    a.synced();
    a.until("lock", |db, _| db.session().has_lock().then_some(()));
    b.synced();
    b.until("refusal", |_, events| events.contains(&Event::LockLost).then_some(()));
    let insert = || {
        let mut txn = Transaction::new();
        txn.insert("Open_vSwitch", [("cur_cfg", Datum::from(1))]);
        txn
    };
    assert_eq!(b.commit(&insert()), Outcome::NotLocked);
    assert!(matches!(a.commit(&insert()), Outcome::Committed { .. }));
    drop(a);
    b.until("lock", |db, _| db.session().has_lock().then_some(()));
}

#[test]
fn a_restarted_server_is_found_again() {
    let Some(mut server) = Server::start("a_restarted_server_is_found_again") else { return };
    let mut a = server.client(config());
    a.synced();
    let mut txn = Transaction::new();
    txn.insert("Open_vSwitch", [("cur_cfg", Datum::from(7))]);
    assert!(matches!(a.commit(&txn), Outcome::Committed { .. }));
    server.stop();
    a.until("loss", |db, _| (!db.is_connected()).then_some(()));
    assert_eq!(a.db.session().first("Open_vSwitch").unwrap().get_int("cur_cfg"), 7, "the copy stays");
    assert_eq!(a.commit(&txn), Outcome::Disconnected);
    server.run();
    a.synced();
    let said: Vec<_> = a
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Notice { level, notice, .. } if *level > NoticeLevel::Debug => Some(notice.to_string()),
            _ => None,
        })
        .collect();
    assert!(said.ends_with(&["connecting...".to_string(), "connected".to_string()]), "{said:?}");
}
