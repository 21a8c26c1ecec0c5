//! Database schemas (RFC 7047 section 3.2): databases, tables, columns and their types.

mod types;

pub use types::{AtomType, BaseType, ColumnType, Constraint, RefKind};
