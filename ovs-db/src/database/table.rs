//! The rows of one table and what is known about them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
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
    pub(super) indexes: Vec<Index>,
    /// How many strong references lead to each row; rows without any are absent.
    pub(crate) strong: BTreeMap<Uuid, usize>,
    /// Which rows refer to each row weakly, and how often.
    pub(crate) weak: BTreeMap<Uuid, BTreeMap<(TableId, Uuid), usize>>,
}

/// One index: its columns, and the rows in the order of the hashes of their keys.
///
/// Hashes, as comparing keys would touch several rows at each step; a tree of them, as a table that grows would keep
/// every client waiting while everything moves. Nothing shows their order.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) columns: Vec<ColumnId>,
    pub(super) rows: BTreeSet<(u64, Uuid)>,
    /// Keyed, so that nobody can choose values of one hash.
    hashes: RandomState,
}

impl Index {
    fn hash<'a>(&self, key: impl Iterator<Item = &'a Arc<Datum>>) -> u64 {
        let mut hasher = self.hashes.build_hasher();
        key.for_each(|datum| datum.hash(&mut hasher));
        hasher.finish()
    }

    /// What stands for `row`, which has the UUID `uuid`.
    pub(super) fn entry(&self, uuid: Uuid, row: &Row) -> (u64, Uuid) {
        (self.hash(self.columns.iter().map(|column| row.get(*column))), uuid)
    }
}

impl Table {
    pub(super) fn new(schema: &TableSchema) -> Table {
        let cells = schema.columns.iter().map(|c| Arc::new(Datum::default_of(&c.kind)));
        Table {
            rows: BTreeMap::new(),
            default: Arc::new(Row::new(cells.collect())),
            indexes: schema
                .indexes
                .iter()
                .map(|columns| Index {
                    columns: columns.clone(),
                    rows: BTreeSet::new(),
                    hashes: RandomState::new(),
                })
                .collect(),
            strong: BTreeMap::new(),
            weak: BTreeMap::new(),
        }
    }

    /// Takes away what `new` does not have of a row that was `old`. To be followed by [`insert`](Table::insert).
    pub(super) fn remove(&mut self, uuid: &Uuid, old: &Row, new: Option<&Row>) {
        for index in &mut self.indexes {
            if new.is_none_or(|new| !same_key(&index.columns, old, new)) {
                index.rows.remove(&index.entry(*uuid, old));
            }
        }
        if new.is_none() {
            self.rows.remove(uuid);
        }
    }

    /// Puts what `new` has of a row that was `old`, which has been [removed](Table::remove).
    pub(super) fn insert(&mut self, uuid: Uuid, old: Option<&Row>, new: &Arc<Row>) {
        for index in &mut self.indexes {
            if old.is_none_or(|old| !same_key(&index.columns, old, new)) {
                index.rows.insert(index.entry(uuid, new));
            }
        }
        self.rows.insert(uuid, new.clone());
    }

    /// The row that has `key` in index number `index`.
    pub(crate) fn find(&self, index: usize, key: &IndexKey) -> Option<&Uuid> {
        let index = &self.indexes[index];
        let hash = index.hash(key.iter());
        let alike = index.rows.range((hash, Uuid::ZERO)..=(hash, Uuid([0xff; 16])));
        alike.map(|(_, uuid)| uuid).find(|uuid| {
            let row = self.rows.get(*uuid);
            row.is_some_and(|row| {
                index.columns.iter().zip(key).all(|(column, datum)| row.get(*column) == datum)
            })
        })
    }

    /// The columns of each index.
    pub(crate) fn indexes(&self) -> impl Iterator<Item = (usize, &[ColumnId])> {
        self.indexes.iter().enumerate().map(|(i, index)| (i, index.columns.as_slice()))
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
