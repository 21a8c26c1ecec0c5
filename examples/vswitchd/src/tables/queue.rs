//! Table `Queue`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `Queue`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue(Row);

impl Table for Queue {
    const TABLE: &'static str = "Queue";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "dscp",
        "external_ids",
        "other_config",
    ];

    fn from_row(row: Row) -> Self {
        Queue(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Queue {
    /// `dscp`: at most one integer (0 to 63).
    pub const DSCP: Column<Queue, Option<i64>> = Column::new("dscp");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Queue, BTreeMap<String, String>> = Column::new("external_ids");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<Queue, BTreeMap<String, String>> = Column::new("other_config");

    /// `dscp`: at most one integer (0 to 63).
    pub fn dscp(&self) -> Option<i64> {
        Self::DSCP.of(self)
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }
}
