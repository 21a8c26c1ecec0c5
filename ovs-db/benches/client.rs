//! What following a database costs: a first snapshot, and a small change to a large table.
#![expect(clippy::expect_used, reason = "a benchmark may stop on the spot")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ovs_db::client::{Session, SessionConfig};
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;

const ROWS: usize = 10_000;

const SCHEMA: &str = r#"{"name":"D","tables":{"T":{"columns":{
    "name":{"type":"string"},
    "statistics":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}}}}}}"#;

fn uuid(n: usize) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// A session whose schema is known, and the answer that fills it with [`ROWS`] rows.
fn asked() -> (Session, Message) {
    let mut session = Session::new(SessionConfig::new("D").table("T", ["name", "statistics"]));
    session.connected();
    // A server without `_Server`, which is asked first.
    let unknown: Json = r#"{"error":"unknown database"}"#.parse().expect("JSON");
    let refusal = Message::error(unknown, request_id(&mut session));
    session.receive(refusal).expect("an answer that is understood");
    answer(&mut session, SCHEMA);
    let mut content = String::from("[false,\"00000000-0000-0000-0000-000000000000\",{\"T\":{");
    for n in 0..ROWS {
        let comma = if n == 0 { "" } else { "," };
        let uuid = uuid(n);
        write!(
            content,
            "{comma}\"{uuid}\":{{\"initial\":{{\"name\":\"p{n}\",\"statistics\":[\"map\",[[\"rx_bytes\",{n}],[\"tx_bytes\",1]]]}}}}"
        )
        .expect("writing to a string");
    }
    content.push_str("}}]");
    let id = request_id(&mut session);
    (session, Message::reply(content.parse().expect("JSON"), id))
}

fn request_id(session: &mut Session) -> Json {
    match session.take_output().pop() {
        Some(Message::Request { id, .. }) => id,
        other => panic!("{other:?}"),
    }
}

fn answer(session: &mut Session, json: &str) {
    let id = request_id(session);
    session.receive(Message::reply(json.parse().expect("JSON"), id)).expect("an answer that is understood");
}

fn client(c: &mut Criterion) {
    c.bench_function("client/snapshot-10k-rows", |b| {
        b.iter_batched(
            asked,
            |(mut session, content)| {
                session.receive(content).expect("content");
                black_box(session)
            },
            BatchSize::LargeInput,
        );
    });
    let (mut session, content) = asked();
    session.receive(content).expect("content");
    let params: Json = format!(
        "[\"main\",\"{0}\",{{\"T\":{{\"{0}\":{{\"modify\":{{\"statistics\":[\"map\",[[\"rx_bytes\",7]]]}}}}}}}}]",
        uuid(77)
    )
    .parse()
    .expect("JSON");
    let Json::Array(params) = params else { panic!("an array") };
    let update = Message::notify("update3", params);
    c.bench_function("client/modify-one-of-10k-rows", |b| {
        b.iter(|| session.receive(black_box(update.clone())).expect("an update"));
    });
}

criterion_group!(benches, client);
criterion_main!(benches);
