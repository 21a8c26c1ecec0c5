//! What a damaged disk may give back: bytes of a journal, or records that are whole but wrong. The first byte chooses.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::sha1::{Sha1, hex};
use ovs_db::storage::{Journal, Snapshot, Stamp, encode, replay};
use ovs_db::value::UuidSource;

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{
 "r":{"isRoot":true,"indexes":[["i"]],"columns":{
   "i":{"type":"integer"},"s":{"type":{"key":"string","min":0,"max":"unlimited"}},
   "m":{"type":{"key":"string","value":"real","min":0,"max":"unlimited"}},
   "l":{"type":{"key":{"type":"uuid","refTable":"l"},"min":0,"max":"unlimited"}}}},
 "l":{"columns":{"w":{"type":{"key":{"type":"uuid","refTable":"r","refType":"weak"},"min":0,"max":2}}}}}}"#;

/// Without rows. Made once: it is not what is tried here.
static EMPTY: LazyLock<Database> =
    LazyLock::new(|| Database::new(Arc::new(SCHEMA.parse().expect("a good schema"))));

/// The bytes as they are, and with the checksum of each line that is to be a record put right, so that damage is seen
/// and what is behind it too.
fn read(data: &[u8], sealed: bool) {
    let mut bytes = Vec::new();
    if sealed {
        for line in data.split(|byte| *byte == b'\n') {
            let digest = hex(&Sha1::digest(line));
            bytes.extend_from_slice(format!("OVSDB JSON {} {digest}\n", line.len()).as_bytes());
            bytes.extend_from_slice(line);
        }
    } else {
        bytes.extend_from_slice(data);
    }
    let mut journal = Journal::new(&bytes);
    // The database is copied when there is something to put into it.
    let mut db: Option<Database> = None;
    let mut uuids = UuidSource::new(b"", "fuzz");
    while let Some(Ok(record)) = journal.next_record() {
        let _ = replay(db.get_or_insert_with(|| EMPTY.clone()), &record, &mut uuids);
    }
    journal.continues();
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    if first % 2 == 0 {
        read(data, first & 2 != 0);
        return;
    }
    // Each line is the JSON of a record. What they make of the database can be written and read again.
    let mut uuids = UuidSource::new(b"", "fuzz");
    let mut made = None;
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(record) = Json::parse(line) {
            let _ = replay(made.get_or_insert_with(|| EMPTY.clone()), &record, &mut uuids);
        }
    }
    // That costs more than all the rest, and half of the inputs are for the rest.
    let Some(db) = made.filter(|db| first & 2 == 0 && db.total_rows() > 0) else { return };
    let bytes = Snapshot::new(&db, Stamp::default()).encode();
    let mut journal = Journal::new(&bytes);
    assert_eq!(
        journal.next_record().expect("the schema").map(|json| encode(&json)),
        Ok(encode(&db.schema().to_json()))
    );
    let mut again = EMPTY.clone();
    let rows = journal.next_record().expect("the rows").expect("good");
    replay(&mut again, &rows, &mut uuids).expect("rows that were there");
    assert_eq!(again.total_rows(), db.total_rows());
});
