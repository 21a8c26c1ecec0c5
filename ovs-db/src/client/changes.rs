//! What has changed since somebody last looked.

use std::collections::BTreeMap;

use crate::value::Uuid;

use super::row::Row;

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It is new.
    Inserted,
    /// Some columns have other values.
    Modified,
    /// It is gone.
    Deleted,
}

/// One row that has changed: as it was and as it is. At least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The row as it was; `None` if it was not there.
    pub old: Option<Row>,
    /// The row as it is; `None` if it is gone.
    pub new: Option<Row>,
}

impl RowChange {
    /// What happened.
    pub fn kind(&self) -> ChangeKind {
        match (&self.old, &self.new) {
            (None, _) => ChangeKind::Inserted,
            (_, None) => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        }
    }

    /// The row as it is, or as it was if it is gone.
    pub fn row(&self) -> Option<&Row> {
        self.new.as_ref().or(self.old.as_ref())
    }

    /// The columns whose values differ: of an inserted or deleted row all that are kept.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let differs = |name: &str| match (&self.old, &self.new) {
            (Some(old), Some(new)) => old.get(name) != new.get(name),
            _ => true,
        };
        let row = self.row().into_iter();
        row.flat_map(Row::columns).map(|(name, _)| name).filter(move |name| differs(name))
    }
}

/// The rows that have changed, by table and identity, each with its net change: a row that came and went again is not
/// there, one that went and came back is modified (or not there, if it is as it was).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    tables: BTreeMap<String, BTreeMap<Uuid, RowChange>>,
}

impl Changes {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The number of rows that have changed.
    pub fn len(&self) -> usize {
        self.tables.values().map(BTreeMap::len).sum()
    }

    /// The tables in which rows have changed.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// The rows of a table that have changed.
    pub fn table(&self, table: &str) -> impl Iterator<Item = (Uuid, &RowChange)> {
        self.tables.get(table).into_iter().flatten().map(|(uuid, change)| (*uuid, change))
    }

    /// The rows of a table that are new, as they are.
    pub fn inserted(&self, table: &str) -> impl Iterator<Item = &Row> {
        self.rows(table, ChangeKind::Inserted)
    }

    /// The rows of a table whose columns have other values, as they are.
    pub fn modified(&self, table: &str) -> impl Iterator<Item = &Row> {
        self.rows(table, ChangeKind::Modified)
    }

    /// The rows of a table that are gone, as they were.
    pub fn deleted(&self, table: &str) -> impl Iterator<Item = &Row> {
        self.rows(table, ChangeKind::Deleted)
    }

    fn rows(&self, table: &str, kind: ChangeKind) -> impl Iterator<Item = &Row> {
        self.table(table).filter(move |(_, change)| change.kind() == kind).filter_map(|(_, c)| c.row())
    }

    /// Every row that has changed, with its table and identity.
    pub fn into_rows(self) -> impl Iterator<Item = (String, Uuid, RowChange)> {
        let of_table = |(table, rows): (String, BTreeMap<Uuid, RowChange>)| {
            rows.into_iter().map(move |(uuid, change)| (table.clone(), uuid, change))
        };
        self.tables.into_iter().flat_map(of_table)
    }

    /// Notes that a row changed, after what was noted before.
    pub(super) fn note(&mut self, table: &str, uuid: Uuid, old: Option<Row>, new: Option<Row>) {
        let rows = match self.tables.get_mut(table) {
            Some(rows) => rows,
            None => self.tables.entry(table.to_owned()).or_default(),
        };
        let change = match rows.remove(&uuid) {
            Some(before) => RowChange { old: before.old, new },
            None => RowChange { old, new },
        };
        if change.old != change.new {
            rows.insert(uuid, change);
        }
        if rows.is_empty() {
            self.tables.remove(table);
        }
    }
}
