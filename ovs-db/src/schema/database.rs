//! Whole schemas.

use std::fmt;
use std::str::FromStr;

use crate::error::{DbError, ErrorTag};
use crate::json::Json;

use super::is_id;
use super::table::{ColumnId, TableSchema, only};
use super::types::RefKind;

/// The number of a table within its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub usize);

/// Where in a table's rows references stand, and what they lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The column.
    pub column: ColumnId,
    /// True for the values of a map, false for its keys or the elements of a set.
    pub in_value: bool,
    /// The table referred to.
    pub target: TableId,
    /// What the reference demands.
    pub kind: RefKind,
}

/// The schema of one database.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    name: String,
    version: Option<String>,
    cksum: Option<String>,
    tables: Vec<TableSchema>,
    /// The references of each table.
    references: Vec<Vec<Reference>>,
    /// All tables are roots: then none says so.
    all_roots: bool,
}

impl Schema {
    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The schema's version, of the form `x.y.z`.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The checksum that the schema's author gave.
    pub fn cksum(&self) -> Option<&str> {
        self.cksum.as_deref()
    }

    /// All tables with their numbers, in the order of their names.
    pub fn tables(&self) -> impl Iterator<Item = (TableId, &TableSchema)> {
        self.tables.iter().enumerate().map(|(i, t)| (TableId(i), t))
    }

    /// The table called `name`.
    pub fn table_id(&self, name: &str) -> Option<TableId> {
        self.tables.binary_search_by(|t| t.name.as_str().cmp(name)).ok().map(TableId)
    }

    /// The table with number `id`, which must come from this schema.
    pub fn table(&self, id: TableId) -> &TableSchema {
        &self.tables[id.0]
    }

    /// Where the rows of `id` refer to other rows.
    pub fn references(&self, id: TableId) -> &[Reference] {
        &self.references[id.0]
    }

    /// Reads a `<database-schema>`; also checks that references lead to tables that exist.
    pub fn from_json(json: &Json) -> Result<Schema, DbError> {
        let members = json.as_object().ok_or_else(|| DbError::syntax(json, "schema is no object"))?;
        only(json, members, &["name", "version", "cksum", "tables"])?;
        let text = |member: &str| match members.get(member) {
            None => Ok(None),
            Some(Json::String(s)) => Ok(Some(s.clone())),
            Some(other) => Err(DbError::syntax(other, format!("\"{member}\" must be a string"))),
        };
        let name = text("name")?.filter(|name| is_id(name));
        let name = name.ok_or_else(|| DbError::new(ErrorTag::SyntaxError, "schema without a good name"))?;
        let version = text("version")?;
        if let Some(version) = version.as_deref().filter(|v| !is_version(v)) {
            let what = format!("schema version \"{version}\" is not of the form x.y.z");
            return Err(DbError::new(ErrorTag::SyntaxError, what));
        }
        let Some(Json::Object(named)) = members.get("tables") else {
            return Err(DbError::new(ErrorTag::SyntaxError, "schema without \"tables\""));
        };
        let mut tables = Vec::with_capacity(named.len());
        for (table, schema) in named {
            if !is_id(table) || table.starts_with('_') {
                return Err(DbError::new(ErrorTag::SyntaxError, format!("bad table name \"{table}\"")));
            }
            tables.push(TableSchema::from_json(table, schema)?);
        }
        // Schemas from before the word `isRoot` do not have it: all their tables are roots.
        let before_roots = !tables.iter().any(|t| t.is_root);
        for table in &mut tables {
            table.is_root |= before_roots;
        }
        let all_roots = tables.iter().all(|t| t.is_root);
        let references = find_references(&mut tables)?;
        Ok(Schema { name, version, cksum: text("cksum")?, tables, references, all_roots })
    }

    /// The `<database-schema>`.
    pub fn to_json(&self) -> Json {
        let tables = self.tables.iter().map(|t| (t.name.as_str(), t.to_json(self.all_roots)));
        let mut members = vec![("name", Json::from(self.name.as_str())), ("tables", Json::object(tables))];
        members.extend(self.version.as_deref().map(|v| ("version", Json::from(v))));
        members.extend(self.cksum.as_deref().map(|c| ("cksum", Json::from(c))));
        Json::object(members)
    }
}

impl FromStr for Schema {
    type Err = DbError;

    /// Reads the text of a schema file.
    fn from_str(text: &str) -> Result<Schema, DbError> {
        let json =
            text.parse::<Json>().map_err(|e| DbError::new(ErrorTag::SyntaxError, format!("schema: {e}")))?;
        Schema::from_json(&json)
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_json().fmt(f)
    }
}

/// Finds where each table refers to others, and makes those columns persistent whose references keep
/// rows alive.
fn find_references(tables: &mut [TableSchema]) -> Result<Vec<Vec<Reference>>, DbError> {
    let targets: Vec<(String, bool)> = tables.iter().map(|t| (t.name.clone(), t.is_root)).collect();
    let mut all = Vec::with_capacity(tables.len());
    for table in tables {
        let mut references = Vec::new();
        for (i, column) in table.columns.iter_mut().enumerate() {
            for (in_value, base) in column.kind.bases().enumerate() {
                let Some((target, kind)) = base.reference() else { continue };
                let Some(id) = targets.iter().position(|(name, _)| name == target) else {
                    let what = format!("{}.{} refers to unknown table {target}", table.name, column.name);
                    return Err(DbError::new(ErrorTag::SyntaxError, what));
                };
                let keeps_alive = kind == RefKind::Strong && !targets[id].1;
                column.persistent |= keeps_alive;
                column.ephemeral &= !keeps_alive;
                // A weak reference goes with its row, whatever else may change.
                column.mutable |= kind == RefKind::Weak;
                let (column, target) = (ColumnId(i), TableId(id));
                references.push(Reference { column, in_value: in_value == 1, target, kind });
            }
        }
        all.push(references);
    }
    Ok(all)
}

fn is_version(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    parts.len() == 3 && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}
