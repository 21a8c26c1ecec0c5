//! The contents of one database in memory: rows, the indexes over them, and who refers to whom.
//!
//! A [`Database`] is only ever changed by a whole [`ChangeSet`], which a transaction (module
//! [`txn`](crate::txn)) has validated, or by the inverse of one. Rows are shared and never modified in
//! place, so a change set is cheap to keep for monitors and history.

mod change;
mod row;
mod table;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use change::{Change, ChangeSet};
pub use row::Row;

use crate::schema::{RefKind, Schema, TableId};
use crate::value::{Atom, Uuid, UuidSource};
use table::Table;
pub(crate) use table::{index_key, same_key};
pub(crate) use write::{RowWrite, same_key_twice, too_many_rows, written};

/// One database: its schema and all its rows.
#[derive(Clone, Debug)]
pub struct Database {
    schema: Arc<Schema>,
    tables: Vec<Table>,
}

impl Database {
    /// A database without rows.
    pub fn new(schema: Arc<Schema>) -> Database {
        let tables = schema.tables().map(|(_, table)| Table::new(table)).collect();
        Database { schema, tables }
    }

    /// The schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The row `uuid` of `table`.
    pub fn row(&self, table: TableId, uuid: &Uuid) -> Option<&Arc<Row>> {
        self.tables[table.0].rows.get(uuid)
    }

    /// The rows of `table` in the order of their UUIDs.
    pub fn rows(&self, table: TableId) -> impl Iterator<Item = (&Uuid, &Arc<Row>)> {
        self.tables[table.0].rows.iter()
    }

    /// The number of rows in `table`.
    pub fn row_count(&self, table: TableId) -> usize {
        self.tables[table.0].rows.len()
    }

    /// The number of rows in all tables.
    pub fn total_rows(&self) -> usize {
        self.tables.iter().map(|t| t.rows.len()).sum()
    }

    /// How many weak references lead to the rows of `table`.
    pub fn weak_reference_count(&self, table: TableId) -> usize {
        self.tables[table.0].weak.values().flat_map(BTreeMap::values).sum()
    }

    /// A row of `table` whose columns all have their default values.
    pub fn default_row(&self, table: TableId) -> &Arc<Row> {
        &self.tables[table.0].default
    }

    pub(crate) fn table(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// Makes the changes.
    pub fn apply(&mut self, changes: &ChangeSet) {
        // Everything old goes before anything new comes, so that an index key may move between rows.
        for change in changes.iter() {
            if let Some(old) = &change.old {
                self.count_references(change, old, false);
                self.tables[change.table.0].remove(&change.uuid, old, change.new.as_deref());
            }
        }
        for change in changes.iter() {
            if let Some(new) = &change.new {
                self.tables[change.table.0].insert(change.uuid, change.old.as_deref(), new);
                self.count_references(change, new, true);
            }
        }
    }

    /// Gives every row a version. For rows that came without: nobody knows those of a journal's.
    pub(crate) fn set_versions(&mut self, versions: &mut UuidSource) {
        for row in self.tables.iter_mut().flat_map(|table| table.rows.values_mut()) {
            Arc::make_mut(row).version = versions.generate();
        }
    }

    /// Takes the changes back, which must be the last ones that were made.
    pub fn revert(&mut self, changes: &ChangeSet) {
        self.apply(&changes.inverse());
    }

    fn count_references(&mut self, change: &Change, row: &Row, add: bool) {
        let Database { schema, tables } = self;
        for_each_reference(schema, change.table, change.uuid, row, |target, kind, uuid| {
            let target = &mut tables[target.0];
            match kind {
                RefKind::Strong => adjust(&mut target.strong, uuid, add),
                RefKind::Weak => {
                    let referrers = target.weak.entry(uuid).or_default();
                    adjust(referrers, (change.table, change.uuid), add);
                    if referrers.is_empty() {
                        target.weak.remove(&uuid);
                    }
                }
            }
        });
    }

    /// All rows as one change set that makes them out of nothing.
    pub fn snapshot(&self) -> ChangeSet {
        self.snapshot_of(self.schema.tables().map(|(table, _)| table))
    }

    /// The rows of some tables as one change set that makes them out of nothing.
    pub fn snapshot_of(&self, tables: impl Iterator<Item = TableId>) -> ChangeSet {
        let rows = tables.flat_map(|table| {
            let made = move |(uuid, row): (&Uuid, &Arc<Row>)| Change {
                table,
                uuid: *uuid,
                old: None,
                new: Some(row.clone()),
            };
            self.rows(table).map(made)
        });
        ChangeSet::new(rows.collect())
    }
}

/// Calls `f` with the table, the kind and the UUID of every reference in the row `uuid`. A strong reference of
/// a row to itself is none: it keeps nothing alive. As elsewhere, its own UUID counts as itself whatever the table is.
pub(crate) fn for_each_reference(
    schema: &Schema,
    table: TableId,
    uuid: Uuid,
    row: &Row,
    mut f: impl FnMut(TableId, RefKind, Uuid),
) {
    for reference in schema.references(table) {
        let datum = row.get(reference.column);
        let mut report = |atom: &Atom| {
            if let Some(to) = atom.as_uuid()
                && (reference.kind == RefKind::Weak || to != uuid)
            {
                f(reference.target, reference.kind, to);
            }
        };
        if reference.in_value {
            datum.pairs().for_each(|(_, value)| report(value));
        } else {
            datum.keys().for_each(report);
        }
    }
}

/// Counts `key` up or down; what reaches zero is forgotten.
fn adjust<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K, add: bool) {
    use std::collections::btree_map::Entry;
    match counts.entry(key) {
        Entry::Vacant(entry) if add => {
            entry.insert(1);
        }
        Entry::Vacant(_) => {}
        Entry::Occupied(mut entry) if add => *entry.get_mut() += 1,
        Entry::Occupied(entry) if *entry.get() == 1 => {
            entry.remove();
        }
        Entry::Occupied(mut entry) => *entry.get_mut() -= 1,
    }
}
