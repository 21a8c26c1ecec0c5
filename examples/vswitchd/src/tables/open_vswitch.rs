//! Table `Open_vSwitch`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{Bridge, Datapath, Manager, Ssl};

/// A row of table `Open_vSwitch`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenVSwitch(Row);

impl Table for OpenVSwitch {
    const TABLE: &'static str = "Open_vSwitch";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "bridges",
        "cur_cfg",
        "datapath_types",
        "datapaths",
        "db_version",
        "dpdk_initialized",
        "dpdk_version",
        "external_ids",
        "iface_types",
        "manager_options",
        "next_cfg",
        "other_config",
        "ovs_version",
        "ssl",
        "statistics",
        "system_type",
        "system_version",
    ];

    fn from_row(row: Row) -> Self {
        OpenVSwitch(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl OpenVSwitch {
    /// `bridges`: a set of row of `Bridge`.
    pub const BRIDGES: Column<OpenVSwitch, Vec<Ref<Bridge>>> = Column::new("bridges");
    /// `cur_cfg`: integer.
    pub const CUR_CFG: Column<OpenVSwitch, i64> = Column::new("cur_cfg");
    /// `datapath_types`: a set of string.
    pub const DATAPATH_TYPES: Column<OpenVSwitch, Vec<String>> = Column::new("datapath_types");
    /// `datapaths`: a map from string to row of `Datapath`.
    pub const DATAPATHS: Column<OpenVSwitch, BTreeMap<String, Ref<Datapath>>> = Column::new("datapaths");
    /// `db_version`: at most one string.
    pub const DB_VERSION: Column<OpenVSwitch, Option<String>> = Column::new("db_version");
    /// `dpdk_initialized`: boolean.
    pub const DPDK_INITIALIZED: Column<OpenVSwitch, bool> = Column::new("dpdk_initialized");
    /// `dpdk_version`: at most one string.
    pub const DPDK_VERSION: Column<OpenVSwitch, Option<String>> = Column::new("dpdk_version");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<OpenVSwitch, BTreeMap<String, String>> = Column::new("external_ids");
    /// `iface_types`: a set of string.
    pub const IFACE_TYPES: Column<OpenVSwitch, Vec<String>> = Column::new("iface_types");
    /// `manager_options`: a set of row of `Manager`.
    pub const MANAGER_OPTIONS: Column<OpenVSwitch, Vec<Ref<Manager>>> = Column::new("manager_options");
    /// `next_cfg`: integer.
    pub const NEXT_CFG: Column<OpenVSwitch, i64> = Column::new("next_cfg");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<OpenVSwitch, BTreeMap<String, String>> = Column::new("other_config");
    /// `ovs_version`: at most one string.
    pub const OVS_VERSION: Column<OpenVSwitch, Option<String>> = Column::new("ovs_version");
    /// `ssl`: at most one row of `SSL`.
    pub const SSL: Column<OpenVSwitch, Option<Ref<Ssl>>> = Column::new("ssl");
    /// `statistics`: a map from string to string; not kept over a restart.
    pub const STATISTICS: Column<OpenVSwitch, BTreeMap<String, String>> = Column::new("statistics");
    /// `system_type`: at most one string.
    pub const SYSTEM_TYPE: Column<OpenVSwitch, Option<String>> = Column::new("system_type");
    /// `system_version`: at most one string.
    pub const SYSTEM_VERSION: Column<OpenVSwitch, Option<String>> = Column::new("system_version");

    /// `bridges`: a set of row of `Bridge`.
    pub fn bridges(&self) -> Vec<Ref<Bridge>> {
        Self::BRIDGES.of(self)
    }

    /// `cur_cfg`: integer.
    pub fn cur_cfg(&self) -> i64 {
        Self::CUR_CFG.of(self)
    }

    /// `datapath_types`: a set of string.
    pub fn datapath_types(&self) -> Vec<&str> {
        self.0.get_strings("datapath_types")
    }

    /// `datapaths`: a map from string to row of `Datapath`.
    pub fn datapaths(&self) -> BTreeMap<String, Ref<Datapath>> {
        Self::DATAPATHS.of(self)
    }

    /// `db_version`: at most one string.
    pub fn db_version(&self) -> Option<&str> {
        self.0.get_optional_string("db_version")
    }

    /// `dpdk_initialized`: boolean.
    pub fn dpdk_initialized(&self) -> bool {
        Self::DPDK_INITIALIZED.of(self)
    }

    /// `dpdk_version`: at most one string.
    pub fn dpdk_version(&self) -> Option<&str> {
        self.0.get_optional_string("dpdk_version")
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `iface_types`: a set of string.
    pub fn iface_types(&self) -> Vec<&str> {
        self.0.get_strings("iface_types")
    }

    /// `manager_options`: a set of row of `Manager`.
    pub fn manager_options(&self) -> Vec<Ref<Manager>> {
        Self::MANAGER_OPTIONS.of(self)
    }

    /// `next_cfg`: integer.
    pub fn next_cfg(&self) -> i64 {
        Self::NEXT_CFG.of(self)
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `ovs_version`: at most one string.
    pub fn ovs_version(&self) -> Option<&str> {
        self.0.get_optional_string("ovs_version")
    }

    /// `ssl`: at most one row of `SSL`.
    pub fn ssl(&self) -> Option<Ref<Ssl>> {
        Self::SSL.of(self)
    }

    /// `statistics`: a map from string to string; not kept over a restart.
    pub fn statistics(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("statistics")
    }

    /// `system_type`: at most one string.
    pub fn system_type(&self) -> Option<&str> {
        self.0.get_optional_string("system_type")
    }

    /// `system_version`: at most one string.
    pub fn system_version(&self) -> Option<&str> {
        self.0.get_optional_string("system_version")
    }
}
