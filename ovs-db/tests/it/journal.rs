//! The journal: what a cut or damaged file gives back, and that the distribution's tool agrees.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail on the spot")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::jsonrpc::Message;
use ovs_db::schema::Schema;
use ovs_db::server::{Listener, ListenerConfig, Now, Server, ServerConfig};
use ovs_db::storage::{JournalFile, LockFile, StorageError};
use ovs_db::value::UuidSource;

use crate::peer::program;
use crate::support::json;

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{"t":{"isRoot":true,"columns":{
    "k":{"type":"integer"},
    "set":{"type":{"key":"integer","min":0,"max":"unlimited"}},
    "map":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
    "eph":{"type":"integer","ephemeral":true}}}}}"#;

fn uuids() -> UuidSource {
    UuidSource::new(b"test", "versions")
}

/// Serves the file and executes transactions on it, each stored before the next.
fn run(path: &Path, transactions: &[&str]) {
    let now = Now { wall: Duration::from_secs(1_700_000_000), ..Now::default() };
    let opened = JournalFile::open(path, &mut uuids()).unwrap();
    let mut listener = Listener::new(Server::new(ServerConfig::default(), now), ListenerConfig::default());
    listener.add_database(opened.database, Some(Box::new(opened.file)), now).unwrap();
    let session = listener.open_local();
    for operations in transactions {
        let Json::Array(mut params) = json(operations) else { panic!("operations") };
        params.insert(0, Json::from("d"));
        listener.send_local(session, Message::request("transact", params, 1), now);
        let Ok(Some(Message::Reply { result, .. })) = listener.receive_local(session) else {
            panic!("no reply")
        };
        assert!(!result.to_string().contains("error"), "{operations}: {result}");
    }
}

fn create(path: &Path) {
    let schema: Schema = SCHEMA.parse().unwrap();
    JournalFile::create(path, &schema).unwrap();
}

/// The persistent contents: `k`, `set` and `map` of each row.
fn contents(db: &Database) -> Vec<String> {
    let table = db.schema().table_id("t").unwrap();
    let columns = ["k", "set", "map"].map(|name| db.schema().table(table).column(name).unwrap());
    db.rows(table)
        .map(|(uuid, row)| format!("{uuid} {}", columns.map(|c| row.get(c).to_string()).join(" ")))
        .collect()
}

const FIRST: &str = r#"[{"op":"insert","table":"t","row":{"k":1,"set":["set",[1,2,3]],"eph":7}}]"#;
const SECOND: &str = r#"[{"op":"update","table":"t","where":[],"row":{"set":["set",[2,3,4]],
    "map":["map",[["a","b"]]]}},{"op":"insert","table":"t","row":{"k":2}},{"op":"comment","comment":"zwei"}]"#;

#[test]
fn a_cut_in_the_last_record_loses_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.db");
    create(&path);
    run(&path, &[FIRST]);
    let before = std::fs::read(&path).unwrap();
    run(&path, &[SECOND]);
    let after = std::fs::read(&path).unwrap();
    let expected = contents(&JournalFile::open(&path, &mut uuids()).unwrap().database);
    std::fs::write(&path, &before).unwrap();
    let old = contents(&JournalFile::open(&path, &mut uuids()).unwrap().database);
    assert!(after.starts_with(&before) && old.len() == 1 && expected.len() == 2);

    for cut in before.len()..=after.len() {
        std::fs::write(&path, &after[..cut]).unwrap();
        let opened = JournalFile::open(&path, &mut uuids()).unwrap();
        let whole = cut == after.len();
        assert_eq!(contents(&opened.database), if whole { expected.clone() } else { old.clone() }, "{cut}");
        assert_eq!(opened.torn.is_some(), cut != before.len() && !whole, "{cut}");
        drop(opened);
        if cut % 16 == 0 {
            // Writing goes on behind the last good record.
            run(&path, &[r#"[{"op":"insert","table":"t","row":{"k":3}}]"#]);
            let opened = JournalFile::open(&path, &mut uuids()).unwrap();
            assert_eq!((opened.database.total_rows(), opened.torn), (2, None), "{cut}");
        }
    }
}

#[test]
fn damage_inside_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.db");
    create(&path);
    run(&path, &[FIRST, SECOND]);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.windows(7).position(|w| w == b"\"eph\":{").unwrap();
    bytes[middle + 1] = b'x';
    std::fs::write(&path, &bytes).unwrap();
    let error = JournalFile::open(&path, &mut uuids()).unwrap_err();
    assert!(matches!(error, StorageError::Damaged { offset: 0, .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing was thrown away");

    std::fs::write(&path, "OVSDB CLUSTER 5 x\n").unwrap();
    let error = JournalFile::open(&path, &mut uuids()).unwrap_err();
    assert!(matches!(error, StorageError::Clustered { .. }), "{error}");
    std::fs::write(&path, "hello").unwrap();
    let error = JournalFile::open(&path, &mut uuids()).unwrap_err();
    assert!(matches!(error, StorageError::NotDatabase { .. }), "{error}");
    std::fs::write(&path, "").unwrap();
    assert!(matches!(JournalFile::open(&path, &mut uuids()), Err(StorageError::NotDatabase { .. })));
}

#[test]
fn a_database_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.db");
    create(&path);
    assert_eq!(LockFile::path_for(&path).file_name().unwrap(), ".d.db.~lock~");
    let first = JournalFile::open(&path, &mut uuids()).unwrap();
    assert!(matches!(JournalFile::open(&path, &mut uuids()), Err(StorageError::Locked { .. })));
    drop(first);
    JournalFile::open(&path, &mut uuids()).unwrap();
    let schema: Schema = SCHEMA.parse().unwrap();
    assert!(matches!(JournalFile::create(&path, &schema), Err(StorageError::Exists { .. })));
}

#[test]
fn compacting_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.db");
    create(&path);
    run(&path, &[FIRST, SECOND]);
    let before = contents(&JournalFile::open(&path, &mut uuids()).unwrap().database);
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    let now = Now::default();
    let mut listener = Listener::new(Server::new(ServerConfig::default(), now), ListenerConfig::default());
    listener.add_database(opened.database, Some(Box::new(opened.file)), now).unwrap();
    listener.compact("d", now).unwrap();
    drop(listener);
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    assert_eq!((contents(&opened.database), opened.records), (before, 1));
    drop(opened);
    run(&path, &[SECOND]);
}

/// Runs `ovsdb-tool`.
fn tool(tool: &Path, args: &[&str]) -> String {
    let output = Command::new(tool).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_original_tool_reads_ours_and_we_read_its() {
    const TEST: &str = "the_original_tool_reads_ours_and_we_read_its";
    let Some(ovsdb_tool) = program(TEST, "ovsdb-tool") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (path, schema) = (dir.path().join("d.db"), dir.path().join("d.ovsschema"));
    let name = path.to_str().unwrap();
    std::fs::write(&schema, SCHEMA).unwrap();
    create(&path);
    run(&path, &[FIRST, SECOND]);

    assert_eq!(tool(&ovsdb_tool, &["db-version", name]).trim(), "1.0.0");
    assert_eq!(tool(&ovsdb_tool, &["needs-conversion", name, schema.to_str().unwrap()]).trim(), "no");
    let log = tool(&ovsdb_tool, &["show-log", name]);
    assert!(log.contains("record 2: 2023-11-14 22:13:20") && log.contains("\"zwei\""), "{log}");
    let query = r#"["d",{"op":"select","table":"t","where":[["k","==",1]],"columns":["set","map"]}]"#;
    let rows = json(&tool(&ovsdb_tool, &["query", name, query]));
    let expected = json(r#"[{"rows":[{"set":["set",[2,3,4]],"map":["map",[["a","b"]]]}]}]"#);
    assert_eq!(rows, expected);

    // Its records, its compaction.
    let change =
        r#"["d",{"op":"mutate","table":"t","where":[],"mutations":[["set","insert",9],["set","delete",3]]}]"#;
    tool(&ovsdb_tool, &["transact", name, change]);
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    assert!(contents(&opened.database).iter().any(|row| row.contains(r#"1 ["set",[2,4,9]]"#)));
    let before = contents(&opened.database);
    drop(opened);
    tool(&ovsdb_tool, &["compact", name]);
    let opened = JournalFile::open(&path, &mut uuids()).unwrap();
    assert_eq!(contents(&opened.database), before);
}
