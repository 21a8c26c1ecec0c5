//! The contents of a database under another schema.

use std::sync::Arc;

use crate::database::Database;
use crate::error::DbError;
use crate::schema::{ColumnId, Schema, TableSchema};
use crate::value::{Datum, NoNames, UuidSource};

use super::settle_rows;

/// Makes a database of `schema` that has the rows of `db`.
///
/// Tables and columns that `schema` does not have are left out; columns that `db` does not have get their default
/// values, whether a constraint allows those or not. What stays must be good under `schema`, constraints and references included; the error says what
/// is not.
pub fn convert(db: &Database, schema: &Arc<Schema>, uuids: &mut UuidSource) -> Result<Database, DbError> {
    let mut new = Database::new(schema.clone());
    let mut rows = Vec::new();
    for (id, table) in schema.tables() {
        let Some(old_id) = db.schema().table_id(&table.name) else { continue };
        let old_table = db.schema().table(old_id);
        let columns = common_columns(old_table, table);
        for (uuid, old) in db.rows(old_id) {
            let mut row = (**new.default_row(id)).clone();
            for (from, to) in &columns {
                let datum = old.get(*from);
                let (from, to_schema) = (&old_table.columns[from.0], &table.columns[to.0]);
                // Values of the same type are looked at too: a default that an earlier conversion gave may not be good.
                let converted = if from.kind == to_schema.kind {
                    to_schema.kind.check(datum).map(|()| (**datum).clone())
                } else {
                    Datum::from_json(&datum.to_json(), &to_schema.kind, &mut NoNames)
                };
                let datum = converted.map_err(|e| {
                    let what = format!("table {}, column {}: {e}", table.name, to_schema.name);
                    DbError::new(e.tag, what)
                })?;
                row.set(*to, datum);
            }
            rows.push((id, *uuid, Some(row)));
        }
    }
    let changes = settle_rows(&new, rows, Some(uuids))?;
    new.apply(&changes);
    Ok(new)
}

fn common_columns(old: &TableSchema, new: &TableSchema) -> Vec<(ColumnId, ColumnId)> {
    new.ids().filter_map(|(id, column)| Some((old.column(&column.name)?, id))).collect()
}
