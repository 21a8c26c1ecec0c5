//! What is generated from a schema compiles, is as committed, and does what it says.
#![expect(clippy::expect_used, reason = "helpers of tests fail on the spot")]

use std::collections::BTreeMap;

use ovs_db::client::typed::{Ref, Table as _};
use ovs_db::client::{Function, Session, SessionConfig, Transaction};
use ovs_db::codegen::Codegen;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::value::Uuid;

use crate::support::json;

/// `cargo run -p ovs-db --example generate_tables` makes files; this is one text, as `build.rs` would make it.
#[rustfmt::skip]
mod odd {
    include!("odd/tables.rs");
}

use odd::{AB, AB2, Vec2};

const SCHEMA: &str = include_str!("odd/schema.json");

#[test]
fn odd_names_are_as_committed() {
    let schema: Schema = SCHEMA.parse().expect("a schema");
    let text = Codegen::new(&schema).text();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/odd/tables.rs");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(path, &text).expect("a file written");
    }
    assert_eq!(text, include_str!("odd/tables.rs"), "UPDATE_GENERATED=1 writes it anew");
}

const U1: &str = "11111111-1111-4111-8111-111111111111";

/// A session with one row of `a_B`.
fn session() -> Session {
    let config = SessionConfig::new(odd::DATABASE).table_of::<AB2>().table_of::<Vec2>().index_by(AB2::TEXTS);
    let mut session = Session::new(config.track_changes(true));
    session.connected();
    let content = format!(
        r#"[false,"{U1}",{{"a_B":{{"{U1}":{{"initial":{{"texts":["set",["x","y"]],"text_map":["map",[["k","v"]]],
        "counts":["map",[["n",3]]],"queues":["map",[[7,["uuid","{U1}"]]]]}}}}}},
        "Vec":{{"{U1}":{{"initial":{{"map":["map",[[0.5,"half"]]],"reals":["set",[1.5,2.5]]}}}}}}}}]"#
    );
    for (id, answer) in (1..).zip(["{}", "{}", SCHEMA, &content]) {
        let answer = if id == 2 {
            Message::error("unknown method", id.into())
        } else {
            Message::reply(json(answer), id.into())
        };
        session.receive(answer).expect("an answer");
    }
    session
}

#[test]
fn typed_rows_are_read_found_and_written() {
    let mut session = session();
    let snapshot = session.snapshot().clone();
    let row: AB2 = snapshot.all().next().expect("a row");
    assert_eq!((row.texts(), row.text_map()), (vec!["x", "y"], BTreeMap::from([("k", "v")])));
    let uuid: Uuid = U1.parse().expect("a UUID");
    let queues = BTreeMap::from([(7, Ref::<AB>::new(uuid))]);
    assert_eq!((row.counts(), row.queues()), (BTreeMap::from([("n".to_owned(), 3)]), queues));
    let reals = snapshot.get(Ref::<Vec2>::new(uuid)).expect("a row");
    assert_eq!((reals.map(), reals.reals()), (vec![(0.5, "half".to_owned())], vec![1.5, 2.5]));
    assert_eq!(snapshot.find(AB2::TEXTS, ["y", "x"]).count(), 1);
    assert_eq!(snapshot.find(AB2::TEXTS, ["y"]).count(), 0);
    assert_eq!(snapshot.find(Vec2::REALS, [2.5, 1.5]).count(), 1, "without an index");
    assert_eq!(
        session.take_changes().of::<AB2>().filter(|(old, new)| old.is_none() && new.is_some()).count(),
        1
    );
    assert_eq!(AB2::COUNTS.compare(Function::Includes, [("n".to_owned(), 3)]).column, "counts");

    let mut txn = Transaction::new();
    let new: Ref<AB2> = txn.create();
    txn.put(new, AB2::TEXTS, ["z"]);
    txn.put(new, AB2::TEXT_MAP, [("a", "b")]);
    txn.verify_column(&row, AB2::COUNTS);
    txn.put(row.reference(), AB2::COUNTS, BTreeMap::new());
    txn.remove(reals.reference());
    session.take_output();
    session.transact(&txn);
    let Some(Message::Request { params, .. }) = session.take_output().pop() else { panic!("a request") };
    let ops: Vec<&str> = params[1..].iter().filter_map(|op| op.get("op")?.as_str()).collect();
    assert_eq!(ops, ["wait", "insert", "update", "delete"]);
    let expected = r#"{"text_map":["map",[["a","b"]]],"texts":"z"}"#;
    assert_eq!(params[2].get("row").map(ToString::to_string).as_deref(), Some(expected));
}
