//! What goes wrong outside.

use std::io::{Read as _, Write as _};
use std::process::Command;

use ovs_db::json::{Framer, Json};
use ovs_db::jsonrpc::Message;

use crate::support::Server;

/// Inserts a row and gives its reply, read to the end.
fn insert(server: &Server, n: i64) -> Json {
    let operation = format!(r#"{{"op":"insert","table":"QoS","row":{{"type":"n{n}"}}}}"#);
    let params = vec![Json::from("Open_vSwitch"), operation.parse().unwrap()];
    call(server, "transact", params)
}

fn call(server: &Server, method: &str, params: Vec<Json>) -> Json {
    let mut stream = server.connect();
    stream.write_all(&Message::request(method, params, 1).to_bytes()).unwrap();
    let mut framer = Framer::default();
    let mut chunk = [0; 4096];
    loop {
        let n = stream.read(&mut chunk).unwrap();
        assert!(n > 0, "closed");
        framer.push(&chunk[..n]);
        if let Some(reply) = framer.next_message().unwrap() {
            return reply;
        }
    }
}

fn rows(server: &Server) -> usize {
    let operation = r#"{"op":"select","table":"QoS","where":[]}"#.parse().unwrap();
    let reply = call(server, "transact", vec![Json::from("Open_vSwitch"), operation]);
    reply.get("result").unwrap().as_array().unwrap()[0].get("rows").unwrap().as_array().unwrap().len()
}

#[test]
fn what_was_answered_survives_a_crash() {
    let mut server = Server::start(None);
    for n in 0..5 {
        assert!(insert(&server, n).get("error").is_some_and(Json::is_null));
        server.kill();
        server.restart(None);
        assert_eq!(rows(&server), n as usize + 1);
    }
}

#[test]
fn bad_clients_are_closed_and_others_served() {
    let server = Server::start(None);
    let deep = "[".repeat(2000);
    for bad in
        ["x", "{}", "[1", "{\"method\":1}", "[}", deep.as_str(), "{\"id\":1,\"result\":7}", "\"\\u0000\""]
    {
        let mut stream = server.connect();
        stream.write_all(bad.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // The server may close before it has read everything: then the end is a reset, but it comes at once.
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{bad}");
        }
        assert!(answer.is_empty(), "{bad}: {}", String::from_utf8_lossy(&answer));
        assert!(call(&server, "echo", vec![]).get("result").is_some());
    }
}

#[test]
fn a_database_that_cannot_be_used_is_named() {
    let server = Server::start(None);
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ovsdb-server"))
            .args(args)
            .env("OVS_RUNDIR", server.dir.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let file = |name: &str| server.path(name).to_str().unwrap().to_owned();
    assert!(run(&[&file("missing.db")]).contains("missing.db: open failed: No such file"));
    assert!(run(&[&file("conf.db")]).contains("conf.db: database is locked by another process"));
    std::fs::write(server.path("odd.db"), "odd").unwrap();
    assert!(run(&[&file("odd.db")]).contains("odd.db: not an OVSDB database file"));
    assert!(run(&["--no-dbs", "--remote=odd:x"]).contains("odd:x"));
    assert!(run(&["--no-dbs", "--remote=pssl:6640"]).contains("TLS support is not built in"));
    assert!(run(&["--odd"]).contains("--odd"));
}
