//! Reading a record straight from its text into values, without a tree of JSON between.
//!
//! What is unusual (a damaged record, a column that does not exist, a member twice) is left to the reader by trees in
//! [`record`](super::record), which says what is wrong with it; both make the same of what is good.

use std::sync::Arc;

use crate::database::{Database, RowWrite, written};
use crate::error::DbError;
use crate::json::{Json, Scanner};
use crate::schema::{AtomType, BaseType, ColumnId, ColumnType, Schema, TableId, TableSchema};
use crate::txn::settle_rows;
use crate::value::{Atom, Datum, Real, Uuid};

/// What a record says.
#[derive(Debug)]
pub(super) struct Direct {
    is_diff: bool,
    /// Each row once.
    rows: Vec<RowWrite>,
}

/// Reads the records of one journal.
pub(super) struct DirectReader {
    schema: Arc<Schema>,
    keys: Keys,
}

impl DirectReader {
    /// A reader of records of a database of `schema`.
    pub(super) fn new(schema: Schema) -> DirectReader {
        DirectReader { schema: Arc::new(schema), keys: Keys(std::array::from_fn(|_| None)) }
    }

    /// Reads the text of a record; `None` if it has to be read as a tree.
    pub(super) fn read(&mut self, text: &[u8]) -> Option<Direct> {
        let mut scanner = Scanner::new(text)?;
        let DirectReader { schema, keys } = self;
        let (mut is_diff, mut rows, mut seen) = (false, Vec::new(), Vec::new());
        scanner.object(|scanner, name| {
            match &*name {
                "_date" => drop(scanner.number()?),
                "_comment" => drop(scanner.string()?),
                "_is_diff" => is_diff = scanner.bool()?,
                name => {
                    let id = schema.table_id(name).filter(|id| !seen.contains(id))?;
                    seen.push(id);
                    let table = schema.table(id);
                    scanner.object(|scanner, uuid| {
                        rows.push(read_row(scanner, id, table, uuid.parse().ok()?, keys)?);
                        Some(())
                    })?;
                }
            }
            Some(())
        })?;
        scanner.end()?;
        if rows.len() > 1 {
            rows.sort_by_key(|row: &RowWrite| (row.table, row.uuid));
            if rows.windows(2).any(|w| (w[0].table, w[0].uuid) == (w[1].table, w[1].uuid)) {
                return None;
            }
        }
        Some(Direct { is_diff, rows })
    }
}

/// Makes the changes of a record. Rows keep the versions that they have. After an error the database may have some of
/// the changes: nobody is to see it.
pub(super) fn replay_direct(db: &mut Database, record: Direct) -> Result<(), DbError> {
    let Direct { is_diff, rows: writes } = record;
    if writes.iter().all(|write| db.is_plain(write)) {
        return db.write_plain(writes, is_diff);
    }
    let schema = Arc::clone(db.schema());
    let mut rows = Vec::with_capacity(writes.len());
    for RowWrite { table, uuid, cells } in writes {
        let old = db.row(table, &uuid);
        let Some(cells) = cells else {
            old.ok_or_else(no_such_row)?;
            rows.push((table, uuid, None));
            continue;
        };
        let mut row = (**old.unwrap_or_else(|| db.default_row(table))).clone();
        for (column, cell) in cells {
            let kind = &schema.table(table).columns[column.0].kind;
            let cell = written(kind, row.get(column), is_diff && old.is_some(), cell)?;
            row.set_shared(column, cell);
        }
        rows.push((table, uuid, Some(row)));
    }
    let changes = settle_rows(db, rows, None)?;
    db.apply(&changes);
    Ok(())
}

fn no_such_row() -> DbError {
    DbError::syntax(&Json::Null, "deletes a row that does not exist")
}

fn read_row(
    scanner: &mut Scanner<'_>,
    id: TableId,
    table: &TableSchema,
    uuid: Uuid,
    keys: &mut Keys,
) -> Option<RowWrite> {
    if scanner.peek()? == b'n' {
        scanner.null()?;
        return Some(RowWrite { table: id, uuid, cells: None });
    }
    let mut cells: Vec<(ColumnId, Arc<Datum>)> = Vec::with_capacity(table.columns.len().min(8));
    scanner.object(|scanner, name| {
        let column = table.column(&name).filter(|column| cells.iter().all(|(other, _)| other != column))?;
        let kind = &table.columns[column.0].kind;
        let datum = read_datum(scanner, kind, keys)?;
        // A column of more elements may be given as a difference, which has any number of them.
        if kind.max == 1 {
            kind.check_count(datum.len()).ok()?;
        }
        cells.push((column, Arc::new(datum)));
        Some(())
    })?;
    Some(RowWrite { table: id, uuid, cells: Some(cells) })
}

/// Reads a value whose elements fit `kind`; how many there may be is not looked at.
fn read_datum(scanner: &mut Scanner<'_>, kind: &ColumnType, keys: &mut Keys) -> Option<Datum> {
    let Some(value) = &kind.value else { return read_set(scanner, &kind.key) };
    scanner.byte(b'[')?;
    if scanner.string()? != "map" {
        return None;
    }
    scanner.byte(b',')?;
    let mut pairs = Vec::new();
    scanner.array(|scanner| {
        scanner.byte(b'[')?;
        let key = match kind.key.kind {
            AtomType::String => checked(Atom::String(keys.shared(&scanner.string()?)), &kind.key)?,
            _ => read_atom(scanner, &kind.key)?,
        };
        scanner.byte(b',')?;
        pairs.push((key, read_atom(scanner, value)?));
        scanner.byte(b']')
    })?;
    scanner.byte(b']')?;
    Datum::unique_map(pairs)
}

fn read_set(scanner: &mut Scanner<'_>, base: &BaseType) -> Option<Datum> {
    if scanner.peek()? != b'[' {
        return read_atom(scanner, base).map(Datum::scalar);
    }
    scanner.byte(b'[')?;
    let tag = scanner.string()?;
    scanner.byte(b',')?;
    if tag == "uuid" && base.kind == AtomType::Uuid {
        let uuid = scanner.string()?.parse().ok()?;
        scanner.byte(b']')?;
        return checked(Atom::Uuid(uuid), base).map(Datum::scalar);
    }
    if tag != "set" {
        return None;
    }
    let mut atoms = Vec::new();
    scanner.array(|scanner| {
        atoms.push(read_atom(scanner, base)?);
        Some(())
    })?;
    scanner.byte(b']')?;
    Datum::unique_set(atoms)
}

fn read_atom(scanner: &mut Scanner<'_>, base: &BaseType) -> Option<Atom> {
    let atom = match base.kind {
        AtomType::Integer => Atom::Integer(scanner.number()?.as_integer()?),
        AtomType::Real => Atom::Real(Real::new(scanner.number()?.as_real()?)?),
        AtomType::Boolean => Atom::Boolean(scanner.bool()?),
        AtomType::String => Atom::String(Arc::from(&*scanner.string()?)),
        AtomType::Uuid => {
            scanner.byte(b'[')?;
            if scanner.string()? != "uuid" {
                return None;
            }
            scanner.byte(b',')?;
            let uuid = scanner.string()?.parse().ok()?;
            scanner.byte(b']')?;
            Atom::Uuid(uuid)
        }
    };
    checked(atom, base)
}

fn checked(atom: Atom, base: &BaseType) -> Option<Atom> {
    base.check(&atom).ok()?;
    Some(atom)
}

/// The last keys of maps: most are the same few words in every row, which then share them.
struct Keys([Option<Arc<str>>; 64]);

impl Keys {
    fn shared(&mut self, key: &str) -> Arc<str> {
        let mix = |sum: usize, byte: &u8| sum.wrapping_mul(31).wrapping_add(usize::from(*byte));
        let place = &mut self.0[key.as_bytes().iter().fold(0, mix) % 64];
        if let Some(known) = place.as_ref().filter(|known| &***known == key) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(key);
        // Long keys are no words.
        if new.len() <= 32 {
            *place = Some(Arc::clone(&new));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::record::replay_with;
    use super::super::{Snapshot, Stamp};
    use super::*;

    const SCHEMA: &str = r#"{"name":"d","tables":{
     "p":{"isRoot":true,"maxRows":3,"indexes":[["name"],["n","name"]],"columns":{
       "name":{"type":"string"},"n":{"type":"integer"},"b":{"type":"boolean"},"r":{"type":"real"},
       "o":{"type":{"key":{"type":"integer","minInteger":-5,"maxInteger":5},"min":0,"max":1}},
       "e":{"type":{"key":{"type":"string","enum":["set",["","a","b"]]},"min":1,"max":2}},
       "set":{"type":{"key":"integer","min":0,"max":"unlimited"}},
       "m":{"type":{"key":"string","value":"integer","min":0,"max":2}},
       "u":{"type":{"key":"uuid","min":0,"max":"unlimited"}}}},
     "s":{"isRoot":true,"columns":{
       "c":{"type":{"key":{"type":"uuid","refTable":"c"},"min":0,"max":"unlimited"}},
       "w":{"type":{"key":{"type":"uuid","refTable":"p","refType":"weak"},"min":0,"max":"unlimited"}}}},
     "c":{"columns":{"n":{"type":"integer"}}}}}"#;

    const CELLS: [&str; 34] = [
        r#""name":"x""#,
        r#""name":"y\n\u00e9""#,
        r#""name" : ["set",["z"]]"#,
        r#""name":7"#,
        r#""n":1"#,
        r#""n":-2"#,
        r#""n":3.0"#,
        r#""n":0.5"#,
        r#""b":true"#,
        r#""b":null"#,
        r#""r":1e-3"#,
        r#""r":2"#,
        r#""o":["set",[]]"#,
        r#""o":5"#,
        r#""o":6"#,
        r#""e":"a""#,
        r#""e":["set",["a","b"]]"#,
        r#""e":["set",[]]"#,
        r#""e":"c""#,
        r#""set":["set",[3,1]]"#,
        r#""set":["set",[2,2]]"#,
        r#""set":3"#,
        r#""m":["map",[["k",1],["l",2]]]"#,
        r#""m":["map",[["k",3],["n",4]]]"#,
        r#""m":["map",[["k",1],["k",2]]]"#,
        r#""m":["set",[]]"#,
        r#""u":["uuid","00000000-0000-4000-8000-000000000001"]"#,
        r#""u":["uuid","1"]"#,
        r#""u":["set",[["uuid","00000000-0000-4000-8000-000000000001"]]]"#,
        r#""none":1"#,
        r#""c":["uuid","00000000-0000-4000-8000-000000000001"]"#,
        r#""c":["set",[]]"#,
        r#""w":["uuid","00000000-0000-4000-8000-000000000002"]"#,
        r#""n":1,"n":2"#,
    ];

    fn row() -> impl Strategy<Value = String> {
        let cells = prop::collection::vec(prop::sample::select(&CELLS[..]), 0..4);
        let written = cells.prop_map(|cells| format!("{{{}}}", cells.join(", ")));
        prop_oneof![4 => written, 1 => Just("null".to_owned())]
    }

    fn table() -> impl Strategy<Value = String> {
        let rows = prop::collection::vec((0..4, row()), 0..3).prop_map(|rows| {
            let rows: Vec<String> = rows
                .iter()
                .map(|(i, row)| format!("\"00000000-0000-4000-8000-00000000000{i}\":{row}"))
                .collect();
            format!("{{{}}}", rows.join(","))
        });
        ("[pppsccx]", rows).prop_map(|(name, rows)| format!("\"{name}\":{rows}"))
    }

    fn record() -> impl Strategy<Value = String> {
        (prop::collection::vec(table(), 0..3), any::<bool>()).prop_map(|(tables, is_diff)| {
            let head = format!(r#""_date":1700000000000,"_comment":"a \"b\"","_is_diff":{is_diff}"#);
            let members: Vec<String> = std::iter::once(head).chain(tables).collect();
            format!("{{{}}}\n", members.join(","))
        })
    }

    /// Makes a record's changes; false if it is refused.
    fn make(db: &mut Database, text: &str, reader: Option<&mut DirectReader>) -> bool {
        match reader.and_then(|reader| reader.read(text.as_bytes())) {
            Some(direct) => replay_direct(db, direct).is_ok(),
            None => text.parse::<Json>().is_ok_and(|json| replay_with(db, &json, None).is_ok()),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn records_mean_the_same_read_either_way(records in prop::collection::vec(record(), 1..12)) {
            let schema: Schema = SCHEMA.parse().unwrap();
            let mut reader = DirectReader::new(schema.clone());
            let empty = Database::new(Arc::new(schema));
            let (mut by_tree, mut directly) = (empty.clone(), empty);
            for text in &records {
                let before = (by_tree.clone(), directly.clone());
                let good = make(&mut by_tree, text, None);
                prop_assert_eq!(make(&mut directly, text, Some(&mut reader)), good, "{}", text);
                if !good {
                    // Whoever reads a file ends here; the test goes on from before.
                    (by_tree, directly) = before;
                }
                let [a, b] = [&by_tree, &directly].map(|db| Snapshot::new(db, Stamp::default()).encode());
                prop_assert_eq!(a, b, "{}", text);
            }
        }
    }

    #[test]
    fn what_is_usual_is_read_directly() {
        let mut reader = DirectReader::new(SCHEMA.parse().unwrap());
        for (text, direct) in [
            (
                r#"{"_date":1,"_is_diff":true,"p":{"00000000-0000-4000-8000-000000000001":{"name":"a \"b\"","r":1,
               "m":["map",[["k",1]]],"set":["set",[1,2]],"u":["uuid","00000000-0000-4000-8000-000000000001"]}}}"#,
                true,
            ),
            (r#"{"p":{"00000000-0000-4000-8000-000000000001":null}}"#, true),
            (r#"{"p":{"00000000-0000-4000-8000-000000000001":{"none":1}}}"#, false),
            (r#"{"none":{}}"#, false),
            (r#"{"p":{},"p":{}}"#, false),
            ("{} {}", false),
        ] {
            assert_eq!(reader.read(text.as_bytes()).is_some(), direct, "{text}");
        }
    }
}
