//! What goes wrong outside.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

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
    assert!(run(&["--no-dbs", "--remote=pssl:6640"]).contains("private key must be configured to use TLS"));
    assert!(run(&["--odd"]).contains("--odd"));
}

/// A pair of rows in one transaction, to be durable before the reply.
fn insert_pair(n: i64) -> String {
    format!(
        r#"{{"id":{n},"method":"transact","params":["Open_vSwitch",{{"op":"insert","table":"QoS","row":{{"type":"a{n}"}}}},
            {{"op":"insert","table":"QoS","row":{{"type":"b{n}"}}}},{{"op":"commit","durable":true}}]}}"#
    )
}

/// The types of all rows of `QoS`.
fn types(server: &Server) -> Vec<String> {
    let operation = r#"{"op":"select","table":"QoS","where":[],"columns":["type"]}"#.parse().unwrap();
    let reply = call(server, "transact", vec![Json::from("Open_vSwitch"), operation]);
    let result = reply.get("result").and_then(Json::as_array).unwrap()[0].clone();
    let rows = result.get("rows").and_then(Json::as_array).unwrap();
    rows.iter().filter_map(|row| row.get("type").and_then(Json::as_str).map(str::to_owned)).collect()
}

/// Sends pairs for a while, all in flight, and gives the numbers of those that were acknowledged.
fn send_pairs(server: &Server, from: i64, until: Instant, compact: bool) -> (Vec<i64>, i64) {
    let mut stream = server.connect();
    let (mut next, mut acknowledged, mut framer) = (from, Vec::new(), Framer::default());
    let mut chunk = [0; 4096];
    let mut control = compact.then(|| std::os::unix::net::UnixStream::connect(server.path("ctl")).unwrap());
    while Instant::now() < until {
        while next - from < acknowledged.len() as i64 + 8 {
            stream.write_all(insert_pair(next).as_bytes()).unwrap();
            next += 1;
        }
        if let Some(control) = &mut control {
            let _ = control.write_all(br#"{"id":0,"method":"ovsdb-server/compact","params":[]}"#);
        }
        let n = stream.read(&mut chunk).unwrap();
        framer.push(&chunk[..n]);
        while let Some(reply) = framer.next_message().unwrap() {
            assert!(reply.get("error").is_some_and(Json::is_null), "{reply}");
            acknowledged.extend(reply.get("id").and_then(Json::as_integer));
        }
    }
    (acknowledged, next)
}

#[test]
fn killed_at_any_moment_it_keeps_what_it_acknowledged() {
    let mut server = Server::start(None);
    let mut next = 0;
    for round in 0..24u64 {
        let until = Instant::now() + Duration::from_millis(3 + round * 7 % 40);
        let (acknowledged, sent) = send_pairs(&server, next, until, round % 2 == 1);
        server.kill();
        server.restart(None);
        let there = types(&server);
        let has = |what: &str, n: i64| there.contains(&format!("{what}{n}"));
        for n in acknowledged {
            assert!(has("a", n) && has("b", n), "round {round}: {n} was acknowledged");
        }
        for n in next..sent {
            assert_eq!(has("a", n), has("b", n), "round {round}: {n} is half there");
        }
        next = sent;
    }
}

#[test]
fn a_full_disk_makes_the_database_read_only() {
    const TEST: &str = "a_full_disk_makes_the_database_read_only";
    let mut server = Server::start(None);
    server.kill();
    // No file may grow beyond this: what a full disk does, without one.
    let limit = std::fs::metadata(server.path("conf.db")).unwrap().len() / 512 + 8;
    let script = server.path("limited");
    let program = env!("CARGO_BIN_EXE_ovsdb-server");
    let text = format!("#!/bin/sh\ntrap '' XFSZ\nulimit -f {limit}\nexec {program} \"$@\"\n");
    std::fs::write(&script, text).unwrap();
    let mut permissions = std::fs::metadata(&script).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&script, permissions).unwrap();
    server.restart(Some(&script));
    let mut good = 0;
    let failed = loop {
        let reply = insert(&server, good).to_string();
        if reply.contains("I/O error") {
            break reply;
        }
        good += 1;
        assert!(good < 1000, "the limit is never reached");
    };
    assert!(failed.contains("write failed"), "{failed}");
    let refused = insert(&server, good).to_string();
    assert!(
        refused.contains("not allowed") && refused.contains("read-only since a write failed"),
        "{refused}"
    );
    assert_eq!(rows(&server), good as usize);
    if let Some(appctl) = crate::support::program(TEST, "ovs-appctl") {
        let status = server.appctl(&appctl, &["ovsdb-server/get-db-storage-status", "Open_vSwitch"]);
        assert!(String::from_utf8_lossy(&status.stdout).contains("read-only"), "{status:?}");
    }
    server.kill();
    server.restart(None);
    assert_eq!(rows(&server), good as usize);
    assert!(insert(&server, good).to_string().contains("uuid"));
}
