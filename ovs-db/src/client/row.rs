//! One row, with typed access that never fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::schema::ColumnType;
use crate::value::{Atom, Datum, Uuid};

/// The columns that are kept of a table, in the order of their names.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) table: String,
    pub(super) columns: Vec<(String, ColumnType)>,
}

impl Columns {
    pub(super) fn index(&self, column: &str) -> Option<usize> {
        self.columns.binary_search_by(|(name, _)| name.as_str().cmp(column)).ok()
    }
}

/// One row of a [`Snapshot`](super::Snapshot). Cloning it is cheap, and the clone does not change.
///
/// The accessors take a column's name and give a default (nothing, zero, false, the empty string) if the column is not
/// kept, not known to the server, or of another type.
#[derive(Clone, Debug)]
pub struct Row {
    pub(super) columns: Arc<Columns>,
    pub(super) uuid: Uuid,
    pub(super) values: Arc<[Datum]>,
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        let same_columns = Arc::ptr_eq(&self.columns, &other.columns) || *self.columns == *other.columns;
        self.uuid == other.uuid && same_columns && self.values == other.values
    }
}

impl Eq for Row {}

impl Row {
    /// The row's identity.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.columns.table
    }

    /// The columns that are kept, with their values, in the order of their names.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Datum)> {
        self.columns.columns.iter().map(|(name, _)| name.as_str()).zip(self.values.iter())
    }

    /// The column's value; `None` if it is not kept.
    pub fn get(&self, column: &str) -> Option<&Datum> {
        self.columns.index(column).and_then(|i| self.values.get(i))
    }

    /// The text of a string column; empty if there is none.
    pub fn get_string(&self, column: &str) -> &str {
        self.get_optional_string(column).unwrap_or("")
    }

    /// The number in an integer column; 0 if there is none.
    pub fn get_int(&self, column: &str) -> i64 {
        self.get_optional_int(column).unwrap_or(0)
    }

    /// The number in a real column; 0 if there is none.
    pub fn get_real(&self, column: &str) -> f64 {
        self.get(column).and_then(Datum::as_real).unwrap_or(0.0)
    }

    /// The truth in a boolean column; false if there is none.
    pub fn get_bool(&self, column: &str) -> bool {
        self.get_optional_bool(column).unwrap_or(false)
    }

    /// The text, if the column holds just one.
    pub fn get_optional_string(&self, column: &str) -> Option<&str> {
        self.get(column)?.as_str()
    }

    /// The integer, if the column holds just one.
    pub fn get_optional_int(&self, column: &str) -> Option<i64> {
        self.get(column)?.as_integer()
    }

    /// The boolean, if the column holds just one.
    pub fn get_optional_bool(&self, column: &str) -> Option<bool> {
        self.get(column)?.as_bool()
    }

    /// The reference, if the column holds just one.
    pub fn get_uuid(&self, column: &str) -> Option<Uuid> {
        self.get(column)?.as_uuid()
    }

    /// The elements of a set column (of a map column, its keys), sorted.
    pub fn get_set(&self, column: &str) -> impl Iterator<Item = &Atom> {
        self.get(column).into_iter().flat_map(Datum::keys)
    }

    /// The references in a set column, sorted.
    pub fn get_uuids(&self, column: &str) -> Vec<Uuid> {
        self.get_set(column).filter_map(Atom::as_uuid).collect()
    }

    /// The texts in a set column, sorted.
    pub fn get_strings(&self, column: &str) -> Vec<&str> {
        self.get_set(column).filter_map(Atom::as_str).collect()
    }

    /// The integers in a set column, sorted.
    pub fn get_ints(&self, column: &str) -> Vec<i64> {
        self.get_set(column).filter_map(Atom::as_integer).collect()
    }

    /// A map column from text to text.
    pub fn get_map(&self, column: &str) -> BTreeMap<&str, &str> {
        self.get_pairs(column).filter_map(|(k, v)| Some((k.as_str()?, v.as_str()?))).collect()
    }

    /// One value of a map column from text to text.
    pub fn get_map_value(&self, column: &str, key: &str) -> Option<&str> {
        self.get(column)?.get_str(key)
    }

    /// A map column from integers to references (`Bridge.flow_tables`, `QoS.queues`).
    pub fn get_uuid_by_int(&self, column: &str) -> BTreeMap<i64, Uuid> {
        self.get_pairs(column).filter_map(|(k, v)| Some((k.as_integer()?, v.as_uuid()?))).collect()
    }

    /// A map column from text to references (`Open_vSwitch.datapaths`).
    pub fn get_uuid_by_string(&self, column: &str) -> BTreeMap<&str, Uuid> {
        self.get_pairs(column).filter_map(|(k, v)| Some((k.as_str()?, v.as_uuid()?))).collect()
    }

    /// The pairs of a map column, sorted by key.
    pub fn get_pairs(&self, column: &str) -> impl Iterator<Item = (&Atom, &Atom)> {
        self.get(column).into_iter().flat_map(Datum::pairs)
    }
}
