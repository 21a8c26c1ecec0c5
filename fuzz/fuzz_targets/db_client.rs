//! What a server may send to a client, and what anybody may send to a control socket. The first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_db::client::{Session, SessionConfig, Transaction};
use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;
use ovs_db::unixctl;

const SCHEMA: &str = r#"{"name":"d","tables":{"t":{"columns":{
 "i":{"type":"integer"},"o":{"type":{"key":"string","min":0,"max":1}},
 "s":{"type":{"key":"string","min":0,"max":"unlimited"}},
 "m":{"type":{"key":"string","value":"real","min":0,"max":"unlimited"}}}}}}"#;

/// A session that knows the schema and has an empty snapshot.
fn session() -> Session {
    let mut session = Session::new(SessionConfig::new("d").table("t", ["i", "o", "s", "m"]).lock("l"));
    session.connected();
    let empty = r#"[false,"00000000-0000-0000-0000-000000000000",{}]"#;
    for (answer, id) in [(r#"{"locked":true}"#, 1), (SCHEMA, 2), (empty, 3)] {
        let answer: Json = answer.parse().expect("good JSON");
        session.receive(Message::reply(answer, Json::from(id))).expect("a good answer");
    }
    assert!(session.is_synced() && session.has_lock());
    session
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    match first % 3 {
        // A stream of messages to a client.
        0 => {
            let mut session = session();
            let mut framer = Framer::new(1 << 20);
            framer.push(data);
            while let Ok(Some(json)) = framer.next_message() {
                let Ok(message) = Message::from_json(json) else { break };
                if session.receive(message).is_err() {
                    session.disconnected();
                    session.connected();
                }
            }
        }
        // The content of one update, in each of the forms.
        1 => {
            let Ok(content) = Json::parse(data) else { return };
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
        }
        // A stream of requests to a control socket.
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
