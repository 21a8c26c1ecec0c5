//! Database schemas (RFC 7047 section 3.2): databases, tables, columns and their types.
//!
//! A [`Schema`] is read once and never changes. Its tables and columns are numbered by [`TableId`] and
//! [`ColumnId`], in the order of their names, so that rows are plain arrays.

mod database;
mod table;
#[cfg(test)]
mod tests;
mod types;

pub use database::{Reference, Schema, TableId};
pub use table::{ColumnId, ColumnSchema, TableSchema};
pub use types::{AtomType, BaseType, ColumnType, Constraint, RefKind};

/// The text of the `Open_vSwitch` schema, version 8.8.0.
pub const OPEN_VSWITCH: &str = include_str!("../../schema/vswitch.ovsschema");

/// The text of the `_Server` schema, in which a server describes the databases it serves.
pub const SERVER: &str = include_str!("../../schema/_server.ovsschema");

/// True for names of databases, tables and columns: letters, digits and underscores, no digit first.
pub(crate) fn is_id(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
