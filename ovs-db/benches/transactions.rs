//! Transactions per second of the server, without sockets and disks.
#![expect(clippy::expect_used, reason = "a bench that cannot be set up shall stop")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::{OPEN_VSWITCH, Schema};
use ovs_db::server::{Now, Server, ServerConfig, SessionId};

/// A server with a bridge of `ports` ports, and a session that monitors everything about interfaces.
fn server(ports: usize) -> (Server, SessionId) {
    let mut server = Server::new(ServerConfig::default().seed(*b"bench"), Now::default());
    let schema: Schema = OPEN_VSWITCH.parse().expect("the schema");
    server.add_database(Database::new(Arc::new(schema)), false, Now::default()).expect("one database");
    let session = server.open_session();
    let mut operations = vec![Json::from("Open_vSwitch")];
    let mut refs = Vec::new();
    for i in 0..ports {
        operations.push(json(&format!(
            r#"{{"op":"insert","table":"Interface","uuid-name":"i{i}","row":{{"name":"p{i}"}}}}"#
        )));
        operations.push(json(&format!(
            r#"{{"op":"insert","table":"Port","uuid-name":"p{i}","row":{{"name":"p{i}","interfaces":["named-uuid","i{i}"]}}}}"#
        )));
        refs.push(format!(r#"["named-uuid","p{i}"]"#));
    }
    operations.push(json(&format!(
        r#"{{"op":"insert","table":"Bridge","uuid-name":"b","row":{{"name":"br0","ports":["set",[{}]]}}}}"#,
        refs.join(",")
    )));
    operations.push(json(r#"{"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"]}}"#));
    server.handle(session, Message::request("transact", operations, 0), Now::default());
    let monitor = json(r#"["Open_vSwitch","m",{"Interface":{}}]"#);
    let Json::Array(params) = monitor else { return (server, session) };
    server.handle(session, Message::request("monitor_cond", params, 1), Now::default());
    (server, session)
}

fn json(text: &str) -> Json {
    text.parse().expect("JSON")
}

fn transactions(c: &mut Criterion) {
    let mut group = c.benchmark_group("transact");
    group.throughput(Throughput::Elements(1));
    for ports in [10, 1000] {
        let (mut server, session) = server(ports);
        let mut n = 0i64;
        group.bench_function(format!("update one of {ports} interfaces"), |b| {
            b.iter(|| {
                n += 1;
                let operation = format!(
                    r#"{{"op":"update","table":"Interface","where":[["name","==","p{}"]],"row":{{"ofport":{n}}}}}"#,
                    n % ports as i64
                );
                let params = vec![Json::from("Open_vSwitch"), json(&operation)];
                black_box(server.handle(session, Message::request("transact", params, n), Now::default()))
            });
        });
    }
    group.finish();
}

fn text(c: &mut Criterion) {
    let mut group = c.benchmark_group("json");
    group.throughput(Throughput::Bytes(OPEN_VSWITCH.len() as u64));
    group.bench_function("parse the schema", |b| b.iter(|| Json::parse(black_box(OPEN_VSWITCH.as_bytes()))));
    let schema = json(OPEN_VSWITCH);
    group.bench_function("print the schema", |b| b.iter(|| black_box(&schema).to_string()));
    group.finish();
}

criterion_group!(benches, transactions, text);
criterion_main!(benches);
