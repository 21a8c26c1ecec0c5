//! Table `Flow_Table`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `Flow_Table`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowTable(Row);

impl Table for FlowTable {
    const TABLE: &'static str = "Flow_Table";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "external_ids",
        "flow_limit",
        "groups",
        "name",
        "overflow_policy",
        "prefixes",
    ];

    fn from_row(row: Row) -> Self {
        FlowTable(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl FlowTable {
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<FlowTable, BTreeMap<String, String>> = Column::new("external_ids");
    /// `flow_limit`: at most one integer (at least 0).
    pub const FLOW_LIMIT: Column<FlowTable, Option<i64>> = Column::new("flow_limit");
    /// `groups`: a set of string.
    pub const GROUPS: Column<FlowTable, Vec<String>> = Column::new("groups");
    /// `name`: at most one string.
    pub const NAME: Column<FlowTable, Option<String>> = Column::new("name");
    /// `overflow_policy`: at most one string (one of `evict`, `refuse`).
    pub const OVERFLOW_POLICY: Column<FlowTable, Option<String>> = Column::new("overflow_policy");
    /// `prefixes`: a set of string, at most 4.
    pub const PREFIXES: Column<FlowTable, Vec<String>> = Column::new("prefixes");

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `flow_limit`: at most one integer (at least 0).
    pub fn flow_limit(&self) -> Option<i64> {
        Self::FLOW_LIMIT.of(self)
    }

    /// `groups`: a set of string.
    pub fn groups(&self) -> Vec<&str> {
        self.0.get_strings("groups")
    }

    /// `name`: at most one string.
    pub fn name(&self) -> Option<&str> {
        self.0.get_optional_string("name")
    }

    /// `overflow_policy`: at most one string (one of `evict`, `refuse`).
    pub fn overflow_policy(&self) -> Option<&str> {
        self.0.get_optional_string("overflow_policy")
    }

    /// `prefixes`: a set of string, at most 4.
    pub fn prefixes(&self) -> Vec<&str> {
        self.0.get_strings("prefixes")
    }
}
