//! What a crash leaves: every cut of the last records, every cut of a new file beside the old one.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::path::Path;
use std::time::Duration;

use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Listener, ListenerConfig, Now, Server, ServerConfig};
use ovs_db::storage::{JournalFile, Snapshot, Stamp, Storage, Ticket};
use ovs_db::value::UuidSource;

use crate::support::json;

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{
    "t":{"isRoot":true,"indexes":[["k"]],"columns":{"k":{"type":"integer"},
        "set":{"type":{"key":"integer","min":0,"max":"unlimited"}},
        "kids":{"type":{"key":{"type":"uuid","refTable":"kid"},"min":0,"max":"unlimited"}}}},
    "kid":{"columns":{"k":{"type":"integer"}}}}}"#;

fn uuids() -> UuidSource {
    UuidSource::new(b"crash", "versions")
}

/// Everything that is in the tables.
fn contents(db: &Database) -> Vec<String> {
    let mut rows = Vec::new();
    for (id, table) in db.schema().tables() {
        for (uuid, row) in db.rows(id) {
            let cells: Vec<String> = table.ids().map(|(column, _)| row.get(column).to_string()).collect();
            rows.push(format!("{} {uuid} {}", table.name, cells.join(" ")));
        }
    }
    rows
}

/// Transactions that insert, change and delete several rows each.
fn transactions() -> Vec<String> {
    (0..24)
        .map(|n| match n % 4 {
            0 | 1 => format!(
                r#"[{{"op":"insert","table":"kid","uuid-name":"x","row":{{"k":{n}}}}},
                    {{"op":"insert","table":"t","row":{{"k":{n},"kids":["named-uuid","x"],"set":["set",[{n},1000]]}}}}]"#
            ),
            2 => format!(r#"[{{"op":"mutate","table":"t","where":[],"mutations":[["set","insert",{n}],["set","delete",1000]]}}]"#),
            _ => format!(r#"[{{"op":"delete","table":"t","where":[["k","==",{}]]}},{{"op":"commit","durable":true}}]"#, n - 3),
        })
        .collect()
}

/// Runs the transactions on a new file; after each, the file's length and the contents.
fn run(path: &Path) -> Vec<(u64, Vec<String>)> {
    let schema: Schema = SCHEMA.parse().unwrap();
    drop(JournalFile::create(path, &schema).unwrap());
    let opened = JournalFile::open(path, &mut uuids()).unwrap();
    let now = Now { wall: Duration::from_secs(1_700_000_000), ..Now::default() };
    let mut listener = Listener::new(Server::new(ServerConfig::default(), now), ListenerConfig::default());
    let id = listener.add_database(opened.database, Some(Box::new(opened.file)), now).unwrap();
    let session = listener.open_local();
    let mut states = vec![(std::fs::metadata(path).unwrap().len(), Vec::new())];
    for operations in transactions() {
        let Json::Array(mut params) = json(&operations) else { unreachable!() };
        params.insert(0, Json::from("d"));
        listener.send_local(session, Message::request("transact", params, 1), now);
        let Ok(Some(Message::Reply { result, .. })) = listener.receive_local(session) else {
            panic!("no reply")
        };
        assert!(!result.to_string().contains("error"), "{operations}: {result}");
        let length = std::fs::metadata(path).unwrap().len();
        states.push((length, contents(listener.server().database(id).unwrap())));
    }
    states
}

#[test]
fn every_cut_leaves_whole_transactions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.db");
    let states = run(&path);
    let bytes = std::fs::read(&path).unwrap();
    let copy = dir.path().join("cut.db");
    // Behind a cut at any byte of the last twelve records stands what was complete before it, and no more.
    let first = states[states.len() - 13].0;
    for cut in first..=bytes.len() as u64 {
        std::fs::write(&copy, &bytes[..cut as usize]).unwrap();
        let opened = JournalFile::open(&copy, &mut uuids()).unwrap();
        let (whole, expected) = states.iter().rev().find(|(length, _)| *length <= cut).unwrap();
        assert_eq!(contents(&opened.database), *expected, "cut at {cut}");
        assert_eq!(opened.torn.is_some(), *whole != cut, "cut at {cut}");
    }
}

#[test]
fn a_new_file_that_was_not_finished_is_no_matter() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.db");
    let states = run(&path);
    let (bytes, expected) = (std::fs::read(&path).unwrap(), &states.last().unwrap().1);
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    let new = Snapshot::new(&opened.database, Stamp::default()).encode();
    drop(opened);
    // A crash while the new file is written, or before it takes the old one's place, leaves both.
    let temporary = dir.path().join("d.db.tmp");
    for cut in (0..=new.len()).step_by(7).chain([new.len()]) {
        std::fs::write(&temporary, &new[..cut]).unwrap();
        let opened = JournalFile::open(&path, &mut uuids()).unwrap();
        assert_eq!((contents(&opened.database), &opened.torn), (expected.clone(), &None));
        drop(opened);
    }
    // The next rewriting takes its place.
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    let mut file = opened.file;
    file.replace(Ticket(1), &Snapshot::new(&opened.database, Stamp::default()));
    assert!(matches!(file.poll(), Some((Ticket(1), Ok(())))));
    drop(file);
    assert!(!temporary.exists());
    assert!(std::fs::read(&path).unwrap().len() < bytes.len());
    assert_eq!(contents(&JournalFile::open(&path, &mut uuids()).unwrap().database), *expected);
}

#[test]
fn what_is_written_beside_a_rewriting_is_in_the_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.db");
    run(&path);
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    let mut file = opened.file;
    let rewrite = file.begin_rewrite(Snapshot::new(&opened.database, Stamp::default())).unwrap();
    assert!(file.begin_rewrite(Snapshot::new(&opened.database, Stamp::default())).is_none());
    let record = ovs_db::storage::encode(&json(
        r#"{"_is_diff":true,"t":{"00000000-0000-4000-8000-00000000000a":{"k":77}}}"#,
    ));
    file.write(&record, false).unwrap();
    let before = opened.database.total_rows();
    // A crash now leaves the old file, with the record.
    let copy = dir.path().join("old.db");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(JournalFile::open(&copy, &mut uuids()).unwrap().database.total_rows(), before + 1);
    let switch = file.switch_rewrite(rewrite.run()).unwrap();
    // Until the new file has its name, either may be the one that is found after a crash: both get what is written.
    file.write(
        &ovs_db::storage::encode(&json(
            r#"{"_is_diff":true,"t":{"00000000-0000-4000-8000-00000000000b":{"k":78}}}"#,
        )),
        true,
    )
    .unwrap();
    assert_eq!(file.handles().unwrap().len(), 2);
    for either in [&path, &dir.path().join("d.db.tmp")] {
        let copy = dir.path().join("either.db");
        std::fs::copy(either, &copy).unwrap();
        assert_eq!(JournalFile::open(&copy, &mut uuids()).unwrap().database.total_rows(), before + 2);
    }
    let (old, result) = file.finish_rewrite(switch.run());
    assert!(old.is_some() && result.is_ok());
    assert_eq!(file.handles().unwrap().len(), 1);
    file.write(
        &ovs_db::storage::encode(&json(r#"{"t":{"00000000-0000-4000-8000-00000000000a":null}}"#)),
        true,
    )
    .unwrap();
    drop(file);
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    assert_eq!((opened.database.total_rows(), opened.records), (before + 1, 4));
}
