//! A whole database at one time, ready to be written as a journal without history.

use std::sync::Arc;

use crate::database::{Database, Row};
use crate::json::Json;
use crate::schema::{Schema, TableId};
use crate::value::Uuid;

use super::journal::{encode, encode_text};
use super::record::{Stamp, write_new_row, write_stamp};

/// The schema and the rows of a database at one time.
///
/// Making one takes a reference to each row and nothing else; the text is made by [`Snapshot::encode`], which a
/// program may do on another thread. Copies are cheap, and are equal if they come of one original.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<Content>);

/// The rows of a table in the order of their UUIDs.
type Rows = Vec<(Uuid, Arc<Row>)>;

#[derive(Debug)]
struct Content {
    schema: Arc<Schema>,
    tables: Vec<(TableId, Rows)>,
    stamp: Stamp,
}

const _: () = {
    const fn send<T: Send + Sync>() {}
    send::<Snapshot>();
};

impl Snapshot {
    /// What `db` is now.
    pub fn new(db: &Database, stamp: Stamp) -> Snapshot {
        let rows = |table| db.rows(table).map(|(uuid, row)| (*uuid, row.clone())).collect();
        let tables = db.schema().tables().map(|(table, _)| (table, rows(table))).collect();
        Snapshot(Arc::new(Content { schema: db.schema().clone(), tables, stamp }))
    }

    /// The bytes of a journal: the schema, and one record with all rows.
    pub fn encode(&self) -> Vec<u8> {
        let Content { schema, tables, stamp } = &*self.0;
        let mut bytes = encode(&schema.to_json());
        let mut text = String::from("{");
        write_stamp(stamp, &mut text);
        for (id, rows) in tables.iter().filter(|(_, rows)| !rows.is_empty()) {
            let table = schema.table(*id);
            text.push(',');
            Json::write_str(&table.name, &mut text);
            text.push_str(":{");
            for (i, (uuid, row)) in rows.iter().enumerate() {
                text.push_str(if i > 0 { ",\"" } else { "\"" });
                uuid.write_to(&mut text);
                text.push_str("\":");
                write_new_row(table, row, &mut text);
            }
            text.push('}');
        }
        text.push('}');
        bytes.extend(encode_text(text));
        bytes
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Snapshot) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
