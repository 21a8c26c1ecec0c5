//! Rows in JSON: reading what an operation writes, writing what it reads.

use crate::database::Row;
use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{ColumnId, TableSchema};
use crate::value::{Datum, Uuid, UuidNames};

use super::condition::ColumnRef;

/// The columns that an operation writes, with their new values.
pub(super) type Cells = Vec<(ColumnId, Datum)>;

/// What a row is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new row. `_uuid` and `_version` are allowed, so that a selected row can be inserted again, and
    /// ignored.
    Insert,
    /// Changes to rows.
    Update,
}

/// Reads a `<row>` of RFC 7047 whose columns are to be written.
pub(super) fn read_row(
    table: &TableSchema,
    json: &Json,
    names: &mut dyn UuidNames,
    what_for: Purpose,
) -> Result<Cells, DbError> {
    let members = json.as_object().ok_or_else(|| DbError::syntax(json, "row is no object"))?;
    let mut cells = Cells::with_capacity(members.len());
    for (name, value) in members {
        match ColumnRef::find(table, name) {
            Some(ColumnRef::Column(id)) => {
                let datum = Datum::from_json(value, &table.columns[id.0].kind, names)?;
                cells.push((id, datum));
            }
            Some(_) if what_for == Purpose::Insert => {}
            Some(_) => {
                let what = format!("column {name} of table {} cannot be changed", table.name);
                return Err(DbError::new(ErrorTag::ConstraintViolation, what).about(json));
            }
            None => {
                let what = format!("No column {name} in table {}.", table.name);
                return Err(DbError::new(ErrorTag::UnknownColumn, what).about(json));
            }
        }
    }
    Ok(cells)
}

/// Reads a list of columns; `None` stands for all of them.
pub(super) fn read_columns(table: &TableSchema, names: Option<&[Json]>) -> Result<Vec<ColumnRef>, DbError> {
    let Some(names) = names else {
        let all = table.ids().map(|(id, _)| ColumnRef::Column(id));
        return Ok([ColumnRef::Uuid, ColumnRef::Version].into_iter().chain(all).collect());
    };
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let column =
            ColumnRef::from_json(table, name).map_err(|e| DbError { tag: ErrorTag::SyntaxError, ..e })?;
        if columns.contains(&column) {
            return Err(DbError::syntax(name, "column is named twice"));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// Writes some columns of a row.
pub(super) fn write_row(table: &TableSchema, columns: &[ColumnRef], uuid: Uuid, row: &Row) -> Json {
    Json::object(columns.iter().map(|c| (c.name(table), c.value(uuid, row).to_json())))
}

/// The values of some columns of a row.
pub(super) fn values(columns: &[ColumnRef], uuid: Uuid, row: &Row) -> Vec<Datum> {
    columns.iter().map(|c| c.value(uuid, row).into_owned()).collect()
}
