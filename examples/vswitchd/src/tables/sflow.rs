//! Table `sFlow`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `sFlow`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SFlow(Row);

impl Table for SFlow {
    const TABLE: &'static str = "sFlow";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "agent",
        "external_ids",
        "header",
        "polling",
        "sampling",
        "targets",
    ];

    fn from_row(row: Row) -> Self {
        SFlow(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl SFlow {
    /// `agent`: at most one string.
    pub const AGENT: Column<SFlow, Option<String>> = Column::new("agent");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<SFlow, BTreeMap<String, String>> = Column::new("external_ids");
    /// `header`: at most one integer.
    pub const HEADER: Column<SFlow, Option<i64>> = Column::new("header");
    /// `polling`: at most one integer.
    pub const POLLING: Column<SFlow, Option<i64>> = Column::new("polling");
    /// `sampling`: at most one integer.
    pub const SAMPLING: Column<SFlow, Option<i64>> = Column::new("sampling");
    /// `targets`: a set of string, at least one.
    pub const TARGETS: Column<SFlow, Vec<String>> = Column::new("targets");

    /// `agent`: at most one string.
    pub fn agent(&self) -> Option<&str> {
        self.0.get_optional_string("agent")
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `header`: at most one integer.
    pub fn header(&self) -> Option<i64> {
        Self::HEADER.of(self)
    }

    /// `polling`: at most one integer.
    pub fn polling(&self) -> Option<i64> {
        Self::POLLING.of(self)
    }

    /// `sampling`: at most one integer.
    pub fn sampling(&self) -> Option<i64> {
        Self::SAMPLING.of(self)
    }

    /// `targets`: a set of string, at least one.
    pub fn targets(&self) -> Vec<&str> {
        self.0.get_strings("targets")
    }
}
