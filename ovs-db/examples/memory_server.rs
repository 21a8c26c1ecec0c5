//! A database server in memory, without sockets: one client monitors a table, another one changes it.

use std::sync::Arc;

use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Now, Server, ServerConfig};

const SCHEMA: &str = r#"{"name":"inventory","version":"1.0.0","tables":{
    "Item":{"isRoot":true,"indexes":[["name"]],"columns":{
        "name":{"type":"string"},
        "count":{"type":{"key":{"type":"integer","minInteger":0}}}}}}}"#;

#[expect(clippy::print_stdout, reason = "an example shows what happens")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Now::default();
    let mut server = Server::new(ServerConfig::default().seed(*b"example"), now);
    let schema: Schema = SCHEMA.parse()?;
    server.add_database(Database::new(Arc::new(schema)), false, now)?;

    let watcher = server.open_session();
    let writer = server.open_session();
    let params = |text: &str| match text.parse::<Json>() {
        Ok(Json::Array(params)) => Ok(params),
        other => Err(format!("not an array: {other:?}")),
    };
    let requests = [
        (watcher, "monitor_cond", r#"["inventory","m",{"Item":{"columns":["name","count"]}}]"#),
        (
            writer,
            "transact",
            r#"["inventory",{"op":"insert","table":"Item","row":{"name":"nut","count":3}}]"#,
        ),
        (writer, "transact", r#"["inventory",{"op":"insert","table":"Item","row":{"name":"nut"}}]"#),
        (
            writer,
            "transact",
            r#"["inventory",{"op":"mutate","table":"Item","where":[],"mutations":[["count","-=",4]]}]"#,
        ),
        (
            writer,
            "transact",
            r#"["inventory",{"op":"mutate","table":"Item","where":[],"mutations":[["count","-=",2]]}]"#,
        ),
    ];
    for (id, (session, method, text)) in requests.into_iter().enumerate() {
        println!("{session:?} calls {method} {text}");
        let request = Message::request(method, params(text)?, id as i64);
        for effect in server.handle(session, request, now) {
            if let Some((session, message)) = effect.into_message() {
                println!("    {session:?} gets {}", message.to_json());
            }
        }
    }
    Ok(())
}
