//! Table `AutoAttach`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `AutoAttach`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoAttach(Row);

impl Table for AutoAttach {
    const TABLE: &'static str = "AutoAttach";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "mappings",
        "system_description",
        "system_name",
    ];

    fn from_row(row: Row) -> Self {
        AutoAttach(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl AutoAttach {
    /// `mappings`: a map from integer (0 to 16777215) to integer (0 to 4095).
    pub const MAPPINGS: Column<AutoAttach, BTreeMap<i64, i64>> = Column::new("mappings");
    /// `system_description`: string.
    pub const SYSTEM_DESCRIPTION: Column<AutoAttach, String> = Column::new("system_description");
    /// `system_name`: string.
    pub const SYSTEM_NAME: Column<AutoAttach, String> = Column::new("system_name");

    /// `mappings`: a map from integer (0 to 16777215) to integer (0 to 4095).
    pub fn mappings(&self) -> BTreeMap<i64, i64> {
        Self::MAPPINGS.of(self)
    }

    /// `system_description`: string.
    pub fn system_description(&self) -> &str {
        self.0.get_string("system_description")
    }

    /// `system_name`: string.
    pub fn system_name(&self) -> &str {
        self.0.get_string("system_name")
    }
}
