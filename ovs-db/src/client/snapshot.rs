//! The copy of the database, and how updates change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::DbError;
use crate::json::{Json, Object};
use crate::schema::{BaseType, ColumnType, Schema};
use crate::value::{Datum, NoNames, Uuid};

use super::config::SessionConfig;
use super::row::{Columns, Row};
use super::session::SessionError;

static NO_ROWS: BTreeMap<Uuid, Row> = BTreeMap::new();

/// Rows by table and identity, as the server last told.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    tables: BTreeMap<String, Table>,
    seqno: u64,
}

#[derive(Clone, Debug)]
struct Table {
    columns: Arc<Columns>,
    rows: BTreeMap<Uuid, Row>,
    seqno: u64,
}

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
        self.tables.get(table).map_or(&NO_ROWS, |t| &t.rows)
    }

    /// One row.
    pub fn row(&self, table: &str, uuid: Uuid) -> Option<&Row> {
        self.rows(table).get(&uuid)
    }

    /// Counts the updates that changed something. It never repeats a value while its session lives.
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

    /// What of `config` the server has, by table.
    pub(super) fn select(
        config: &SessionConfig,
        schema: &Schema,
    ) -> BTreeMap<String, Vec<(String, ColumnType)>> {
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
    pub(super) fn fits(&self, selected: &BTreeMap<String, Vec<(String, ColumnType)>>) -> bool {
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
        selected: BTreeMap<String, Vec<(String, ColumnType)>>,
        content: &Json,
        form: UpdateForm,
    ) -> Result<(), SessionError> {
        let mut fresh = Snapshot::default();
        for (table, columns) in selected {
            let columns = Arc::new(Columns { table: table.clone(), columns });
            fresh.tables.insert(table, Table { columns, rows: BTreeMap::new(), seqno: 0 });
        }
        fresh.update(content, form)?;
        let seqno = self.seqno + 1;
        let mut changed = self.tables.keys().any(|name| !fresh.tables.contains_key(name));
        for (name, table) in &mut fresh.tables {
            match self.tables.get(name) {
                Some(old) if old.columns.columns == table.columns.columns && old.rows == table.rows => {
                    table.seqno = old.seqno;
                }
                None if table.rows.is_empty() => {}
                _ => {
                    table.seqno = seqno;
                    changed = true;
                }
            }
        }
        self.tables = fresh.tables;
        self.seqno += u64::from(changed);
        Ok(())
    }

    /// Takes a table-updates object. Gives whether something changed; an error leaves the copy unusable.
    pub(super) fn update(&mut self, updates: &Json, form: UpdateForm) -> Result<bool, SessionError> {
        let seqno = self.seqno + 1;
        let mut changed = false;
        for (name, rows) in object(updates)? {
            let Some(table) = self.tables.get_mut(name) else { continue };
            let mut table_changed = false;
            for (uuid, update) in object(rows)? {
                let uuid: Uuid = uuid.parse().map_err(|_| SessionError::BadUpdate)?;
                table_changed |= table.update(uuid, update, form)?;
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

impl Table {
    fn update(&mut self, uuid: Uuid, update: &Json, form: UpdateForm) -> Result<bool, SessionError> {
        let members = object(update)?;
        if form == UpdateForm::Whole {
            return match members.get("new") {
                Some(new) => self.put(uuid, new),
                None => Ok(self.rows.remove(&uuid).is_some()),
            };
        }
        if let Some(row) = members.get("insert").or_else(|| members.get("initial")) {
            self.put(uuid, row)
        } else if let Some(diff) = members.get("modify") {
            self.modify(uuid, diff)
        } else if members.contains_key("delete") {
            Ok(self.rows.remove(&uuid).is_some())
        } else {
            Err(SessionError::BadUpdate)
        }
    }

    /// Sets a row; columns that are not given have their defaults.
    fn put(&mut self, uuid: Uuid, row: &Json) -> Result<bool, SessionError> {
        let given = object(row)?;
        let values = self.columns.columns.iter().map(|(name, kind)| match given.get(name) {
            Some(json) => read(json, kind, kind.min),
            None => Ok(Datum::default_of(kind)),
        });
        let values = values.collect::<Result<Arc<[Datum]>, _>>()?;
        let row = Row { columns: Arc::clone(&self.columns), uuid, values };
        Ok(self.rows.insert(uuid, row.clone()) != Some(row))
    }

    /// Changes a row: of columns with at most one element the new value is given, of others the difference.
    fn modify(&mut self, uuid: Uuid, diff: &Json) -> Result<bool, SessionError> {
        let row = self.rows.get_mut(&uuid).ok_or(SessionError::BadUpdate)?;
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
        let changed = *row.values != *values;
        row.values = values.into();
        Ok(changed)
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
