//! Table `Interface`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `Interface`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface(Row);

impl Table for Interface {
    const TABLE: &'static str = "Interface";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "admin_state",
        "bfd",
        "bfd_status",
        "cfm_fault",
        "cfm_fault_status",
        "cfm_flap_count",
        "cfm_health",
        "cfm_mpid",
        "cfm_remote_mpids",
        "cfm_remote_opstate",
        "duplex",
        "error",
        "external_ids",
        "ifindex",
        "ingress_policing_burst",
        "ingress_policing_kpkts_burst",
        "ingress_policing_kpkts_rate",
        "ingress_policing_rate",
        "lacp_current",
        "link_resets",
        "link_speed",
        "link_state",
        "lldp",
        "mac",
        "mac_in_use",
        "mtu",
        "mtu_request",
        "name",
        "ofport",
        "ofport_request",
        "options",
        "other_config",
        "statistics",
        "status",
        "type",
    ];

    fn from_row(row: Row) -> Self {
        Interface(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Interface {
    /// `admin_state`: at most one string (one of `down`, `up`); not kept over a restart.
    pub const ADMIN_STATE: Column<Interface, Option<String>> = Column::new("admin_state");
    /// `bfd`: a map from string to string.
    pub const BFD: Column<Interface, BTreeMap<String, String>> = Column::new("bfd");
    /// `bfd_status`: a map from string to string; not kept over a restart.
    pub const BFD_STATUS: Column<Interface, BTreeMap<String, String>> = Column::new("bfd_status");
    /// `cfm_fault`: at most one boolean; not kept over a restart.
    pub const CFM_FAULT: Column<Interface, Option<bool>> = Column::new("cfm_fault");
    /// `cfm_fault_status`: a set of string; not kept over a restart.
    pub const CFM_FAULT_STATUS: Column<Interface, Vec<String>> = Column::new("cfm_fault_status");
    /// `cfm_flap_count`: at most one integer.
    pub const CFM_FLAP_COUNT: Column<Interface, Option<i64>> = Column::new("cfm_flap_count");
    /// `cfm_health`: at most one integer (0 to 100); not kept over a restart.
    pub const CFM_HEALTH: Column<Interface, Option<i64>> = Column::new("cfm_health");
    /// `cfm_mpid`: at most one integer.
    pub const CFM_MPID: Column<Interface, Option<i64>> = Column::new("cfm_mpid");
    /// `cfm_remote_mpids`: a set of integer; not kept over a restart.
    pub const CFM_REMOTE_MPIDS: Column<Interface, Vec<i64>> = Column::new("cfm_remote_mpids");
    /// `cfm_remote_opstate`: at most one string (one of `down`, `up`); not kept over a restart.
    pub const CFM_REMOTE_OPSTATE: Column<Interface, Option<String>> = Column::new("cfm_remote_opstate");
    /// `duplex`: at most one string (one of `full`, `half`); not kept over a restart.
    pub const DUPLEX: Column<Interface, Option<String>> = Column::new("duplex");
    /// `error`: at most one string.
    pub const ERROR: Column<Interface, Option<String>> = Column::new("error");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Interface, BTreeMap<String, String>> = Column::new("external_ids");
    /// `ifindex`: at most one integer (0 to 4294967295); not kept over a restart.
    pub const IFINDEX: Column<Interface, Option<i64>> = Column::new("ifindex");
    /// `ingress_policing_burst`: integer (at least 0).
    pub const INGRESS_POLICING_BURST: Column<Interface, i64> = Column::new("ingress_policing_burst");
    /// `ingress_policing_kpkts_burst`: integer (at least 0).
    pub const INGRESS_POLICING_KPKTS_BURST: Column<Interface, i64> = Column::new("ingress_policing_kpkts_burst");
    /// `ingress_policing_kpkts_rate`: integer (at least 0).
    pub const INGRESS_POLICING_KPKTS_RATE: Column<Interface, i64> = Column::new("ingress_policing_kpkts_rate");
    /// `ingress_policing_rate`: integer (at least 0).
    pub const INGRESS_POLICING_RATE: Column<Interface, i64> = Column::new("ingress_policing_rate");
    /// `lacp_current`: at most one boolean; not kept over a restart.
    pub const LACP_CURRENT: Column<Interface, Option<bool>> = Column::new("lacp_current");
    /// `link_resets`: at most one integer; not kept over a restart.
    pub const LINK_RESETS: Column<Interface, Option<i64>> = Column::new("link_resets");
    /// `link_speed`: at most one integer; not kept over a restart.
    pub const LINK_SPEED: Column<Interface, Option<i64>> = Column::new("link_speed");
    /// `link_state`: at most one string (one of `down`, `up`); not kept over a restart.
    pub const LINK_STATE: Column<Interface, Option<String>> = Column::new("link_state");
    /// `lldp`: a map from string to string.
    pub const LLDP: Column<Interface, BTreeMap<String, String>> = Column::new("lldp");
    /// `mac`: at most one string.
    pub const MAC: Column<Interface, Option<String>> = Column::new("mac");
    /// `mac_in_use`: at most one string; not kept over a restart.
    pub const MAC_IN_USE: Column<Interface, Option<String>> = Column::new("mac_in_use");
    /// `mtu`: at most one integer; not kept over a restart.
    pub const MTU: Column<Interface, Option<i64>> = Column::new("mtu");
    /// `mtu_request`: at most one integer (at least 1).
    pub const MTU_REQUEST: Column<Interface, Option<i64>> = Column::new("mtu_request");
    /// `name`: string; set by the insert only.
    pub const NAME: Column<Interface, String> = Column::new("name");
    /// `ofport`: at most one integer.
    pub const OFPORT: Column<Interface, Option<i64>> = Column::new("ofport");
    /// `ofport_request`: at most one integer (1 to 65279).
    pub const OFPORT_REQUEST: Column<Interface, Option<i64>> = Column::new("ofport_request");
    /// `options`: a map from string to string.
    pub const OPTIONS: Column<Interface, BTreeMap<String, String>> = Column::new("options");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<Interface, BTreeMap<String, String>> = Column::new("other_config");
    /// `statistics`: a map from string to integer; not kept over a restart.
    pub const STATISTICS: Column<Interface, BTreeMap<String, i64>> = Column::new("statistics");
    /// `status`: a map from string to string; not kept over a restart.
    pub const STATUS: Column<Interface, BTreeMap<String, String>> = Column::new("status");
    /// `type`: string.
    pub const TYPE: Column<Interface, String> = Column::new("type");

    /// `admin_state`: at most one string (one of `down`, `up`); not kept over a restart.
    pub fn admin_state(&self) -> Option<&str> {
        self.0.get_optional_string("admin_state")
    }

    /// `bfd`: a map from string to string.
    pub fn bfd(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("bfd")
    }

    /// `bfd_status`: a map from string to string; not kept over a restart.
    pub fn bfd_status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("bfd_status")
    }

    /// `cfm_fault`: at most one boolean; not kept over a restart.
    pub fn cfm_fault(&self) -> Option<bool> {
        Self::CFM_FAULT.of(self)
    }

    /// `cfm_fault_status`: a set of string; not kept over a restart.
    pub fn cfm_fault_status(&self) -> Vec<&str> {
        self.0.get_strings("cfm_fault_status")
    }

    /// `cfm_flap_count`: at most one integer.
    pub fn cfm_flap_count(&self) -> Option<i64> {
        Self::CFM_FLAP_COUNT.of(self)
    }

    /// `cfm_health`: at most one integer (0 to 100); not kept over a restart.
    pub fn cfm_health(&self) -> Option<i64> {
        Self::CFM_HEALTH.of(self)
    }

    /// `cfm_mpid`: at most one integer.
    pub fn cfm_mpid(&self) -> Option<i64> {
        Self::CFM_MPID.of(self)
    }

    /// `cfm_remote_mpids`: a set of integer; not kept over a restart.
    pub fn cfm_remote_mpids(&self) -> Vec<i64> {
        Self::CFM_REMOTE_MPIDS.of(self)
    }

    /// `cfm_remote_opstate`: at most one string (one of `down`, `up`); not kept over a restart.
    pub fn cfm_remote_opstate(&self) -> Option<&str> {
        self.0.get_optional_string("cfm_remote_opstate")
    }

    /// `duplex`: at most one string (one of `full`, `half`); not kept over a restart.
    pub fn duplex(&self) -> Option<&str> {
        self.0.get_optional_string("duplex")
    }

    /// `error`: at most one string.
    pub fn error(&self) -> Option<&str> {
        self.0.get_optional_string("error")
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `ifindex`: at most one integer (0 to 4294967295); not kept over a restart.
    pub fn ifindex(&self) -> Option<i64> {
        Self::IFINDEX.of(self)
    }

    /// `ingress_policing_burst`: integer (at least 0).
    pub fn ingress_policing_burst(&self) -> i64 {
        Self::INGRESS_POLICING_BURST.of(self)
    }

    /// `ingress_policing_kpkts_burst`: integer (at least 0).
    pub fn ingress_policing_kpkts_burst(&self) -> i64 {
        Self::INGRESS_POLICING_KPKTS_BURST.of(self)
    }

    /// `ingress_policing_kpkts_rate`: integer (at least 0).
    pub fn ingress_policing_kpkts_rate(&self) -> i64 {
        Self::INGRESS_POLICING_KPKTS_RATE.of(self)
    }

    /// `ingress_policing_rate`: integer (at least 0).
    pub fn ingress_policing_rate(&self) -> i64 {
        Self::INGRESS_POLICING_RATE.of(self)
    }

    /// `lacp_current`: at most one boolean; not kept over a restart.
    pub fn lacp_current(&self) -> Option<bool> {
        Self::LACP_CURRENT.of(self)
    }

    /// `link_resets`: at most one integer; not kept over a restart.
    pub fn link_resets(&self) -> Option<i64> {
        Self::LINK_RESETS.of(self)
    }

    /// `link_speed`: at most one integer; not kept over a restart.
    pub fn link_speed(&self) -> Option<i64> {
        Self::LINK_SPEED.of(self)
    }

    /// `link_state`: at most one string (one of `down`, `up`); not kept over a restart.
    pub fn link_state(&self) -> Option<&str> {
        self.0.get_optional_string("link_state")
    }

    /// `lldp`: a map from string to string.
    pub fn lldp(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("lldp")
    }

    /// `mac`: at most one string.
    pub fn mac(&self) -> Option<&str> {
        self.0.get_optional_string("mac")
    }

    /// `mac_in_use`: at most one string; not kept over a restart.
    pub fn mac_in_use(&self) -> Option<&str> {
        self.0.get_optional_string("mac_in_use")
    }

    /// `mtu`: at most one integer; not kept over a restart.
    pub fn mtu(&self) -> Option<i64> {
        Self::MTU.of(self)
    }

    /// `mtu_request`: at most one integer (at least 1).
    pub fn mtu_request(&self) -> Option<i64> {
        Self::MTU_REQUEST.of(self)
    }

    /// `name`: string; set by the insert only.
    pub fn name(&self) -> &str {
        self.0.get_string("name")
    }

    /// `ofport`: at most one integer.
    pub fn ofport(&self) -> Option<i64> {
        Self::OFPORT.of(self)
    }

    /// `ofport_request`: at most one integer (1 to 65279).
    pub fn ofport_request(&self) -> Option<i64> {
        Self::OFPORT_REQUEST.of(self)
    }

    /// `options`: a map from string to string.
    pub fn options(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("options")
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `statistics`: a map from string to integer; not kept over a restart.
    pub fn statistics(&self) -> BTreeMap<String, i64> {
        Self::STATISTICS.of(self)
    }

    /// `status`: a map from string to string; not kept over a restart.
    pub fn status(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("status")
    }

    /// `type`: string.
    pub fn r#type(&self) -> &str {
        self.0.get_string("type")
    }
}
