//! What a client may send to a database server, and what a damaged disk may give back. The first byte chooses.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ovs_db::database::Database;
use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Now, Server, ServerConfig};
use ovs_db::storage::{Journal, replay};
use ovs_db::value::UuidSource;

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{
 "r":{"isRoot":true,"indexes":[["i"]],"columns":{
   "i":{"type":"integer"},"s":{"type":{"key":"string","min":0,"max":"unlimited"}},
   "m":{"type":{"key":"string","value":"real","min":0,"max":"unlimited"}},
   "l":{"type":{"key":{"type":"uuid","refTable":"l"},"min":0,"max":"unlimited"}}}},
 "l":{"columns":{"w":{"type":{"key":{"type":"uuid","refTable":"r","refType":"weak"},"min":0,"max":2}}}}}}"#;

fn database() -> Database {
    let schema: Schema = SCHEMA.parse().expect("a good schema");
    Database::new(Arc::new(schema))
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    match first % 4 {
        // Text that was read prints to text that reads alike.
        0 => {
            if let Ok(json) = Json::parse(data) {
                // A long real reads back as the integer that it was rounded to, once.
                let text = Json::parse(json.to_string().as_bytes()).expect("own text").to_string();
                assert_eq!(Json::parse(text.as_bytes()).expect("own text").to_string(), text);
            }
        }
        // A stream of messages to a server.
        1 => {
            let mut server = Server::new(ServerConfig::default(), Now::default());
            server.add_database(database(), false, Now::default()).expect("the first database");
            let session = server.open_session();
            let mut framer = Framer::new(1 << 20);
            framer.push(data);
            while let Ok(Some(json)) = framer.next_message() {
                let Ok(message) = Message::from_json(json) else { break };
                server.handle(session, message, Now::default());
            }
            server.close_session(session);
        }
        // A journal's records.
        2 => {
            let mut db = database();
            let mut uuids = UuidSource::new(b"", "fuzz");
            let mut journal = Journal::new(data);
            while let Some(Ok(record)) = journal.next_record() {
                let _ = replay(&mut db, &record, &mut uuids);
            }
            journal.continues();
        }
        // A schema, and one record behind it.
        _ => {
            if let Ok(json) = Json::parse(data)
                && let Ok(schema) = Schema::from_json(&json)
            {
                assert_eq!(Schema::from_json(&schema.to_json()).as_ref(), Ok(&schema));
            }
        }
    }
});
