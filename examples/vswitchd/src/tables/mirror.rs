//! Table `Mirror`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{Port};

/// A row of table `Mirror`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror(Row);

impl Table for Mirror {
    const TABLE: &'static str = "Mirror";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "external_ids",
        "filter",
        "name",
        "output_port",
        "output_vlan",
        "select_all",
        "select_dst_port",
        "select_src_port",
        "select_vlan",
        "snaplen",
        "statistics",
    ];

    fn from_row(row: Row) -> Self {
        Mirror(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Mirror {
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Mirror, BTreeMap<String, String>> = Column::new("external_ids");
    /// `filter`: at most one string.
    pub const FILTER: Column<Mirror, Option<String>> = Column::new("filter");
    /// `name`: string.
    pub const NAME: Column<Mirror, String> = Column::new("name");
    /// `output_port`: at most one row of `Port` (weak).
    pub const OUTPUT_PORT: Column<Mirror, Option<Ref<Port>>> = Column::new("output_port");
    /// `output_vlan`: at most one integer (1 to 4095).
    pub const OUTPUT_VLAN: Column<Mirror, Option<i64>> = Column::new("output_vlan");
    /// `select_all`: boolean.
    pub const SELECT_ALL: Column<Mirror, bool> = Column::new("select_all");
    /// `select_dst_port`: a set of row of `Port` (weak).
    pub const SELECT_DST_PORT: Column<Mirror, Vec<Ref<Port>>> = Column::new("select_dst_port");
    /// `select_src_port`: a set of row of `Port` (weak).
    pub const SELECT_SRC_PORT: Column<Mirror, Vec<Ref<Port>>> = Column::new("select_src_port");
    /// `select_vlan`: a set of integer (0 to 4095), at most 4096.
    pub const SELECT_VLAN: Column<Mirror, Vec<i64>> = Column::new("select_vlan");
    /// `snaplen`: at most one integer (14 to 65535).
    pub const SNAPLEN: Column<Mirror, Option<i64>> = Column::new("snaplen");
    /// `statistics`: a map from string to integer; not kept over a restart.
    pub const STATISTICS: Column<Mirror, BTreeMap<String, i64>> = Column::new("statistics");

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `filter`: at most one string.
    pub fn filter(&self) -> Option<&str> {
        self.0.get_optional_string("filter")
    }

    /// `name`: string.
    pub fn name(&self) -> &str {
        self.0.get_string("name")
    }

    /// `output_port`: at most one row of `Port` (weak).
    pub fn output_port(&self) -> Option<Ref<Port>> {
        Self::OUTPUT_PORT.of(self)
    }

    /// `output_vlan`: at most one integer (1 to 4095).
    pub fn output_vlan(&self) -> Option<i64> {
        Self::OUTPUT_VLAN.of(self)
    }

    /// `select_all`: boolean.
    pub fn select_all(&self) -> bool {
        Self::SELECT_ALL.of(self)
    }

    /// `select_dst_port`: a set of row of `Port` (weak).
    pub fn select_dst_port(&self) -> Vec<Ref<Port>> {
        Self::SELECT_DST_PORT.of(self)
    }

    /// `select_src_port`: a set of row of `Port` (weak).
    pub fn select_src_port(&self) -> Vec<Ref<Port>> {
        Self::SELECT_SRC_PORT.of(self)
    }

    /// `select_vlan`: a set of integer (0 to 4095), at most 4096.
    pub fn select_vlan(&self) -> Vec<i64> {
        Self::SELECT_VLAN.of(self)
    }

    /// `snaplen`: at most one integer (14 to 65535).
    pub fn snaplen(&self) -> Option<i64> {
        Self::SNAPLEN.of(self)
    }

    /// `statistics`: a map from string to integer; not kept over a restart.
    pub fn statistics(&self) -> BTreeMap<String, i64> {
        Self::STATISTICS.of(self)
    }
}
