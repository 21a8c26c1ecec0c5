//! Table `Manager`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `Manager`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager(Row);

impl Table for Manager {
    const TABLE: &'static str = "Manager";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "connection_mode",
        "external_ids",
        "inactivity_probe",
        "is_connected",
        "max_backoff",
        "other_config",
        "status",
        "target",
    ];

    fn from_row(row: Row) -> Self {
        Manager(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Manager {
    /// `connection_mode`: at most one string (one of `in-band`, `out-of-band`).
    pub const CONNECTION_MODE: Column<Manager, Option<String>> = Column::new("connection_mode");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Manager, BTreeMap<String, String>> = Column::new("external_ids");
    /// `inactivity_probe`: at most one integer.
    pub const INACTIVITY_PROBE: Column<Manager, Option<i64>> = Column::new("inactivity_probe");
    /// `is_connected`: boolean; not kept over a restart.
    pub const IS_CONNECTED: Column<Manager, bool> = Column::new("is_connected");
    /// `max_backoff`: at most one integer (at least 1000).
    pub const MAX_BACKOFF: Column<Manager, Option<i64>> = Column::new("max_backoff");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<Manager, BTreeMap<String, String>> = Column::new("other_config");
    /// `status`: a map from string to string; not kept over a restart.
    pub const STATUS: Column<Manager, BTreeMap<String, String>> = Column::new("status");
    /// `target`: string.
    pub const TARGET: Column<Manager, String> = Column::new("target");

    /// `connection_mode`: at most one string (one of `in-band`, `out-of-band`).
    pub fn connection_mode(&self) -> Option<&str> {
        self.0.get_optional_string("connection_mode")
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `inactivity_probe`: at most one integer.
    pub fn inactivity_probe(&self) -> Option<i64> {
        Self::INACTIVITY_PROBE.of(self)
    }

    /// `is_connected`: boolean; not kept over a restart.
    pub fn is_connected(&self) -> bool {
        Self::IS_CONNECTED.of(self)
    }

    /// `max_backoff`: at most one integer (at least 1000).
    pub fn max_backoff(&self) -> Option<i64> {
        Self::MAX_BACKOFF.of(self)
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `status`: a map from string to string; not kept over a restart.
    pub fn status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("status")
    }

    /// `target`: string.
    pub fn target(&self) -> &str {
        self.0.get_string("target")
    }
}
