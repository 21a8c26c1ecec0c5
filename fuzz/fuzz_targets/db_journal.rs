//! What a damaged disk may give back: bytes of a journal, or records that are whole but wrong. The first byte chooses.
#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use ovs_db::database::Database;
use ovs_db::json::Json;
use ovs_db::schema::Schema;
use ovs_db::storage::{Journal, Snapshot, Stamp, encode, replay};
use ovs_db::value::UuidSource;

const SCHEMA: &str = r#"{"name":"d","version":"1.0.0","tables":{
 "r":{"isRoot":true,"indexes":[["i"]],"columns":{
   "i":{"type":"integer"},"s":{"type":{"key":"string","min":0,"max":"unlimited"}},
   "m":{"type":{"key":"string","value":"real","min":0,"max":"unlimited"}},
   "l":{"type":{"key":{"type":"uuid","refTable":"l"},"min":0,"max":"unlimited"}}}},
 "l":{"columns":{"w":{"type":{"key":{"type":"uuid","refTable":"r","refType":"weak"},"min":0,"max":2}}}}}}"#;

fn database() -> Database {
    // Read once: it is not what is tried here.
    static READ: OnceLock<Arc<Schema>> = OnceLock::new();
    let schema = READ.get_or_init(|| Arc::new(SCHEMA.parse().expect("a good schema")));
    Database::new(Arc::clone(schema))
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let mut db = database();
    let mut uuids = UuidSource::new(b"", "fuzz");
    if first % 2 == 0 {
        let mut journal = Journal::new(data);
        while let Some(Ok(record)) = journal.next_record() {
            let _ = replay(&mut db, &record, &mut uuids);
        }
        journal.continues();
        return;
    }
    // Each line is the JSON of a record. What they make of the database can be written and read again.
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(record) = Json::parse(line) {
            let _ = replay(&mut db, &record, &mut uuids);
        }
    }
    let bytes = Snapshot::new(&db, Stamp::default()).encode();
    let mut journal = Journal::new(&bytes);
    assert_eq!(
        journal.next_record().expect("the schema").map(|json| encode(&json)),
        Ok(encode(&db.schema().to_json()))
    );
    let mut again = database();
    let rows = journal.next_record().expect("the rows").expect("good");
    replay(&mut again, &rows, &mut uuids).expect("rows that were there");
    assert_eq!(again.total_rows(), db.total_rows());
});
