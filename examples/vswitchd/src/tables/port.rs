//! Table `Port`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{Interface, QoS};

/// A row of table `Port`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port(Row);

impl Table for Port {
    const TABLE: &'static str = "Port";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "bond_active_slave",
        "bond_downdelay",
        "bond_fake_iface",
        "bond_mode",
        "bond_updelay",
        "cvlans",
        "external_ids",
        "fake_bridge",
        "interfaces",
        "lacp",
        "mac",
        "name",
        "other_config",
        "protected",
        "qos",
        "rstp_statistics",
        "rstp_status",
        "statistics",
        "status",
        "tag",
        "trunks",
        "vlan_mode",
    ];

    fn from_row(row: Row) -> Self {
        Port(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Port {
    /// `bond_active_slave`: at most one string.
    pub const BOND_ACTIVE_SLAVE: Column<Port, Option<String>> = Column::new("bond_active_slave");
    /// `bond_downdelay`: integer.
    pub const BOND_DOWNDELAY: Column<Port, i64> = Column::new("bond_downdelay");
    /// `bond_fake_iface`: boolean.
    pub const BOND_FAKE_IFACE: Column<Port, bool> = Column::new("bond_fake_iface");
    /// `bond_mode`: at most one string (one of `active-backup`, `balance-slb`, `balance-tcp`).
    pub const BOND_MODE: Column<Port, Option<String>> = Column::new("bond_mode");
    /// `bond_updelay`: integer.
    pub const BOND_UPDELAY: Column<Port, i64> = Column::new("bond_updelay");
    /// `cvlans`: a set of integer (0 to 4095), at most 4096.
    pub const CVLANS: Column<Port, Vec<i64>> = Column::new("cvlans");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Port, BTreeMap<String, String>> = Column::new("external_ids");
    /// `fake_bridge`: boolean.
    pub const FAKE_BRIDGE: Column<Port, bool> = Column::new("fake_bridge");
    /// `interfaces`: a set of row of `Interface`, at least one.
    pub const INTERFACES: Column<Port, Vec<Ref<Interface>>> = Column::new("interfaces");
    /// `lacp`: at most one string (one of `active`, `off`, `passive`).
    pub const LACP: Column<Port, Option<String>> = Column::new("lacp");
    /// `mac`: at most one string.
    pub const MAC: Column<Port, Option<String>> = Column::new("mac");
    /// `name`: string; set by the insert only.
    pub const NAME: Column<Port, String> = Column::new("name");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<Port, BTreeMap<String, String>> = Column::new("other_config");
    /// `protected`: boolean.
    pub const PROTECTED: Column<Port, bool> = Column::new("protected");
    /// `qos`: at most one row of `QoS`.
    pub const QOS: Column<Port, Option<Ref<QoS>>> = Column::new("qos");
    /// `rstp_statistics`: a map from string to integer; not kept over a restart.
    pub const RSTP_STATISTICS: Column<Port, BTreeMap<String, i64>> = Column::new("rstp_statistics");
    /// `rstp_status`: a map from string to string; not kept over a restart.
    pub const RSTP_STATUS: Column<Port, BTreeMap<String, String>> = Column::new("rstp_status");
    /// `statistics`: a map from string to integer; not kept over a restart.
    pub const STATISTICS: Column<Port, BTreeMap<String, i64>> = Column::new("statistics");
    /// `status`: a map from string to string; not kept over a restart.
    pub const STATUS: Column<Port, BTreeMap<String, String>> = Column::new("status");
    /// `tag`: at most one integer (0 to 4095).
    pub const TAG: Column<Port, Option<i64>> = Column::new("tag");
    /// `trunks`: a set of integer (0 to 4095), at most 4096.
    pub const TRUNKS: Column<Port, Vec<i64>> = Column::new("trunks");
    /// `vlan_mode`: at most one string (one of `access`, `dot1q-tunnel`, `native-tagged`, `native-untagged`, `trunk`).
    pub const VLAN_MODE: Column<Port, Option<String>> = Column::new("vlan_mode");

    /// `bond_active_slave`: at most one string.
    pub fn bond_active_slave(&self) -> Option<&str> {
        self.0.get_optional_string("bond_active_slave")
    }

    /// `bond_downdelay`: integer.
    pub fn bond_downdelay(&self) -> i64 {
        Self::BOND_DOWNDELAY.of(self)
    }

    /// `bond_fake_iface`: boolean.
    pub fn bond_fake_iface(&self) -> bool {
        Self::BOND_FAKE_IFACE.of(self)
    }

    /// `bond_mode`: at most one string (one of `active-backup`, `balance-slb`, `balance-tcp`).
    pub fn bond_mode(&self) -> Option<&str> {
        self.0.get_optional_string("bond_mode")
    }

    /// `bond_updelay`: integer.
    pub fn bond_updelay(&self) -> i64 {
        Self::BOND_UPDELAY.of(self)
    }

    /// `cvlans`: a set of integer (0 to 4095), at most 4096.
    pub fn cvlans(&self) -> Vec<i64> {
        Self::CVLANS.of(self)
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `fake_bridge`: boolean.
    pub fn fake_bridge(&self) -> bool {
        Self::FAKE_BRIDGE.of(self)
    }

    /// `interfaces`: a set of row of `Interface`, at least one.
    pub fn interfaces(&self) -> Vec<Ref<Interface>> {
        Self::INTERFACES.of(self)
    }

    /// `lacp`: at most one string (one of `active`, `off`, `passive`).
    pub fn lacp(&self) -> Option<&str> {
        self.0.get_optional_string("lacp")
    }

    /// `mac`: at most one string.
    pub fn mac(&self) -> Option<&str> {
        self.0.get_optional_string("mac")
    }

    /// `name`: string; set by the insert only.
    pub fn name(&self) -> &str {
        self.0.get_string("name")
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `protected`: boolean.
    pub fn protected(&self) -> bool {
        Self::PROTECTED.of(self)
    }

    /// `qos`: at most one row of `QoS`.
    pub fn qos(&self) -> Option<Ref<QoS>> {
        Self::QOS.of(self)
    }

    /// `rstp_statistics`: a map from string to integer; not kept over a restart.
    pub fn rstp_statistics(&self) -> BTreeMap<String, i64> {
        Self::RSTP_STATISTICS.of(self)
    }

    /// `rstp_status`: a map from string to string; not kept over a restart.
    pub fn rstp_status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("rstp_status")
    }

    /// `statistics`: a map from string to integer; not kept over a restart.
    pub fn statistics(&self) -> BTreeMap<String, i64> {
        Self::STATISTICS.of(self)
    }

    /// `status`: a map from string to string; not kept over a restart.
    pub fn status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("status")
    }

    /// `tag`: at most one integer (0 to 4095).
    pub fn tag(&self) -> Option<i64> {
        Self::TAG.of(self)
    }

    /// `trunks`: a set of integer (0 to 4095), at most 4096.
    pub fn trunks(&self) -> Vec<i64> {
        Self::TRUNKS.of(self)
    }

    /// `vlan_mode`: at most one string (one of `access`, `dot1q-tunnel`, `native-tagged`, `native-untagged`, `trunk`).
    pub fn vlan_mode(&self) -> Option<&str> {
        self.0.get_optional_string("vlan_mode")
    }
}
