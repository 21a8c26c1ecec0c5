//! Writing rows in place, for a database that nobody sees yet: one that is read from a journal.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::error::{DbError, ErrorTag};
use crate::json::Json;
use crate::schema::{ColumnId, ColumnType, TableId, TableSchema};
use crate::value::{Datum, Uuid};

use super::table::{Table, index_key};
use super::{Database, Row};

/// A row that is written, as a journal has it.
#[derive(Debug)]
pub(crate) struct RowWrite {
    /// The row's table.
    pub(crate) table: TableId,
    /// The row's identifier.
    pub(crate) uuid: Uuid,
    /// The columns that are written; `None` deletes the row.
    pub(crate) cells: Option<Vec<(ColumnId, Arc<Datum>)>>,
}

/// What a column of type `kind` that was `old` is after `cell` was written to it. Elements were checked; how many there
/// are is only known now.
pub(crate) fn written(
    kind: &ColumnType,
    old: &Datum,
    is_diff: bool,
    cell: Arc<Datum>,
) -> Result<Arc<Datum>, DbError> {
    if kind.max == 1 {
        return Ok(cell);
    }
    let new = if is_diff { Arc::new(old.apply_diff(&cell)) } else { cell };
    kind.check_count(new.len())?;
    Ok(new)
}

impl Database {
    /// Whether a write concerns only the row itself: it holds no references, and nobody has any to a row that goes.
    pub(crate) fn is_plain(&self, write: &RowWrite) -> bool {
        let table = &self.tables[write.table.0];
        let referred = || table.strong.contains_key(&write.uuid) || table.weak.contains_key(&write.uuid);
        self.schema.table(write.table).is_root
            && self.schema.references(write.table).is_empty()
            && (write.cells.is_some() || !referred())
    }

    /// Makes [plain](Database::is_plain) writes, each of another row, together. After an error some of them are made.
    pub(crate) fn write_plain(&mut self, writes: Vec<RowWrite>, is_diff: bool) -> Result<(), DbError> {
        let schema = Arc::clone(&self.schema);
        // What has to be looked at once all is written: rows in indexes, and tables that may be too long.
        let (mut keys, mut lengths) = (Vec::new(), Vec::new());
        for RowWrite { table: id, uuid, cells } in writes {
            let (table, rows) = (schema.table(id), &mut self.tables[id.0]);
            if table.max_rows != usize::MAX && lengths.last().is_none_or(|(last, _)| *last != id) {
                lengths.push((id, rows.rows.len()));
            }
            match cells {
                Some(cells) => {
                    rows.write(table, uuid, cells, is_diff, |index| keys.push((id, index, uuid)))?;
                }
                None => rows.erase(uuid)?,
            }
        }
        for (id, index, uuid) in keys {
            self.tables[id.0].take_key(schema.table(id), index, uuid)?;
        }
        for (id, before) in lengths {
            let (table, after) = (schema.table(id), self.tables[id.0].rows.len());
            if after > before && after > table.max_rows {
                return Err(too_many_rows(table, after));
            }
        }
        Ok(())
    }
}

impl Table {
    /// Writes `cells` into a row, which may be new. It is taken out of indexes that may change, which `moved` is told.
    fn write(
        &mut self,
        schema: &TableSchema,
        uuid: Uuid,
        cells: Vec<(ColumnId, Arc<Datum>)>,
        is_diff: bool,
        mut moved: impl FnMut(usize),
    ) -> Result<(), DbError> {
        let Table { rows, default, indexes, .. } = self;
        let (row, is_new) = match rows.entry(uuid) {
            Entry::Occupied(entry) => (entry.into_mut(), false),
            Entry::Vacant(entry) => (entry.insert(Arc::new((**default).clone())), true),
        };
        for (i, index) in indexes.iter_mut().enumerate() {
            if is_new || cells.iter().any(|(column, _)| index.columns.contains(column)) {
                if !is_new {
                    index.rows.remove(&index.entry(uuid, row));
                }
                moved(i);
            }
        }
        let row: &mut Row = Arc::make_mut(row);
        for (column, cell) in cells {
            let kind = &schema.columns[column.0].kind;
            let cell = written(kind, row.get(column), is_diff && !is_new, cell)?;
            row.set_shared(column, cell);
        }
        Ok(())
    }

    /// Deletes a row.
    fn erase(&mut self, uuid: Uuid) -> Result<(), DbError> {
        let missing = || DbError::syntax(&Json::Null, "deletes a row that does not exist");
        let row = self.rows.remove(&uuid).ok_or_else(missing)?;
        for index in &mut self.indexes {
            index.rows.remove(&index.entry(uuid, &row));
        }
        Ok(())
    }

    /// Puts a row into an index, unless another row is there with the same key.
    fn take_key(&mut self, schema: &TableSchema, index: usize, uuid: Uuid) -> Result<(), DbError> {
        let Some(row) = self.rows.get(&uuid) else { return Ok(()) };
        let columns = &self.indexes[index].columns;
        if let Some(other) = self.find(index, &index_key(columns, row)) {
            return Err(same_key_twice(schema, columns, row, [*other, uuid]));
        }
        let entry = self.indexes[index].entry(uuid, row);
        self.indexes[index].rows.insert(entry);
        Ok(())
    }
}

/// Why two rows cannot be in a table together.
pub(crate) fn same_key_twice(
    table: &TableSchema,
    columns: &[ColumnId],
    row: &Row,
    uuids: [Uuid; 2],
) -> DbError {
    let names: Vec<&str> = columns.iter().map(|c| table.columns[c.0].name.as_str()).collect();
    let values: Vec<String> = columns.iter().map(|c| row.get(*c).to_string()).collect();
    let what = format!(
        "rows {} and {} of table {} would both have ({}) in the unique column(s) {}",
        uuids[0],
        uuids[1],
        table.name,
        values.join(", "),
        names.join(", ")
    );
    DbError::new(ErrorTag::ConstraintViolation, what)
}

/// Why a table cannot have so many rows.
pub(crate) fn too_many_rows(table: &TableSchema, rows: usize) -> DbError {
    let what = format!("table {} would have {rows} rows, allowed are {}", table.name, table.max_rows);
    DbError::new(ErrorTag::ConstraintViolation, what)
}
