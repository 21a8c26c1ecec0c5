//! Rust types from a schema, as text: for a file that is committed, or for `build.rs`.
//!
//! For each table there is a type of its rows, which implements [`Table`](crate::client::typed::Table), with a
//! [`Column`](crate::client::typed::Column) constant and a reading method for each column.
//!
//! In a crate that has `ovs-db` under `[dependencies]` and `[build-dependencies]`, `build.rs` is
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let schema = std::fs::read_to_string("my.ovsschema")?.parse()?;
//! let out = std::path::Path::new(&std::env::var("OUT_DIR")?).join("my.rs");
//! std::fs::write(out, ovs_db::codegen::Codegen::new(&schema).text())?;
//! println!("cargo::rerun-if-changed=my.ovsschema");
//! # Ok(())
//! # }
//! ```
//!
//! and the crate says `mod my { include!(concat!(env!("OUT_DIR"), "/my.rs")); }`.

mod names;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::schema::{Schema, TableSchema};
use names::{Taken, constant_name, escaped, function_name, type_name};

/// Writes the types of one schema. Equal schemas give equal text.
#[derive(Clone, Debug)]
pub struct Codegen<'a> {
    schema: &'a Schema,
    /// The names of the tables' types, in the order of the tables.
    types: Vec<String>,
    ovs_db: String,
}

impl<'a> Codegen<'a> {
    /// Types for all tables of a schema.
    pub fn new(schema: &'a Schema) -> Self {
        let mut taken = Taken::default();
        // What the text uses itself.
        for name in ["BTreeMap", "Column", "Option", "Ref", "Row", "String", "Table", "Uuid", "Vec", "Value"]
        {
            taken.take_type(name.to_owned());
        }
        let types = schema.tables().map(|(_, table)| taken.take_type(type_name(&table.name))).collect();
        Codegen { schema, types, ovs_db: "ovs_db".to_owned() }
    }

    /// Sets under which path the text finds this crate; `ovs_db` if nothing is said.
    pub fn crate_path(mut self, path: impl Into<String>) -> Self {
        self.ovs_db = path.into();
        self
    }

    /// Everything as the inside of one module.
    pub fn text(&self) -> String {
        let mut out = self.imports(self.schema.tables().map(|(_, table)| table));
        out.push_str(&self.constants());
        for ((_, table), name) in self.schema.tables().zip(&self.types) {
            out.push('\n');
            self.table(table, name, &mut out);
        }
        out
    }

    /// Everything as files by name: `mod.rs`, and one for each table.
    pub fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let mut taken = Taken::default();
        taken.take("mod".to_owned());
        let mut head = format!("//! The tables of the schema {}.\n{GENERATED}\n", self.title());
        let mut exports = String::new();
        for ((_, table), name) in self.schema.tables().zip(&self.types) {
            let file = taken.take(function_name(&table.name));
            let module = escaped(&file);
            let _ = writeln!(head, "mod {module};");
            let _ = writeln!(exports, "pub use {module}::{name};");
            let mut text = format!("//! Table `{}`.\n{GENERATED}\n", table.name);
            text += &self.imports(std::iter::once(table));
            let others = self.referred(table).into_iter().filter(|other| other != name);
            let others: Vec<String> = others.collect();
            if !others.is_empty() {
                let _ = writeln!(text, "\nuse super::{{{}}};", others.join(", "));
            }
            text.push('\n');
            self.table(table, name, &mut text);
            files.insert(format!("{file}.rs"), text);
        }
        files.insert("mod.rs".to_owned(), format!("{head}\n{exports}{}", self.constants()));
        files
    }

    fn title(&self) -> String {
        let version = self.schema.version().map(|version| format!(" {version}")).unwrap_or_default();
        format!("`{}`{version}", self.schema.name())
    }

    /// What says of which schema this is.
    fn constants(&self) -> String {
        let mut out = format!(
            "\n/// The database's name.\n{UNUSED}pub const DATABASE: &str = {:?};\n",
            self.schema.name()
        );
        if let Some(version) = self.schema.version() {
            let _ =
                write!(out, "/// The schema's version.\n{UNUSED}pub const VERSION: &str = {version:?};\n");
        }
        out
    }

    fn type_of(&self, table: &str) -> String {
        let id = self.schema.table_id(table);
        id.and_then(|id| self.types.get(id.0)).cloned().unwrap_or_default()
    }

    /// The types of the tables that a table refers to.
    fn referred(&self, table: &TableSchema) -> Vec<String> {
        let bases = table.columns.iter().flat_map(|column| column.kind.bases());
        let tables = bases.filter_map(|base| base.reference()).map(|(table, _)| self.type_of(table));
        let mut tables: Vec<String> = tables.collect();
        tables.sort();
        tables.dedup();
        tables
    }

    /// Just what the tables need, so that nothing is unused.
    fn imports<'t>(&self, tables: impl Iterator<Item = &'t TableSchema>) -> String {
        let columns = tables.flat_map(|table| &table.columns);
        let kinds: Vec<String> =
            columns.map(|column| types::value(&column.kind, &|t| self.type_of(t))).collect();
        let uses = |word: &str| kinds.iter().any(|kind| kind.contains(word));
        let mut out = String::new();
        if uses("BTreeMap<") {
            out.push_str("use std::collections::BTreeMap;\n\n");
        }
        let _ = writeln!(out, "use {}::client::Row;", self.ovs_db);
        let mut typed = if kinds.is_empty() { vec![] } else { vec!["Column"] };
        typed.extend(uses("Ref<").then_some("Ref"));
        typed.push("Table");
        let typed = if typed.len() > 1 { format!("{{{}}}", typed.join(", ")) } else { typed.concat() };
        let _ = writeln!(out, "use {}::client::typed::{typed};", self.ovs_db);
        if kinds.iter().any(|kind| is_word(kind, "Uuid")) {
            let _ = writeln!(out, "use {}::value::Uuid;", self.ovs_db);
        }
        out
    }

    fn table(&self, table: &TableSchema, name: &str, out: &mut String) {
        let (mut constants, mut methods) = (String::new(), String::new());
        let (mut taken_constants, mut taken_methods) = (Taken::default(), Taken::default());
        for column in &table.columns {
            let constant = taken_constants.take(constant_name(&column.name));
            let method = escaped(&taken_methods.take(function_name(&column.name)));
            let value = types::value(&column.kind, &|table| self.type_of(table));
            let doc = format!("    /// `{}`: {}.\n", column.name, types::description(column));
            let _ = writeln!(
                constants,
                "{doc}    pub const {constant}: Column<{name}, {value}> = Column::new({:?});",
                column.name
            );
            let (kind, body) = match types::borrowed(&column.kind) {
                Some((kind, getter)) => (kind, format!("self.0.{getter}({:?})", column.name)),
                None => (value.as_str(), format!("Self::{constant}.of(self)")),
            };
            let _ =
                write!(methods, "\n{doc}    pub fn {method}(&self) -> {kind} {{\n        {body}\n    }}\n");
        }
        let columns: Vec<String> = table.columns.iter().map(|column| format!("{:?}", column.name)).collect();
        let list = match columns.as_slice() {
            [] => "&[]".to_owned(),
            columns => format!("&[\n        {},\n    ]", columns.join(",\n        ")),
        };
        let _ = write!(
            out,
            "/// A row of table `{table}`.\n{UNUSED}#[derive(Clone, Debug, PartialEq, Eq)]\npub struct {name}(Row);\n\n\
             impl Table for {name} {{\n    const TABLE: &'static str = {table:?};\n    \
             const ALL_COLUMNS: &'static [&'static str] = {list};\n\n    \
             fn from_row(row: Row) -> Self {{\n        {name}(row)\n    }}\n\n    \
             fn row(&self) -> &Row {{\n        &self.0\n    }}\n}}\n",
            table = table.name
        );
        if !table.columns.is_empty() {
            let _ = write!(out, "\n{UNUSED}impl {name} {{\n{constants}{methods}}}\n");
        }
    }
}

/// Whether a type names another one.
fn is_word(kind: &str, word: &str) -> bool {
    kind.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|part| part == word)
}

/// Stands before every item.
const UNUSED: &str = "#[allow(dead_code, clippy::wrong_self_convention, reason = \"a schema has more than a program uses, and its own names\")]\n";

const GENERATED: &str = "// Made by ovs_db::codegen; not to be edited.\n";
