//! What a journal's records say.
//!
//! A record is an object with a member for each table that changes, in it a member for each row: `null`
//! for a deleted row, else the columns that are new. With `"_is_diff": true`, columns that may hold more
//! than one element are given as differences from what they were. `_date` is the time in milliseconds
//! since 1970, `_comment` what the transaction said about itself.

use std::sync::Arc;

use crate::database::{Change, ChangeSet, Database, Row};
use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{ColumnSchema, ColumnType, Schema, TableSchema};
use crate::txn::settle_rows;
use crate::value::{Datum, NoNames, Uuid, UuidSource};

use super::journal::encode_text;

/// What a record says about itself.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    /// Milliseconds since 1970-01-01 UTC.
    pub date: i64,
    /// The transaction's comment; empty if it has none.
    pub comment: String,
}

/// The bytes of a transaction's record; `None` if nothing in it has to be kept.
pub fn encode_changes(schema: &Schema, changes: &ChangeSet, stamp: &Stamp) -> Option<Vec<u8>> {
    let mut text = String::from("{");
    write_stamp(stamp, &mut text);
    let empty = text.len();
    for (id, table) in schema.tables() {
        let of_table = changes.of_table(id);
        if of_table.is_empty() {
            continue;
        }
        let mark = text.len();
        text.push(',');
        Json::write_str(&table.name, &mut text);
        text.push_str(":{");
        let start = text.len();
        for change in of_table {
            write_change(table, change, &mut text);
        }
        if text.len() == start {
            text.truncate(mark);
        } else {
            text.push('}');
        }
    }
    if text.len() == empty {
        return None;
    }
    text.push('}');
    Some(encode_text(text))
}

/// Writes the members that say something about the record itself; there is always one.
pub(super) fn write_stamp(stamp: &Stamp, out: &mut String) {
    if !stamp.comment.is_empty() {
        out.push_str("\"_comment\":");
        Json::write_str(&stamp.comment, out);
        out.push(',');
    }
    out.push_str("\"_date\":");
    Json::write_integer(stamp.date, out);
    out.push_str(",\"_is_diff\":true");
}

/// Writes a row that was not there before.
pub(super) fn write_new_row(table: &TableSchema, row: &Row, out: &mut String) {
    out.push('{');
    for (id, column) in table.ids().filter(|(_, column)| column.persistent) {
        let datum = row.get(id);
        if !datum.is_default_of(&column.kind) {
            write_name(column, out);
            datum.write_to(out);
        }
    }
    out.push('}');
}

/// Writes what happened to a row, if anything of it has to be kept.
fn write_change(table: &TableSchema, change: &Change, out: &mut String) {
    let mark = out.len();
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    change.uuid.write_to(out);
    out.push_str("\":");
    match (&change.old, &change.new) {
        (_, None) => out.push_str("null"),
        (None, Some(new)) => write_new_row(table, new, out),
        (Some(old), Some(new)) => {
            out.push('{');
            let start = out.len();
            for id in old.changed(new) {
                let column = &table.columns[id.0];
                if !column.persistent {
                    continue;
                }
                write_name(column, out);
                if column.kind.max == 1 {
                    new.get(id).write_to(out);
                } else {
                    old.get(id).diff(new.get(id)).write_to(out);
                }
            }
            if out.len() == start {
                out.truncate(mark);
                return;
            }
            out.push('}');
        }
    }
}

fn write_name(column: &ColumnSchema, out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
    Json::write_str(&column.name, out);
    out.push(':');
}

/// Makes the changes of one record. The versions of rows come from `versions`.
pub fn replay(db: &mut Database, record: &Json, versions: &mut UuidSource) -> Result<(), DbError> {
    replay_with(db, record, Some(versions))
}

/// As [`replay`]; without `versions`, rows keep those that they have.
pub(super) fn replay_with(
    db: &mut Database,
    record: &Json,
    versions: Option<&mut UuidSource>,
) -> Result<(), DbError> {
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
    let changes = settle_rows(db, rows, versions)?;
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
