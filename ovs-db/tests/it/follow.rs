//! What a client is sent: after a break, under conditions, when the schema changes; and the adapters that wait.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ovs_db::client::{
    AsyncClient, BlockingClient, Clause, ClientError, Condition, Connector, Event, Function, Handover,
    Outcome, Retry, SessionConfig, StreamConnector, Transaction, Transport, TransportError,
};
use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{
    Event as ServerEvent, Listener, ListenerConfig, Now, RelayConfig, Server, ServerConfig,
};
use ovs_db::value::{Datum, Uuid};
use ovs_stream::{Address, StreamConfig, Wait, sleep};

use crate::client::{Client, SCHEMA, Server as Peer, config};
use crate::cluster::Cluster;
use crate::support::json;

const LIMIT: Option<Duration> = Some(Duration::from_secs(20));

/// Our server on a thread, over a socket.
struct Ours {
    dir: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ours {
    fn start() -> Ours {
        Ours::serve(|listener, start| {
            let schema: Schema = SCHEMA.parse().unwrap();
            listener.add_database(Database::new(Arc::new(schema)), None, start).unwrap();
        })
    }

    /// With the databases that `add` adds.
    fn serve(add: impl FnOnce(&mut Listener, Now)) -> Ours {
        let dir = tempfile::tempdir().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let start = Now::default();
        let mut listener =
            Listener::new(Server::new(ServerConfig::default(), start), ListenerConfig::default());
        add(&mut listener, start);
        listener.add_remote(&format!("punix:{}", dir.path().join("sock").display()), start).unwrap();
        let (stopped, began) = (Arc::clone(&stop), Instant::now());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let now = Now { monotonic: began.elapsed(), ..Now::default() };
                listener.poll(now);
                let waits: Vec<Wait<'_>> = listener.waits().collect();
                sleep(&waits, began.elapsed(), Some(Duration::from_millis(20))).unwrap();
            }
        });
        Ours { dir, stop, thread: Some(thread) }
    }

    fn remote(&self) -> Address {
        Address::Unix(self.dir.path().join("sock"))
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// What a server sent, in order.
type Record = Arc<Mutex<Vec<Message>>>;

/// Notes what comes.
struct Recorder(StreamConnector, Record);

impl Connector for Recorder {
    fn name(&self) -> String {
        self.0.name()
    }
    fn wants_probes(&self) -> bool {
        false
    }
    fn connect(&mut self) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(Recording(self.0.connect()?, Arc::clone(&self.1))))
    }
}

struct Recording(Box<dyn Transport>, Record);

impl Transport for Recording {
    fn poll_connect(&mut self) -> Result<bool, TransportError> {
        self.0.poll_connect()
    }
    fn send(&mut self, message: &Message) -> Result<(), TransportError> {
        self.0.send(message)
    }
    fn flush(&mut self) -> Result<(), TransportError> {
        self.0.flush()
    }
    fn receive(&mut self) -> Result<Option<Message>, TransportError> {
        let message = self.0.receive()?;
        self.1.lock().unwrap().extend(message.clone());
        Ok(message)
    }
    fn wait(&self) -> Wait<'_> {
        self.0.wait()
    }
}

fn bridges(client: &mut Client, names: impl Iterator<Item = String>) -> Vec<Uuid> {
    let mut txn = Transaction::new();
    let rows: Vec<Uuid> = names.map(|name| txn.insert("Bridge", [("name", Datum::from(name))])).collect();
    txn.insert("Open_vSwitch", [("bridges", Datum::set(rows.clone()))]);
    match client.commit(&txn) {
        Outcome::Committed { inserted, .. } => rows.iter().map(|row| inserted[row]).collect(),
        other => panic!("{other:?}"),
    }
}

/// A client that drops and comes back after 1,000 changes is sent just those.
fn missed_changes_are_sent(remote: &Address) {
    let record = Record::default();
    let recorder =
        Recorder(StreamConnector::new(remote.clone(), StreamConfig::default()), Arc::clone(&record));
    let mut writer = Client::new(config(), vec![remote.clone()]);
    writer.synced();
    let rows = bridges(&mut writer, (0..3_000).map(|n| format!("br{n}")));
    // The distribution's servers forget transactions that are larger than the rest of the database.
    let mut txn = Transaction::new();
    txn.update("Bridge", rows[2_999], [("fail_mode", Datum::from("secure"))]);
    assert!(matches!(writer.commit(&txn), Outcome::Committed { .. }));
    let mut dropped = Client::with_connectors(config().track_changes(true), vec![Box::new(recorder)]);
    dropped.synced();
    assert_eq!(dropped.db.take_changes().inserted("Bridge").count(), 3_000);

    dropped.db.force_reconnect(dropped.now());
    dropped.db.poll(dropped.now());
    assert!(!dropped.db.is_connected());
    record.lock().unwrap().clear();
    for part in rows[..1_000].chunks(50) {
        let mut txn = Transaction::new();
        for uuid in part {
            txn.update("Bridge", *uuid, [("flood_vlans", Datum::set([1, 2]))]);
        }
        assert!(matches!(writer.commit(&txn), Outcome::Committed { .. }));
    }
    dropped.synced();

    let wire = record.lock().unwrap();
    let contents: Vec<&Json> = wire
        .iter()
        .filter_map(|message| match message {
            Message::Reply { result, .. } if result.as_array().is_some_and(|a| a.len() == 3) => Some(result),
            _ => None,
        })
        .collect();
    let [Json::Array(content)] = contents.as_slice() else { panic!("{} contents", contents.len()) };
    assert_eq!(content[0], Json::from(true), "the server knows where we were");
    let tables = content[2].as_object().unwrap();
    assert_eq!(tables.keys().collect::<Vec<_>>(), ["Bridge"]);
    let sent = tables["Bridge"].as_object().unwrap();
    assert_eq!(sent.len(), 1_000);
    let change = json(r#"{"modify":{"flood_vlans":["set",[1,2]]}}"#);
    for uuid in &rows[..1_000] {
        assert_eq!(sent.get(&uuid.to_string()), Some(&change));
    }
    let changes = dropped.db.take_changes();
    assert_eq!((changes.len(), changes.modified("Bridge").count()), (1_000, 1_000));
    assert_eq!(dropped.db.session().snapshot().changes_since(writer.db.session().snapshot()).len(), 0);
}

#[test]
fn after_a_break_our_server_sends_just_what_was_missed() {
    missed_changes_are_sent(&Ours::start().remote());
}

#[test]
fn after_a_break_a_cluster_sends_just_what_was_missed() {
    let Some(cluster) = Cluster::start("after_a_break_a_cluster_sends_just_what_was_missed", 1) else {
        return;
    };
    missed_changes_are_sent(&cluster.remotes()[0]);
}

fn conditions_change_at_run_time(remote: &Address) {
    let named = |name: &str| Clause::new("name", Function::Equal, name);
    let mut writer = Client::new(config(), vec![remote.clone()]);
    writer.synced();
    let rows = bridges(&mut writer, (0..10).map(|n| format!("br{n}")));
    let config = config().condition("Bridge", named("br3")).track_changes(true);
    let mut reader = Client::new(config.index("Bridge", ["name"]), vec![remote.clone()]);
    reader.synced();
    let have = |client: &Client| -> Vec<String> {
        let index = client.db.session().snapshot().index("Bridge", &["name"]).unwrap();
        index.iter().map(|row| row.get_string("name").to_owned()).collect()
    };
    assert_eq!(have(&reader), ["br3"]);
    let to = |reader: &mut Client, condition: Condition| {
        let number = reader.db.set_condition("Bridge", condition);
        reader.until("the rows", |db, _| db.session().conditions_met(number).then_some(()));
        assert!(reader.events.contains(&Event::ConditionsMet(number)));
        have(reader)
    };
    assert_eq!(to(&mut reader, Condition::any([named("br4"), named("br3")])), ["br3", "br4"]);
    assert_eq!(to(&mut reader, Condition::never()), [""; 0]);
    let uuid = Clause::new("_uuid", Function::Equal, Datum::from(rows[7]));
    assert_eq!(to(&mut reader, uuid.into()), ["br7"]);
    assert_eq!(to(&mut reader, Condition::always()).len(), 10);
    let changes = reader.db.take_changes();
    assert_eq!((changes.inserted("Bridge").count(), changes.inserted("Open_vSwitch").count()), (10, 1));
}

#[test]
fn conditions_change_at_run_time_on_both_servers() {
    conditions_change_at_run_time(&Ours::start().remote());
    if let Some(peer) = Peer::start("conditions_change_at_run_time_on_both_servers") {
        conditions_change_at_run_time(&peer.remote());
    }
}

/// Converts the database while a client follows it.
fn a_conversion_is_followed(remote: &Address) {
    let mut client = Client::new(config(), vec![remote.clone()]);
    client.synced();
    bridges(&mut client, std::iter::once("br0".to_owned()));
    let schema = SCHEMA.replace("0.1.0", "0.2.0").replace(
        "\"cur_cfg\": {\"type\": \"integer\"}",
        "\"cur_cfg\": {\"type\": \"integer\"}, \"a_column_of_the_future\": {\"type\": \"integer\"}",
    );
    let Address::Unix(path) = remote else { panic!() };
    convert(path, &json(&schema));
    client.until("the new schema", |db, _| {
        let session = db.session();
        let new = session.snapshot().has_column("Open_vSwitch", "a_column_of_the_future");
        (session.is_synced() && new).then_some(())
    });
    let connections = client
        .events
        .iter()
        .filter(|e| matches!(e, Event::Notice { notice, .. } if notice.to_string() == "connected"));
    assert_eq!(connections.count(), 1, "{:?}", client.events);
    let root = client.db.session().first("Open_vSwitch").unwrap().uuid();
    let mut txn = Transaction::new();
    txn.update("Open_vSwitch", root, [("a_column_of_the_future", Datum::from(7))]);
    assert!(matches!(client.commit(&txn), Outcome::Committed { .. }));
    assert_eq!(client.db.session().first("Open_vSwitch").unwrap().get_int("a_column_of_the_future"), 7);
}

fn convert(socket: &Path, schema: &Json) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(LIMIT).unwrap();
    let aware = Message::request("set_db_change_aware", vec![Json::from(true)], 1);
    let convert = Message::request("convert", vec![Json::from("Open_vSwitch"), schema.clone()], 2);
    stream.write_all(&[aware.to_bytes(), convert.to_bytes()].concat()).unwrap();
    let mut answer = String::new();
    while !answer.contains("\"id\":2") {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).unwrap();
        answer.push_str(std::str::from_utf8(&chunk[..n]).unwrap());
    }
    assert!(
        answer.ends_with(r#"{"error":null,"id":2,"result":{}}"#) || answer.contains(r#""result":{}"#),
        "{answer}"
    );
}

#[test]
fn a_conversion_is_followed_without_a_new_connection() {
    a_conversion_is_followed(&Ours::start().remote());
    if let Some(peer) = Peer::start("a_conversion_is_followed_without_a_new_connection") {
        a_conversion_is_followed(&peer.remote());
    }
}

#[test]
fn rows_get_the_identity_that_is_chosen() {
    let server = Ours::start();
    let mut client = Client::new(config(), vec![server.remote()]);
    client.synced();
    let chosen: Uuid = "12345678-1234-4234-8234-123456789abc".parse().unwrap();
    let mut txn = Transaction::new();
    let row = txn.insert_as("Open_vSwitch", chosen, [("cur_cfg", Datum::from(3))]);
    let outcome = client.commit(&txn);
    let Outcome::Committed { inserted, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(inserted[&row], chosen);
    assert_eq!(client.db.session().row("Open_vSwitch", chosen).unwrap().get_int("cur_cfg"), 3);
}

/// Two writers add to one number that each has read before: no addition is lost.
#[test]
fn writers_that_meet_try_again() {
    let server = Ours::start();
    let mut clients = [0; 2].map(|_| Client::new(config(), vec![server.remote()]));
    clients[0].synced();
    clients[1].synced();
    bridges(&mut clients[0], std::iter::once("br0".to_owned()));
    for client in &mut clients {
        client.until("the row", |db, _| db.session().first("Open_vSwitch").map(|_| ()));
    }
    let mut tasks = [0; 2].map(|_| {
        Retry::new(|session, txn| {
            let row = session.first("Open_vSwitch").unwrap();
            txn.verify(row, "cur_cfg");
            txn.set(row, "cur_cfg", row.get_int("cur_cfg") + 1);
        })
    });
    let mut done = [0; 2];
    let deadline = Instant::now() + Duration::from_secs(20);
    while done.iter().any(|n| *n < 50) {
        assert!(Instant::now() < deadline, "{done:?}");
        for ((client, task), done) in clients.iter_mut().zip(&mut tasks).zip(&mut done) {
            let events = client.db.poll(client.now());
            if *done < 50
                && let Some(outcome) = task.step(&mut client.db, &events)
            {
                assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
                *done += 1;
            }
        }
    }
    assert!(tasks.iter().map(Retry::attempts).sum::<u64>() >= 100);
    clients[0].until("the sum", |db, _| {
        (db.session().first("Open_vSwitch")?.get_int("cur_cfg") == 100).then_some(())
    });
}

/// A reader that follows `next_cfg` as the switch does.
fn follower(remote: Address, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut db = BlockingClient::new(config(), vec![remote], &StreamConfig::default());
        while !stop.load(Ordering::Relaxed) {
            let behind = db.wait_for(Some(Duration::from_millis(50)), |session| {
                let row = session.first("Open_vSwitch")?;
                (row.get_int("next_cfg") != row.get_int("cur_cfg")).then_some(())
            });
            if behind.is_ok() {
                db.commit_with(LIMIT, |session, txn| {
                    let row = session.first("Open_vSwitch").unwrap();
                    txn.set(row, "cur_cfg", row.get_int("next_cfg"));
                })
                .unwrap();
            }
        }
    })
}

fn assert_send<T: Send>(future: T) -> T {
    future
}

fn rename(session: &ovs_db::client::Session, txn: &mut Transaction) {
    if let Some(row) = session.first("Open_vSwitch") {
        txn.update("Open_vSwitch", row.uuid(), [("external_ids", Datum::map([("k", "v")]))]);
    } else {
        txn.insert("Open_vSwitch", [("cur_cfg", Datum::from(0))]);
    }
}

#[test]
fn a_blocking_client_waits_for_outcomes_and_followers() {
    let server = Ours::start();
    let wanted = || config().lock("l");
    let mut db = BlockingClient::new(wanted(), vec![server.remote()], &StreamConfig::default());
    db.sync(LIMIT).unwrap();
    db.wait_for_lock(LIMIT).unwrap();
    assert!(matches!(db.commit_with(LIMIT, rename), Ok(Outcome::Committed { .. })));
    let short = Some(Duration::from_millis(30));
    let alone = db.commit_and_wait(Handover::OPEN_VSWITCH, short, rename);
    assert_eq!(alone, Err(ClientError::TimedOut), "nobody follows");
    let stop = Arc::new(AtomicBool::new(false));
    let thread = follower(server.remote(), Arc::clone(&stop));
    let outcome = db.commit_and_wait(Handover::OPEN_VSWITCH, LIMIT, rename).unwrap();
    assert!(matches!(outcome, Outcome::Committed { incremented: Some(2), .. }), "{outcome:?}");
    assert!(db.session().first("Open_vSwitch").unwrap().get_int("cur_cfg") >= 2);
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    assert!(!db.take_events().is_empty() && db.take_events().is_empty());

    let mut second = BlockingClient::new(wanted(), vec![server.remote()], &StreamConfig::default());
    assert_eq!(second.wait_for_lock(short), Err(ClientError::TimedOut));
    db.connection().set_lock(None);
    db.poll();
    second.wait_for_lock(LIMIT).unwrap();
    let nowhere = Address::Unix(server.dir.path().join("nothing"));
    let mut lost = BlockingClient::new(config(), vec![nowhere], &StreamConfig::default());
    assert_eq!(lost.sync(short), Err(ClientError::TimedOut));
}

#[test]
fn an_async_client_waits_for_outcomes_and_followers() {
    let server = Ours::start();
    let stop = Arc::new(AtomicBool::new(false));
    let thread = follower(server.remote(), Arc::clone(&stop));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let new = || AsyncClient::new(config(), vec![server.remote()], &StreamConfig::default());
        let (mut a, mut b) = (new(), new());
        a.sync(LIMIT).await.unwrap();
        b.sync(LIMIT).await.unwrap();
        let before = b.session().snapshot().seqno();
        assert!(matches!(a.commit_with(LIMIT, rename).await, Ok(Outcome::Committed { .. })));
        assert!(b.changed(before, LIMIT).await.unwrap() > before);
        let outcome = a.commit_and_wait(Handover::OPEN_VSWITCH, LIMIT, rename).await.unwrap();
        assert!(matches!(outcome, Outcome::Committed { incremented: Some(1), .. }), "{outcome:?}");
        let short = Some(Duration::from_millis(30));
        assert_eq!(a.wait_for(short, |_| None::<()>).await, Err(ClientError::TimedOut));
        // Futures can be dropped, and moved between threads.
        let never = assert_send(b.wait_for(None, |_| None::<()>));
        assert!(tokio::time::timeout(Duration::from_millis(30), never).await.is_err());
        let mut txn = Transaction::new();
        txn.increment("Open_vSwitch", a.session().first("Open_vSwitch").unwrap().uuid(), "next_cfg");
        assert!(matches!(b.commit(&txn, LIMIT).await, Ok(Outcome::Committed { incremented: Some(2), .. })));
    });
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
}

/// A relay of a relay, whose own source is not there: what it has is not the database's contents.
#[test]
fn a_relay_leaves_a_source_that_is_cut_off() {
    let good = Ours::start();
    let nothing = Address::Unix(good.dir.path().join("nothing"));
    let cut_off = Ours::serve(|listener, start| {
        listener.add_relay("Open_vSwitch", RelayConfig::new(vec![nothing]), start).unwrap();
    });
    let began = Instant::now();
    let now = || Now { monotonic: began.elapsed(), ..Now::default() };
    let server = Server::new(ServerConfig::default().seed(*b"relay"), now());
    let mut relay = Listener::new(server, ListenerConfig::default());
    let config = RelayConfig::new(vec![cut_off.remote(), good.remote()]);
    relay.add_relay("Open_vSwitch", config, now()).unwrap();
    let mut errors = Vec::new();
    let status = loop {
        relay.poll(now());
        errors.extend(relay.take_events().into_iter().filter_map(|event| match event {
            ServerEvent::Replica { server, error } => Some((server, error.to_string())),
            _ => None,
        }));
        let status = relay.relay_status("Open_vSwitch").unwrap();
        if !status.following.is_empty() {
            break status;
        }
        assert!(began.elapsed() < LIMIT.unwrap(), "{errors:?}");
        let waits: Vec<Wait<'_>> = relay.waits().collect();
        sleep(&waits, began.elapsed(), Some(Duration::from_millis(20))).unwrap();
    };
    assert_eq!((status.source, status.error), (good.remote().to_string(), None));
    let [(server, error)] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(*server, cut_off.remote().to_string());
    assert!(error.contains("Open_vSwitch"), "{error}");
    let id = relay.server().find("Open_vSwitch").unwrap();
    assert!(relay.server().database(id).unwrap().schema().table_id("Bridge").is_some());
}

#[test]
fn remotes_are_tried_in_turn_until_one_has_the_database() {
    let (one, two) = (Ours::start(), Ours::start());
    let nowhere = Address::Unix(one.dir.path().join("nothing"));
    let config = SessionConfig::new("Another");
    let mut client = Client::new(config, vec![nowhere.clone(), one.remote(), two.remote()]);
    client.until("both refusals", |_, events| {
        let refusals = events.iter().filter(|e| matches!(e, Event::Unusable { .. })).count();
        (refusals == 2).then_some(())
    });
    let mut client = Client::new(self::config(), vec![nowhere, one.remote()]);
    client.synced();
}
