//! Tables and their columns.

use crate::error::DbError;
use crate::json::{Json, Object};

use super::is_id;
use super::types::ColumnType;

/// The number of a column within its table. `_uuid` and `_version` have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub usize);

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSchema {
    /// Its name.
    pub name: String,
    /// What values it holds.
    pub kind: ColumnType,
    /// False if only an insert may set it.
    pub mutable: bool,
    /// True if its values need not outlive the server.
    pub ephemeral: bool,
    /// True if its values are written to storage. An ephemeral column is written all the same when it
    /// holds strong references to rows that live only by being referred to: without it, reading the
    /// database back would lose them.
    pub persistent: bool,
}

impl ColumnSchema {
    fn from_json(name: &str, json: &Json) -> Result<ColumnSchema, DbError> {
        let members = json.as_object().ok_or_else(|| DbError::syntax(json, "column schema is no object"))?;
        only(json, members, &["type", "mutable", "ephemeral"])?;
        let kind = members.get("type").ok_or_else(|| DbError::syntax(json, "column without \"type\""))?;
        let ephemeral = flag(members, "ephemeral", false)?;
        Ok(ColumnSchema {
            name: name.to_owned(),
            kind: ColumnType::from_json(kind)?,
            mutable: flag(members, "mutable", true)?,
            ephemeral,
            persistent: !ephemeral,
        })
    }

    fn to_json(&self) -> Json {
        let mut members = vec![("type", self.kind.to_json())];
        members.extend((!self.mutable).then_some(("mutable", Json::Bool(false))));
        members.extend(self.ephemeral.then_some(("ephemeral", Json::Bool(true))));
        Json::object(members)
    }
}

/// One table of a database.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSchema {
    /// Its name.
    pub name: String,
    /// Its columns in the order of their names.
    pub columns: Vec<ColumnSchema>,
    /// True if its rows live without being referred to.
    pub is_root: bool,
    /// Most rows that it may have; `usize::MAX` if nothing is said.
    pub max_rows: usize,
    /// Sets of columns whose values, taken together, are different in all rows.
    pub indexes: Vec<Vec<ColumnId>>,
}

impl TableSchema {
    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<ColumnId> {
        self.columns.binary_search_by(|c| c.name.as_str().cmp(name)).ok().map(ColumnId)
    }

    /// The columns with their numbers.
    pub fn ids(&self) -> impl Iterator<Item = (ColumnId, &ColumnSchema)> {
        self.columns.iter().enumerate().map(|(i, c)| (ColumnId(i), c))
    }

    pub(super) fn from_json(name: &str, json: &Json) -> Result<TableSchema, DbError> {
        let members = json.as_object().ok_or_else(|| DbError::syntax(json, "table schema is no object"))?;
        only(json, members, &["columns", "maxRows", "isRoot", "indexes"])?;
        let Some(Json::Object(named)) = members.get("columns") else {
            return Err(DbError::syntax(json, format!("table {name} without \"columns\"")));
        };
        let mut columns = Vec::with_capacity(named.len());
        for (column, schema) in named {
            if !is_id(column) || column.starts_with('_') {
                return Err(DbError::syntax(json, format!("bad column name \"{column}\"")));
            }
            columns.push(ColumnSchema::from_json(column, schema)?);
        }
        let max_rows = match members.get("maxRows") {
            None => usize::MAX,
            Some(Json::Integer(n @ 1..)) => usize::try_from(*n).unwrap_or(usize::MAX),
            Some(other) => return Err(DbError::syntax(other, "maxRows must be at least 1")),
        };
        let is_root = flag(members, "isRoot", false)?;
        let mut table =
            TableSchema { name: name.to_owned(), columns, is_root, max_rows, indexes: Vec::new() };
        if let Some(indexes) = members.get("indexes") {
            let list = indexes.as_array().ok_or_else(|| DbError::syntax(indexes, "indexes is no array"))?;
            table.indexes =
                list.iter().map(|index| table.index_from_json(index)).collect::<Result<_, _>>()?;
        }
        Ok(table)
    }

    fn index_from_json(&self, json: &Json) -> Result<Vec<ColumnId>, DbError> {
        let wrong = |what: &str| DbError::syntax(json, what);
        let names = json.as_array().ok_or_else(|| wrong("index is no array"))?;
        let mut index = Vec::with_capacity(names.len());
        for name in names {
            let id = name.as_str().and_then(|name| self.column(name));
            let id = id.ok_or_else(|| wrong("index over an unknown column"))?;
            if index.contains(&id) {
                return Err(wrong("index names a column twice"));
            }
            if self.columns[id.0].ephemeral {
                return Err(wrong("index over an ephemeral column"));
            }
            index.push(id);
        }
        if index.is_empty() { Err(wrong("index over no columns")) } else { Ok(index) }
    }

    pub(super) fn to_json(&self, default_is_root: bool) -> Json {
        let columns = self.columns.iter().map(|c| (c.name.as_str(), c.to_json()));
        let mut members = vec![("columns", Json::object(columns))];
        members.extend((self.is_root && !default_is_root).then_some(("isRoot", Json::Bool(true))));
        if self.max_rows != usize::MAX {
            members.push(("maxRows", Json::from(self.max_rows as i64)));
        }
        if !self.indexes.is_empty() {
            let name = |id: &ColumnId| Json::from(self.columns[id.0].name.as_str());
            let indexes = self.indexes.iter().map(|index| Json::array(index.iter().map(name)));
            members.push(("indexes", Json::array(indexes)));
        }
        Json::object(members)
    }
}

/// Refuses members that are not `known`.
pub(super) fn only(json: &Json, members: &Object, known: &[&str]) -> Result<(), DbError> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(DbError::syntax(json, format!("member \"{name}\" is not known here"))),
        None => Ok(()),
    }
}

fn flag(members: &Object, name: &str, default: bool) -> Result<bool, DbError> {
    match members.get(name) {
        None => Ok(default),
        Some(Json::Bool(b)) => Ok(*b),
        Some(other) => Err(DbError::syntax(other, format!("\"{name}\" must be a boolean"))),
    }
}
