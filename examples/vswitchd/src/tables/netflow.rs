//! Table `NetFlow`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `NetFlow`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetFlow(Row);

impl Table for NetFlow {
    const TABLE: &'static str = "NetFlow";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "active_timeout",
        "add_id_to_interface",
        "engine_id",
        "engine_type",
        "external_ids",
        "targets",
    ];

    fn from_row(row: Row) -> Self {
        NetFlow(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl NetFlow {
    /// `active_timeout`: integer (at least -1).
    pub const ACTIVE_TIMEOUT: Column<NetFlow, i64> = Column::new("active_timeout");
    /// `add_id_to_interface`: boolean.
    pub const ADD_ID_TO_INTERFACE: Column<NetFlow, bool> = Column::new("add_id_to_interface");
    /// `engine_id`: at most one integer (0 to 255).
    pub const ENGINE_ID: Column<NetFlow, Option<i64>> = Column::new("engine_id");
    /// `engine_type`: at most one integer (0 to 255).
    pub const ENGINE_TYPE: Column<NetFlow, Option<i64>> = Column::new("engine_type");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<NetFlow, BTreeMap<String, String>> = Column::new("external_ids");
    /// `targets`: a set of string, at least one.
    pub const TARGETS: Column<NetFlow, Vec<String>> = Column::new("targets");

    /// `active_timeout`: integer (at least -1).
    pub fn active_timeout(&self) -> i64 {
        Self::ACTIVE_TIMEOUT.of(self)
    }

    /// `add_id_to_interface`: boolean.
    pub fn add_id_to_interface(&self) -> bool {
        Self::ADD_ID_TO_INTERFACE.of(self)
    }

    /// `engine_id`: at most one integer (0 to 255).
    pub fn engine_id(&self) -> Option<i64> {
        Self::ENGINE_ID.of(self)
    }

    /// `engine_type`: at most one integer (0 to 255).
    pub fn engine_type(&self) -> Option<i64> {
        Self::ENGINE_TYPE.of(self)
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `targets`: a set of string, at least one.
    pub fn targets(&self) -> Vec<&str> {
        self.0.get_strings("targets")
    }
}
