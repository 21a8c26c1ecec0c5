//! The copy of the database, and how updates change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::DbError;
use crate::json::{Json, Object};
use crate::schema::{BaseType, ColumnType, Schema};
use crate::value::{Datum, NoNames, Uuid};

use super::changes::Changes;
use super::config::SessionConfig;
use super::index::{Index, IndexData};
use super::row::{Columns, Row};
use super::session::SessionError;

static NO_ROWS: BTreeMap<Uuid, Row> = BTreeMap::new();

/// Rows by table and identity, as the server last told.
///
/// A clone is cheap and does not change; while one is kept, the first update of each table copies what that table's rows
/// are kept in (not the rows themselves).
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    tables: BTreeMap<String, Table>,
    seqno: u64,
}

#[derive(Clone, Debug)]
struct Table {
    columns: Arc<Columns>,
    rows: Arc<BTreeMap<Uuid, Row>>,
    indexes: Vec<Arc<IndexData>>,
    seqno: u64,
}

/// What the server has of what is wanted: columns with their types, by table.
pub(super) type Selection = BTreeMap<String, Vec<(String, ColumnType)>>;

/// In which form updates come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpdateForm {
    /// `{"old": …, "new": …}` (RFC 7047, section 4.1.6).
    Whole,
    /// `{"initial" | "insert" | "modify" | "delete": …}` (`ovsdb-server(7)`, "Update2").
    Difference,
}

impl Snapshot {
    /// The rows of a table; none if the table is not kept or not known to the server.
    pub fn rows(&self, table: &str) -> &BTreeMap<Uuid, Row> {
        self.tables.get(table).map_or(&NO_ROWS, |t| &*t.rows)
    }

    /// One row.
    pub fn row(&self, table: &str, uuid: Uuid) -> Option<&Row> {
        self.rows(table).get(&uuid)
    }

    /// Counts the updates that changed something, and the first content whatever it is: 0 says that there was none
    /// yet. It never repeats a value while its session lives.
    pub fn seqno(&self) -> u64 {
        self.seqno
    }

    /// The [`seqno`](Self::seqno) of the last update that changed the table; 0 if none did.
    pub fn table_seqno(&self, table: &str) -> u64 {
        self.tables.get(table).map_or(0, |t| t.seqno)
    }

    /// Whether the server has the column and it is kept.
    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|t| t.columns.index(column).is_some())
    }

    /// The index of a table over these columns, if the configuration asks for it and the server has the table.
    pub fn index(&self, table: &str, columns: &[&str]) -> Option<Index<'_>> {
        let table = self.tables.get(table)?;
        let data = table.indexes.iter().find(|index| index.columns == columns)?;
        Some(Index { data, rows: &table.rows })
    }

    /// Which rows are not as they were in `old`, an earlier snapshot of the same session or of another one. Takes time
    /// by the number of rows, except for tables that are known to be the same.
    pub fn changes_since(&self, old: &Snapshot) -> Changes {
        let mut changes = Changes::default();
        for (name, table) in &self.tables {
            let before = old.tables.get(name).map_or(&NO_ROWS, |t| &*t.rows);
            note_difference(name, before, &table.rows, &mut changes);
        }
        for (name, table) in old.tables.iter().filter(|(name, _)| !self.tables.contains_key(*name)) {
            note_difference(name, &table.rows, &NO_ROWS, &mut changes);
        }
        changes
    }

    /// What of `config` the server has, by table.
    pub(super) fn select(config: &SessionConfig, schema: &Schema) -> Selection {
        let known = |(table, columns): (&String, &BTreeSet<String>)| {
            let table_schema = schema.table(schema.table_id(table)?);
            let columns = columns.iter().filter_map(|name| {
                let id = table_schema.column(name)?;
                Some((name.clone(), table_schema.columns.get(id.0)?.kind.clone()))
            });
            Some((table.clone(), columns.collect()))
        };
        config.tables.iter().filter_map(known).collect()
    }

    /// Whether the rows here have just these columns, so that a server may send differences from them.
    pub(super) fn fits(&self, selected: &Selection) -> bool {
        self.tables.len() == selected.len()
            && self
                .tables
                .iter()
                .zip(selected)
                .all(|((a, table), (b, columns))| a == b && table.columns.columns == *columns)
    }

    /// Begins anew with these columns, and takes the whole content. Tables whose rows are the same as before count as
    /// unchanged.
    pub(super) fn replace(
        &mut self,
        selected: Selection,
        config: &SessionConfig,
        content: &Json,
        form: UpdateForm,
        changes: Option<&mut Changes>,
    ) -> Result<(), SessionError> {
        let mut fresh = Snapshot::default();
        for (name, columns) in selected {
            let indexes = config.indexes.get(&name).into_iter().flatten();
            let indexes = indexes.map(|columns| Arc::new(IndexData::new(columns))).collect();
            let columns = Arc::new(Columns { table: name.clone(), columns });
            fresh.tables.insert(name, Table { columns, rows: Arc::default(), indexes, seqno: 0 });
        }
        fresh.update(content, form, None)?;
        let seqno = self.seqno + 1;
        // The first content is news even where every table is empty.
        let mut changed = self.seqno == 0 || self.tables.keys().any(|name| !fresh.tables.contains_key(name));
        for (name, table) in &mut fresh.tables {
            match self.tables.get(name) {
                Some(old) if old.columns.columns == table.columns.columns && old.rows == table.rows => {
                    table.seqno = old.seqno;
                    table.rows = Arc::clone(&old.rows);
                }
                None if table.rows.is_empty() => {}
                _ => {
                    table.seqno = seqno;
                    changed = true;
                }
            }
        }
        let old = Snapshot { tables: std::mem::replace(&mut self.tables, fresh.tables), seqno: 0 };
        if let Some(changes) = changes {
            for (table, uuid, change) in self.changes_since(&old).into_rows() {
                changes.note(&table, uuid, change.old, change.new);
            }
        }
        self.seqno += u64::from(changed);
        Ok(())
    }

    /// Takes a table-updates object. Gives whether something changed; an error leaves the copy unusable.
    pub(super) fn update(
        &mut self,
        updates: &Json,
        form: UpdateForm,
        mut changes: Option<&mut Changes>,
    ) -> Result<bool, SessionError> {
        let seqno = self.seqno + 1;
        let mut changed = false;
        for (name, rows) in object(updates)? {
            let Some(table) = self.tables.get_mut(name) else { continue };
            let mut table_changed = false;
            for (uuid, update) in object(rows)? {
                let uuid: Uuid = uuid.parse().map_err(|_| SessionError::BadUpdate)?;
                table_changed |= table.update(uuid, update, form, changes.as_deref_mut())?;
            }
            if table_changed {
                table.seqno = seqno;
                changed = true;
            }
        }
        self.seqno += u64::from(changed);
        Ok(changed)
    }
}

/// Notes which rows of a table are not the same in `old` and `new`.
fn note_difference(table: &str, old: &BTreeMap<Uuid, Row>, new: &BTreeMap<Uuid, Row>, changes: &mut Changes) {
    if std::ptr::eq(old, new) {
        return;
    }
    for (uuid, row) in new {
        let before = old.get(uuid);
        if before != Some(row) {
            changes.note(table, *uuid, before.cloned(), Some(row.clone()));
        }
    }
    for (uuid, row) in old.iter().filter(|(uuid, _)| !new.contains_key(*uuid)) {
        changes.note(table, *uuid, Some(row.clone()), None);
    }
}

impl Table {
    fn update(
        &mut self,
        uuid: Uuid,
        update: &Json,
        form: UpdateForm,
        changes: Option<&mut Changes>,
    ) -> Result<bool, SessionError> {
        let members = object(update)?;
        let new = if form == UpdateForm::Whole {
            members.get("new").map(|row| self.read_row(uuid, row)).transpose()?
        } else if let Some(row) = members.get("insert").or_else(|| members.get("initial")) {
            Some(self.read_row(uuid, row)?)
        } else if let Some(diff) = members.get("modify") {
            Some(self.modified_row(uuid, diff)?)
        } else if members.contains_key("delete") {
            None
        } else {
            return Err(SessionError::BadUpdate);
        };
        Ok(self.put(uuid, new, changes))
    }

    /// Sets or removes a row. Gives whether that changed something.
    fn put(&mut self, uuid: Uuid, new: Option<Row>, changes: Option<&mut Changes>) -> bool {
        if self.rows.get(&uuid) == new.as_ref() {
            return false;
        }
        let rows = Arc::make_mut(&mut self.rows);
        let old = match &new {
            Some(row) => rows.insert(uuid, row.clone()),
            None => rows.remove(&uuid),
        };
        for index in &mut self.indexes {
            Arc::make_mut(index).change(old.as_ref(), new.as_ref());
        }
        if let Some(changes) = changes {
            changes.note(&self.columns.table, uuid, old, new);
        }
        true
    }

    /// A row; columns that are not given have their defaults.
    fn read_row(&self, uuid: Uuid, row: &Json) -> Result<Row, SessionError> {
        let given = object(row)?;
        let values = self.columns.columns.iter().map(|(name, kind)| match given.get(name) {
            Some(json) => read(json, kind, kind.min),
            None => Ok(Datum::default_of(kind)),
        });
        let values = values.collect::<Result<Arc<[Datum]>, _>>()?;
        Ok(Row { columns: Arc::clone(&self.columns), uuid, values })
    }

    /// A row with changes: of columns with at most one element the new value is given, of others the difference.
    fn modified_row(&self, uuid: Uuid, diff: &Json) -> Result<Row, SessionError> {
        let row = self.rows.get(&uuid).ok_or(SessionError::BadUpdate)?;
        let mut values = row.values.to_vec();
        for (name, json) in object(diff)? {
            let Some(index) = self.columns.index(name) else { continue };
            let (_, kind) = &self.columns.columns[index];
            values[index] = if kind.max == 1 {
                read(json, kind, kind.min)?
            } else {
                values[index].apply_diff(&read(json, kind, 0)?)
            };
        }
        Ok(Row { columns: Arc::clone(&self.columns), uuid, values: values.into() })
    }
}

/// Reads a value by its type alone. Constraints are the server's business: a newer one may have other enumerations or
/// ranges than any that is known here, and a difference may have more elements than a value.
fn read(json: &Json, kind: &ColumnType, min: usize) -> Result<Datum, DbError> {
    let loose = ColumnType {
        key: BaseType::new(kind.key.kind),
        value: kind.value.as_ref().map(|v| BaseType::new(v.kind)),
        min,
        max: usize::MAX,
    };
    Datum::from_json(json, &loose, &mut NoNames)
}

fn object(json: &Json) -> Result<&Object, SessionError> {
    json.as_object().ok_or(SessionError::BadUpdate)
}
