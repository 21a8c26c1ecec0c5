//! Table `QoS`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{Queue};

/// A row of table `QoS`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QoS(Row);

impl Table for QoS {
    const TABLE: &'static str = "QoS";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "external_ids",
        "other_config",
        "queues",
        "type",
    ];

    fn from_row(row: Row) -> Self {
        QoS(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl QoS {
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<QoS, BTreeMap<String, String>> = Column::new("external_ids");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<QoS, BTreeMap<String, String>> = Column::new("other_config");
    /// `queues`: a map from integer (0 to 4294967295) to row of `Queue`.
    pub const QUEUES: Column<QoS, BTreeMap<i64, Ref<Queue>>> = Column::new("queues");
    /// `type`: string.
    pub const TYPE: Column<QoS, String> = Column::new("type");

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `queues`: a map from integer (0 to 4294967295) to row of `Queue`.
    pub fn queues(&self) -> BTreeMap<i64, Ref<Queue>> {
        Self::QUEUES.of(self)
    }

    /// `type`: string.
    pub fn r#type(&self) -> &str {
        self.0.get_string("type")
    }
}
