//! What peers may send: clients to a server, a server to a client, anybody to a control socket. The first byte chooses.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use ovs_db::client::{Session, SessionConfig, Snapshot, Transaction};
use ovs_db::database::Database;
use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Now, Server, ServerConfig, SessionId};
use ovs_db::unixctl;

const SERVED: &str = r#"{"name":"d","version":"1.0.0","tables":{
 "r":{"isRoot":true,"indexes":[["i"]],"columns":{
   "i":{"type":"integer"},"s":{"type":{"key":"string","min":0,"max":"unlimited"}},
   "m":{"type":{"key":"string","value":"real","min":0,"max":"unlimited"}},
   "l":{"type":{"key":{"type":"uuid","refTable":"l"},"min":0,"max":"unlimited"}}}},
 "l":{"columns":{"w":{"type":{"key":{"type":"uuid","refTable":"r","refType":"weak"},"min":0,"max":2}}}}}}"#;

const COPIED: &str = r#"{"name":"d","tables":{"t":{"columns":{
 "i":{"type":"integer"},"o":{"type":{"key":"string","min":0,"max":1}},
 "s":{"type":{"key":"string","min":0,"max":"unlimited"}},
 "m":{"type":{"key":"string","value":"real","min":0,"max":"unlimited"}}}}}}"#;

/// What `_Server` says about the database.
const SERVER: &str = r#"{"Database":{"12345678-1234-4234-8234-123456789abc":{"initial":{
 "name":"d","model":"clustered","connected":true,"leader":true,"index":3}}}}"#;

/// The messages in a stream, as far as they are good.
fn messages(data: &[u8]) -> impl Iterator<Item = Message> {
    let mut framer = Framer::new(1 << 20);
    framer.push(data);
    std::iter::from_fn(move || Message::from_json(framer.next_message().ok()??).ok())
}

/// A server with two clients. Made once: it is not what is tried here.
static SERVER_READY: LazyLock<(Server, [SessionId; 2])> = LazyLock::new(|| {
    let now = Now::default();
    let mut server = Server::new(ServerConfig::default(), now);
    let schema: Schema = SERVED.parse().expect("a good schema");
    server.add_database(Database::new(Arc::new(schema)), false, now).expect("the first database");
    let sessions = [server.open_session(), server.open_session()];
    (server, sessions)
});

/// Two clients, whose messages come in turn.
fn serve(data: &[u8]) {
    let now = Now::default();
    let mut messages = messages(data).peekable();
    if messages.peek().is_none() {
        return;
    }
    let (mut server, sessions) = SERVER_READY.clone();
    for (i, message) in messages.enumerate() {
        for effect in server.handle(sessions[i % 2], message, now) {
            let _ = effect.into_message();
        }
    }
    for session in sessions {
        server.close_session(session);
    }
}

/// A session that knows the schema and has an empty snapshot. Made once.
static SESSION_READY: LazyLock<Session> = LazyLock::new(|| {
    let config = SessionConfig::new("d").table("t", ["i", "o", "s", "m"]).index("t", ["s", "i"]);
    let mut session = Session::new(config.lock("l").track_changes(true));
    session.connected();
    let empty = r#"[false,"00000000-0000-0000-0000-000000000000",{}]"#;
    let answers = ["{}", r#"{"locked":true}"#, SERVER, COPIED, empty];
    for (id, answer) in (1i64..).zip(answers) {
        let answer: Json = answer.parse().expect("good JSON");
        session.receive(Message::reply(answer, Json::from(id))).expect("a good answer");
    }
    assert!(session.is_synced() && session.has_lock());
    session
});

fn session() -> Session {
    SESSION_READY.clone()
}

/// The content of one update, in each of the forms.
fn update(content: &Json) {
    let mut session = session();
    for method in ["update2", "update", "update2"] {
        let _ = session.receive(Message::notify(method, vec![Json::from("main"), content.clone()]));
    }
    let mut txn = Transaction::new();
    for row in session.rows("t").values() {
        txn.set(row, "s", row.get_string("o"));
        txn.verify(row, "m");
    }
    session.transact(&txn);
    let index = session.snapshot().index("t", &["s", "i"]).expect("the index");
    assert_eq!(index.iter().count(), session.rows("t").len());
    let tracked = session.take_changes();
    assert_eq!(session.snapshot().changes_since(&Snapshot::default()), tracked);
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    match first % 4 {
        0 => serve(data),
        1 => {
            let mut messages = messages(data).peekable();
            if messages.peek().is_none() {
                return;
            }
            let mut session = session();
            for message in messages {
                if session.receive(message).is_err() {
                    session.disconnected();
                    session.connected();
                }
            }
        }
        2 => {
            if let Ok(content) = Json::parse(data) {
                update(&content);
            }
        }
        _ => {
            let mut registry = unixctl::Registry::new("fuzz");
            registry.add("x", "[y]", 1, Some(2), ());
            let mut session = unixctl::Session::default();
            session.push(data);
            while let Ok(Some(call)) = session.next_call(&registry) {
                session.reply(Ok(call.args.join(" ")));
            }
            session.take_output();
        }
    }
});
