//! Schemas, conversions between them, and conditions and mutations on a fixed one. The first byte chooses.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Now, Server, ServerConfig, SessionId};

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{"t":{"isRoot":true,"columns":{
   "i":{"type":"integer"},"r":{"type":"real"},"b":{"type":"boolean"},"s":{"type":"string"},
   "oi":{"type":{"key":{"type":"integer","minInteger":-5,"maxInteger":5},"min":0,"max":1}},
   "set":{"type":{"key":"integer","min":0,"max":"unlimited"}},
   "e":{"type":{"key":{"type":"string","enum":["set",["","a","b"]]},"min":0,"max":2}},
   "m":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}},
   "u":{"type":{"key":{"type":"uuid","refTable":"t","refType":"weak"},"min":0,"max":"unlimited"}}}}}}"#;

const ROWS: &str = r#"["d",
   {"op":"insert","table":"t","uuid":"00000000-0000-4000-8000-000000000001","row":{"i":1,"r":0.5,"set":["set",[1,2]]}},
   {"op":"insert","table":"t","uuid":"00000000-0000-4000-8000-000000000002","row":{"s":"x","oi":3,"m":["map",[["a",1]]]}}]"#;

fn params(text: &str) -> Vec<Json> {
    match text.parse() {
        Ok(Json::Array(params)) => params,
        _ => unreachable!("good JSON"),
    }
}

/// A server with some rows, and a client. Made once: it is not what is tried here.
static READY: LazyLock<(Server, SessionId)> = LazyLock::new(|| {
    let now = Now::default();
    let mut server = Server::new(ServerConfig::default(), now);
    let schema: Schema = SCHEMA.parse().expect("a good schema");
    server.add_database(Database::new(Arc::new(schema)), false, now).expect("the first database");
    let session = server.open_session();
    server.handle(session, Message::request("set_db_change_aware", vec![Json::from(true)], 0), now);
    server.handle(session, Message::request("transact", params(ROWS), 1), now);
    (server, session)
});

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let Ok(json) = Json::parse(data) else { return };
    if first % 3 == 0 {
        if let Ok(schema) = Schema::from_json(&json) {
            assert_eq!(Schema::from_json(&schema.to_json()).as_ref(), Ok(&schema));
        }
        return;
    }
    let (mut server, session) = READY.clone();
    let now = Now::default();
    let object = |members: [(&str, Json); 4]| Json::object(members);
    let calls: Vec<(&str, Vec<Json>)> = if first % 3 == 1 {
        vec![("convert", vec![Json::from("d"), json])]
    } else {
        let (table, all) = (Json::from("t"), Json::array([]));
        let select = object([
            ("op", Json::from("select")),
            ("table", table.clone()),
            ("where", json.clone()),
            ("columns", Json::array([Json::from("_uuid")])),
        ]);
        let mutate = object([
            ("op", Json::from("mutate")),
            ("table", table),
            ("where", all),
            ("mutations", json.clone()),
        ]);
        let requests = Json::object([("t", Json::array([Json::object([("where", json)])]))]);
        vec![
            ("monitor_cond", vec![Json::from("d"), Json::from("m"), requests.clone()]),
            ("transact", vec![Json::from("d"), select]),
            ("transact", vec![Json::from("d"), mutate]),
            ("monitor_cond_change", vec![Json::from("m"), Json::from("n"), requests]),
        ]
    };
    for (method, params) in calls {
        for effect in server.handle(session, Message::request(method, params, 2), now) {
            let _ = effect.into_message();
        }
    }
});
