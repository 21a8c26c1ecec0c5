//! The database as a transaction sees it: the committed rows, and what it changed so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::database::{Database, Row};
use crate::schema::{Schema, TableId, TableSchema};
use crate::value::Uuid;

use super::condition::Condition;

/// A row's state after the changes; `None` if it was deleted.
type Changed = BTreeMap<(TableId, Uuid), Option<Arc<Row>>>;

/// What the indexes know about a condition.
enum Lookup {
    /// No index has all its columns fixed.
    NoIndex,
    /// One has, and no row has those values.
    Nothing,
    /// One has, and this row has them.
    Row(Uuid),
}

/// Committed rows with changes laid over them.
pub(super) struct View<'a> {
    db: &'a Database,
    changed: Changed,
}

impl<'a> View<'a> {
    pub(super) fn new(db: &'a Database) -> View<'a> {
        View { db, changed: Changed::new() }
    }

    pub(super) fn db(&self) -> &'a Database {
        self.db
    }

    pub(super) fn schema(&self) -> &'a Schema {
        self.db.schema()
    }

    pub(super) fn table(&self, id: TableId) -> &'a TableSchema {
        self.schema().table(id)
    }

    /// The row as it is now.
    pub(super) fn row(&self, table: TableId, uuid: Uuid) -> Option<&Arc<Row>> {
        match self.changed.get(&(table, uuid)) {
            Some(row) => row.as_ref(),
            None => self.db.row(table, &uuid),
        }
    }

    /// True if the row exists, or did before the transaction. One that the transaction made and deleted again is as if it
    /// had never been.
    pub(super) fn is_known(&self, table: TableId, uuid: Uuid) -> bool {
        matches!(self.changed.get(&(table, uuid)), Some(Some(_))) || self.db.row(table, &uuid).is_some()
    }

    /// Puts a row; it may be new.
    pub(super) fn put(&mut self, table: TableId, uuid: Uuid, row: Row) {
        self.changed.insert((table, uuid), Some(Arc::new(row)));
    }

    /// Deletes a row.
    pub(super) fn delete(&mut self, table: TableId, uuid: Uuid) {
        self.changed.insert((table, uuid), None);
    }

    /// Every row that was touched, with its present state.
    pub(super) fn changed(&self) -> impl Iterator<Item = (TableId, Uuid, Option<&Arc<Row>>)> {
        self.changed.iter().map(|((table, uuid), row)| (*table, *uuid, row.as_ref()))
    }

    /// The rows that pass `condition`, in the order of their UUIDs.
    pub(super) fn select(&self, table: TableId, condition: &Condition) -> Vec<Uuid> {
        let passes = |uuid: &Uuid| self.row(table, *uuid).is_some_and(|row| condition.matches(*uuid, row));
        if let Some(uuid) = condition.row() {
            return Some(uuid).filter(passes).into_iter().collect();
        }
        let overlay = self.changed.range((table, Uuid::ZERO)..=(table, Uuid([0xff; 16])));
        let mut rows: Vec<Uuid> = overlay.map(|((_, uuid), _)| *uuid).filter(passes).collect();
        let untouched = |uuid: &Uuid| !self.changed.contains_key(&(table, *uuid));
        match self.lookup(table, condition) {
            Lookup::Nothing => {}
            Lookup::Row(uuid) => rows.extend(Some(uuid).filter(|uuid| untouched(uuid) && passes(uuid))),
            Lookup::NoIndex => {
                let committed = self.db.rows(table).map(|(uuid, _)| *uuid);
                rows.extend(committed.filter(|uuid| untouched(uuid) && passes(uuid)));
            }
        }
        rows.sort_unstable();
        rows
    }

    /// Asks an index for the committed row that a condition means.
    fn lookup(&self, table: TableId, condition: &Condition) -> Lookup {
        let rows = self.db.table(table);
        for (index, columns) in rows.indexes() {
            let key = columns.iter().map(|column| condition.equal(*column).cloned().map(Arc::new));
            if let Some(key) = key.collect::<Option<Vec<_>>>() {
                return rows.find(index, &key).map_or(Lookup::Nothing, |uuid| Lookup::Row(*uuid));
            }
        }
        Lookup::NoIndex
    }
}
