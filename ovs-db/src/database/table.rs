//! The rows of one table and what is known about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::schema::{ColumnId, TableId, TableSchema};
use crate::value::{Datum, Uuid};

use super::Row;

/// The values of an index's columns in one row.
pub(crate) type IndexKey = Vec<Arc<Datum>>;

/// One table's rows.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) rows: BTreeMap<Uuid, Arc<Row>>,
    /// A row of default values.
    pub(super) default: Arc<Row>,
    /// The columns of each index, and the row under each key. A tree, as a table of hashes that grows would keep every
    /// client waiting while all keys are hashed again.
    indexes: Vec<(Vec<ColumnId>, BTreeMap<IndexKey, Uuid>)>,
    /// How many strong references lead to each row; rows without any are absent.
    pub(crate) strong: BTreeMap<Uuid, usize>,
    /// Which rows refer to each row weakly, and how often.
    pub(crate) weak: BTreeMap<Uuid, BTreeMap<(TableId, Uuid), usize>>,
}

impl Table {
    pub(super) fn new(schema: &TableSchema) -> Table {
        let cells = schema.columns.iter().map(|c| Arc::new(Datum::default_of(&c.kind)));
        Table {
            rows: BTreeMap::new(),
            default: Arc::new(Row::new(cells.collect())),
            indexes: schema.indexes.iter().map(|columns| (columns.clone(), BTreeMap::new())).collect(),
            strong: BTreeMap::new(),
            weak: BTreeMap::new(),
        }
    }

    /// Takes away what `new` does not have of a row that was `old`. To be followed by [`insert`](Table::insert).
    pub(super) fn remove(&mut self, uuid: &Uuid, old: &Row, new: Option<&Row>) {
        for (columns, rows) in &mut self.indexes {
            if new.is_none_or(|new| !same_key(columns, old, new)) {
                rows.remove(&index_key(columns, old));
            }
        }
        if new.is_none() {
            self.rows.remove(uuid);
        }
    }

    /// Puts what `new` has of a row that was `old`, which has been [removed](Table::remove).
    pub(super) fn insert(&mut self, uuid: Uuid, old: Option<&Row>, new: &Arc<Row>) {
        for (columns, rows) in &mut self.indexes {
            if old.is_none_or(|old| !same_key(columns, old, new)) {
                rows.insert(index_key(columns, new), uuid);
            }
        }
        self.rows.insert(uuid, new.clone());
    }

    /// The row that has `key` in index number `index`.
    pub(crate) fn find(&self, index: usize, key: &IndexKey) -> Option<&Uuid> {
        self.indexes[index].1.get(key)
    }

    /// The columns of each index.
    pub(crate) fn indexes(&self) -> impl Iterator<Item = (usize, &[ColumnId])> {
        self.indexes.iter().enumerate().map(|(i, (columns, _))| (i, columns.as_slice()))
    }
}

/// What `row` has in `columns`.
pub(crate) fn index_key(columns: &[ColumnId], row: &Row) -> IndexKey {
    columns.iter().map(|column| row.get(*column).clone()).collect()
}

/// Whether two states of a row are alike in `columns`.
pub(crate) fn same_key(columns: &[ColumnId], a: &Row, b: &Row) -> bool {
    columns.iter().all(|column| {
        let (a, b) = (a.get(*column), b.get(*column));
        Arc::ptr_eq(a, b) || a == b
    })
}
