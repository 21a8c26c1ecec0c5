//! What a damaged disk may give back: bytes of a journal, or records that are whole but wrong. The first byte chooses.
#![no_main]

use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::sha1::{Sha1, hex};
use ovs_db::storage::{Journal, Snapshot, Stamp, encode, read_journal, replay};
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

/// What a journal of that schema begins with.
static BEGINNING: LazyLock<Vec<u8>> = LazyLock::new(|| encode(&EMPTY.schema().to_json()));

/// Puts the checksum of each line that is to be a record right, so that what is behind a damage is seen too.
fn seal(data: &[u8], bytes: &mut Vec<u8>) {
    for line in data.split(|byte| *byte == b'\n') {
        let digest = hex(&Sha1::digest(line));
        bytes.extend_from_slice(format!("OVSDB JSON {} {digest}\n", line.len()).as_bytes());
        bytes.extend_from_slice(line);
    }
}

fn read(bytes: &[u8]) {
    let mut journal = Journal::new(bytes);
    while let Some(Ok(_)) = journal.next_record() {}
    journal.continues();
}

/// Each line is the JSON of a record: what they make of the database, if they are good.
fn replay_lines(data: &[u8]) -> Option<Database> {
    let mut uuids = UuidSource::new(b"", "fuzz");
    let mut made: Option<Database> = None;
    for line in data.split(|byte| *byte == b'\n') {
        let record = Json::parse(line).ok()?;
        replay(made.get_or_insert_with(|| EMPTY.clone()), &record, &mut uuids).ok()?;
    }
    made
}

fn text(db: &Database) -> Vec<u8> {
    Snapshot::new(db, Stamp::default()).encode()
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    match first % 4 {
        0 => return read(data),
        1 => {
            let mut bytes = Vec::new();
            seal(data, &mut bytes);
            return read(&bytes);
        }
        _ => {}
    }
    let made = replay_lines(data);
    // Whole records are most often read without a tree of JSON: they mean the same.
    if first % 4 == 2 {
        // What is no JSON at all is damage, not a bad record.
        if made.is_none() && data.split(|byte| *byte == b'\n').any(|line| Json::parse(line).is_err()) {
            return;
        }
        let mut bytes = BEGINNING.clone();
        seal(data, &mut bytes);
        let mut uuids = UuidSource::new(b"", "fuzz");
        let contents = read_journal(Cursor::new(bytes), Path::new("fuzz"), &mut uuids);
        assert_eq!(contents.as_ref().ok().map(|c| text(&c.database)), made.as_ref().map(text));
        return;
    }
    // What was made can be written and read again.
    let Some(db) = made.filter(|db| db.total_rows() > 0) else { return };
    let mut uuids = UuidSource::new(b"", "fuzz");
    let again =
        read_journal(Cursor::new(text(&db)), Path::new("fuzz"), &mut uuids).expect("what was written");
    assert_eq!(text(&again.database), text(&db));
});
