//! Rows.

use std::sync::Arc;

use crate::schema::ColumnId;
use crate::value::{Datum, Uuid};

/// The values of one row, by column.
#[derive(Clone, Debug)]
pub struct Row {
    /// Changes with every transaction that changes the row (the column `_version`).
    pub version: Uuid,
    cells: Vec<Arc<Datum>>,
}

impl Row {
    pub(super) fn new(cells: Vec<Arc<Datum>>) -> Row {
        Row { version: Uuid::ZERO, cells }
    }

    /// The value of `column`, which must be one of the row's table.
    pub fn get(&self, column: ColumnId) -> &Arc<Datum> {
        &self.cells[column.0]
    }

    /// Puts `datum` into `column`, which must be one of the row's table.
    pub fn set(&mut self, column: ColumnId, datum: Datum) {
        if *self.cells[column.0] != datum {
            self.cells[column.0] = Arc::new(datum);
        }
    }

    /// As [`set`](Row::set), without a copy of the value.
    pub(crate) fn set_shared(&mut self, column: ColumnId, datum: Arc<Datum>) {
        if *self.cells[column.0] != *datum {
            self.cells[column.0] = datum;
        }
    }

    /// True if all columns are equal, whatever the versions are.
    pub fn same_values(&self, other: &Row) -> bool {
        self.changed(other).next().is_none()
    }

    /// The columns in which two rows of one table differ.
    pub fn changed<'a>(&'a self, other: &'a Row) -> impl Iterator<Item = ColumnId> + 'a {
        let cells = self.cells.iter().zip(&other.cells).enumerate();
        cells.filter(|(_, (a, b))| !Arc::ptr_eq(a, b) && a != b).map(|(i, _)| ColumnId(i))
    }
}
