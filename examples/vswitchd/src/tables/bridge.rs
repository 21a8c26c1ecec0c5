//! Table `Bridge`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{AutoAttach, Controller, FlowTable, Ipfix, Mirror, NetFlow, Port, SFlow};

/// A row of table `Bridge`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge(Row);

impl Table for Bridge {
    const TABLE: &'static str = "Bridge";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "auto_attach",
        "controller",
        "datapath_id",
        "datapath_type",
        "datapath_version",
        "external_ids",
        "fail_mode",
        "flood_vlans",
        "flow_tables",
        "ipfix",
        "mcast_snooping_enable",
        "mirrors",
        "name",
        "netflow",
        "other_config",
        "ports",
        "protocols",
        "rstp_enable",
        "rstp_status",
        "sflow",
        "status",
        "stp_enable",
    ];

    fn from_row(row: Row) -> Self {
        Bridge(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Bridge {
    /// `auto_attach`: at most one row of `AutoAttach`.
    pub const AUTO_ATTACH: Column<Bridge, Option<Ref<AutoAttach>>> = Column::new("auto_attach");
    /// `controller`: a set of row of `Controller`.
    pub const CONTROLLER: Column<Bridge, Vec<Ref<Controller>>> = Column::new("controller");
    /// `datapath_id`: at most one string; not kept over a restart.
    pub const DATAPATH_ID: Column<Bridge, Option<String>> = Column::new("datapath_id");
    /// `datapath_type`: string.
    pub const DATAPATH_TYPE: Column<Bridge, String> = Column::new("datapath_type");
    /// `datapath_version`: string.
    pub const DATAPATH_VERSION: Column<Bridge, String> = Column::new("datapath_version");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Bridge, BTreeMap<String, String>> = Column::new("external_ids");
    /// `fail_mode`: at most one string (one of `secure`, `standalone`).
    pub const FAIL_MODE: Column<Bridge, Option<String>> = Column::new("fail_mode");
    /// `flood_vlans`: a set of integer (0 to 4095), at most 4096.
    pub const FLOOD_VLANS: Column<Bridge, Vec<i64>> = Column::new("flood_vlans");
    /// `flow_tables`: a map from integer (0 to 254) to row of `Flow_Table`.
    pub const FLOW_TABLES: Column<Bridge, BTreeMap<i64, Ref<FlowTable>>> = Column::new("flow_tables");
    /// `ipfix`: at most one row of `IPFIX`.
    pub const IPFIX: Column<Bridge, Option<Ref<Ipfix>>> = Column::new("ipfix");
    /// `mcast_snooping_enable`: boolean.
    pub const MCAST_SNOOPING_ENABLE: Column<Bridge, bool> = Column::new("mcast_snooping_enable");
    /// `mirrors`: a set of row of `Mirror`.
    pub const MIRRORS: Column<Bridge, Vec<Ref<Mirror>>> = Column::new("mirrors");
    /// `name`: string; set by the insert only.
    pub const NAME: Column<Bridge, String> = Column::new("name");
    /// `netflow`: at most one row of `NetFlow`.
    pub const NETFLOW: Column<Bridge, Option<Ref<NetFlow>>> = Column::new("netflow");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<Bridge, BTreeMap<String, String>> = Column::new("other_config");
    /// `ports`: a set of row of `Port`.
    pub const PORTS: Column<Bridge, Vec<Ref<Port>>> = Column::new("ports");
    /// `protocols`: a set of string (one of `OpenFlow10`, `OpenFlow11`, `OpenFlow12`, `OpenFlow13`, `OpenFlow14`, `OpenFlow15`).
    pub const PROTOCOLS: Column<Bridge, Vec<String>> = Column::new("protocols");
    /// `rstp_enable`: boolean.
    pub const RSTP_ENABLE: Column<Bridge, bool> = Column::new("rstp_enable");
    /// `rstp_status`: a map from string to string; not kept over a restart.
    pub const RSTP_STATUS: Column<Bridge, BTreeMap<String, String>> = Column::new("rstp_status");
    /// `sflow`: at most one row of `sFlow`.
    pub const SFLOW: Column<Bridge, Option<Ref<SFlow>>> = Column::new("sflow");
    /// `status`: a map from string to string; not kept over a restart.
    pub const STATUS: Column<Bridge, BTreeMap<String, String>> = Column::new("status");
    /// `stp_enable`: boolean.
    pub const STP_ENABLE: Column<Bridge, bool> = Column::new("stp_enable");

    /// `auto_attach`: at most one row of `AutoAttach`.
    pub fn auto_attach(&self) -> Option<Ref<AutoAttach>> {
        Self::AUTO_ATTACH.of(self)
    }

    /// `controller`: a set of row of `Controller`.
    pub fn controller(&self) -> Vec<Ref<Controller>> {
        Self::CONTROLLER.of(self)
    }

    /// `datapath_id`: at most one string; not kept over a restart.
    pub fn datapath_id(&self) -> Option<&str> {
        self.0.get_optional_string("datapath_id")
    }

    /// `datapath_type`: string.
    pub fn datapath_type(&self) -> &str {
        self.0.get_string("datapath_type")
    }

    /// `datapath_version`: string.
    pub fn datapath_version(&self) -> &str {
        self.0.get_string("datapath_version")
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `fail_mode`: at most one string (one of `secure`, `standalone`).
    pub fn fail_mode(&self) -> Option<&str> {
        self.0.get_optional_string("fail_mode")
    }

    /// `flood_vlans`: a set of integer (0 to 4095), at most 4096.
    pub fn flood_vlans(&self) -> Vec<i64> {
        Self::FLOOD_VLANS.of(self)
    }

    /// `flow_tables`: a map from integer (0 to 254) to row of `Flow_Table`.
    pub fn flow_tables(&self) -> BTreeMap<i64, Ref<FlowTable>> {
        Self::FLOW_TABLES.of(self)
    }

    /// `ipfix`: at most one row of `IPFIX`.
    pub fn ipfix(&self) -> Option<Ref<Ipfix>> {
        Self::IPFIX.of(self)
    }

    /// `mcast_snooping_enable`: boolean.
    pub fn mcast_snooping_enable(&self) -> bool {
        Self::MCAST_SNOOPING_ENABLE.of(self)
    }

    /// `mirrors`: a set of row of `Mirror`.
    pub fn mirrors(&self) -> Vec<Ref<Mirror>> {
        Self::MIRRORS.of(self)
    }

    /// `name`: string; set by the insert only.
    pub fn name(&self) -> &str {
        self.0.get_string("name")
    }

    /// `netflow`: at most one row of `NetFlow`.
    pub fn netflow(&self) -> Option<Ref<NetFlow>> {
        Self::NETFLOW.of(self)
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `ports`: a set of row of `Port`.
    pub fn ports(&self) -> Vec<Ref<Port>> {
        Self::PORTS.of(self)
    }

    /// `protocols`: a set of string (one of `OpenFlow10`, `OpenFlow11`, `OpenFlow12`, `OpenFlow13`, `OpenFlow14`, `OpenFlow15`).
    pub fn protocols(&self) -> Vec<&str> {
        self.0.get_strings("protocols")
    }

    /// `rstp_enable`: boolean.
    pub fn rstp_enable(&self) -> bool {
        Self::RSTP_ENABLE.of(self)
    }

    /// `rstp_status`: a map from string to string; not kept over a restart.
    pub fn rstp_status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("rstp_status")
    }

    /// `sflow`: at most one row of `sFlow`.
    pub fn sflow(&self) -> Option<Ref<SFlow>> {
        Self::SFLOW.of(self)
    }

    /// `status`: a map from string to string; not kept over a restart.
    pub fn status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("status")
    }

    /// `stp_enable`: boolean.
    pub fn stp_enable(&self) -> bool {
        Self::STP_ENABLE.of(self)
    }
}
