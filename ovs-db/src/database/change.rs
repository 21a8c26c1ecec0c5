//! What one transaction changes.

use std::sync::Arc;

use crate::schema::TableId;
use crate::value::Uuid;

use super::Row;

/// One row, before and after.
#[derive(Clone, Debug)]
pub struct Change {
    /// The row's table.
    pub table: TableId,
    /// The row's identifier.
    pub uuid: Uuid,
    /// The row before; `None` if it is new.
    pub old: Option<Arc<Row>>,
    /// The row after; `None` if it is deleted.
    pub new: Option<Arc<Row>>,
}

/// All changes of one transaction, each row once, in the order of tables and UUIDs.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    changes: Vec<Change>,
}

impl ChangeSet {
    /// Orders the changes; each row may occur once.
    pub fn new(mut changes: Vec<Change>) -> ChangeSet {
        changes.sort_by_key(|change| (change.table, change.uuid));
        ChangeSet { changes }
    }

    /// The changes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    /// The changes of one table.
    pub fn of_table(&self, table: TableId) -> &[Change] {
        let start = self.changes.partition_point(|c| c.table < table);
        let end = self.changes.partition_point(|c| c.table <= table);
        &self.changes[start..end]
    }

    /// True if nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The number of rows that change.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// What takes these changes back.
    pub fn inverse(&self) -> ChangeSet {
        let swap =
            |c: &Change| Change { table: c.table, uuid: c.uuid, old: c.new.clone(), new: c.old.clone() };
        ChangeSet { changes: self.changes.iter().map(swap).collect() }
    }
}
