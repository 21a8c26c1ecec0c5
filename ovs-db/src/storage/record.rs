//! What a journal's records say.
//!
//! A record is an object with a member for each table that changes, in it a member for each row: `null`
//! for a deleted row, else the columns that are new. With `"_is_diff": true`, columns that may hold more
//! than one element are given as differences from what they were. `_date` is the time in milliseconds
//! since 1970, `_comment` what the transaction said about itself.

use std::sync::Arc;

use crate::database::{Change, ChangeSet, Database, Row};
use crate::error::{DbError, ErrorTag};
use crate::json::{Json, Object};
use crate::schema::{ColumnSchema, ColumnType, Schema, TableSchema};
use crate::txn::settle_rows;
use crate::value::{Datum, NoNames, Uuid, UuidSource};

/// What a record says about itself.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    /// Milliseconds since 1970-01-01 UTC.
    pub date: i64,
    /// The transaction's comment; empty if it has none.
    pub comment: String,
}

/// The record of a transaction; `None` if nothing in it has to be kept.
pub fn encode_changes(schema: &Schema, changes: &ChangeSet, stamp: &Stamp) -> Option<Json> {
    let mut members = Object::new();
    for (id, table) in schema.tables() {
        let rows =
            changes.of_table(id).iter().filter_map(|change| Some((change.uuid, row_json(table, change)?)));
        let rows: Object = rows.map(|(uuid, row)| (uuid.to_string(), row)).collect();
        if !rows.is_empty() {
            members.insert(table.name.clone(), Json::Object(rows));
        }
    }
    (!members.is_empty()).then(|| stamped(members, stamp))
}

/// The record that makes all of a database's rows; the one behind the schema in a compacted file.
pub fn encode_snapshot(db: &Database, stamp: &Stamp) -> Json {
    encode_changes(db.schema(), &db.snapshot(), stamp).unwrap_or_else(|| stamped(Object::new(), stamp))
}

fn stamped(mut members: Object, stamp: &Stamp) -> Json {
    members.insert("_is_diff".to_owned(), Json::Bool(true));
    members.insert("_date".to_owned(), Json::from(stamp.date));
    if !stamp.comment.is_empty() {
        members.insert("_comment".to_owned(), Json::from(stamp.comment.as_str()));
    }
    Json::Object(members)
}

fn row_json(table: &TableSchema, change: &Change) -> Option<Json> {
    let Some(new) = &change.new else { return Some(Json::Null) };
    let cell = |column: &ColumnSchema, json: Json| (column.name.clone(), json);
    match &change.old {
        None => {
            let given = table.ids().filter(|(id, column)| {
                column.persistent && **new.get(*id) != Datum::default_of(&column.kind)
            });
            Some(Json::object(given.map(|(id, column)| cell(column, new.get(id).to_json()))))
        }
        Some(old) => {
            let changed = old.changed(new).map(|id| (id, &table.columns[id.0]));
            let cells: Object = changed
                .filter(|(_, column)| column.persistent)
                .map(|(id, column)| {
                    let whole = column.kind.max == 1;
                    let (old, new) = (old.get(id), new.get(id));
                    cell(column, if whole { new.to_json() } else { old.diff(new).to_json() })
                })
                .collect();
            (!cells.is_empty()).then_some(Json::Object(cells))
        }
    }
}

/// Makes the changes of one record. Rows and their versions get UUIDs from `uuids`.
pub fn replay(db: &mut Database, record: &Json, uuids: &mut UuidSource) -> Result<(), DbError> {
    let members = record.as_object().ok_or_else(|| DbError::syntax(record, "record is no object"))?;
    let is_diff = matches!(members.get("_is_diff"), Some(Json::Bool(true)));
    let schema = db.schema().clone();
    let mut rows = Vec::new();
    for (name, changes) in members {
        if matches!(name.as_str(), "_date" | "_comment" | "_is_diff") {
            continue;
        }
        let id = schema
            .table_id(name)
            .ok_or_else(|| DbError::new(ErrorTag::UnknownTable, format!("No table named {name}.")))?;
        let changes = changes.as_object().ok_or_else(|| DbError::syntax(changes, "rows are no object"))?;
        for (uuid, json) in changes {
            let uuid: Uuid = uuid.parse().map_err(|e| DbError::syntax(json, format!("\"{uuid}\" is {e}")))?;
            let old = db.row(id, &uuid);
            if json.is_null() {
                if old.is_none() {
                    return Err(DbError::syntax(record, "deletes a row that does not exist"));
                }
                rows.push((id, uuid, None));
                continue;
            }
            let base = old.unwrap_or_else(|| db.default_row(id));
            let row = read_row(schema.table(id), base, json, is_diff && old.is_some())?;
            rows.push((id, uuid, Some(row)));
        }
    }
    let changes = settle_rows(db, rows, uuids)?;
    db.apply(&changes);
    Ok(())
}

fn read_row(table: &TableSchema, base: &Arc<Row>, json: &Json, is_diff: bool) -> Result<Row, DbError> {
    let members = json.as_object().ok_or_else(|| DbError::syntax(json, "row is no object"))?;
    let mut row = (**base).clone();
    for (name, value) in members {
        let id = table.column(name).ok_or_else(|| {
            let what = format!("No column {name} in table {}.", table.name);
            DbError::new(ErrorTag::UnknownColumn, what)
        })?;
        let kind = &table.columns[id.0].kind;
        let datum = if is_diff && kind.max != 1 {
            let any = ColumnType { min: 0, max: usize::MAX, ..kind.clone() };
            let diff = Datum::from_json(value, &any, &mut NoNames)?;
            let new = row.get(id).apply_diff(&diff);
            kind.check(&new)?;
            new
        } else {
            Datum::from_json(value, kind, &mut NoNames)?
        };
        row.set(id, datum);
    }
    Ok(row)
}
