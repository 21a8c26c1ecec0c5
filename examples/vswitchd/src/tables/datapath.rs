//! Table `Datapath`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{CtZone};

/// A row of table `Datapath`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datapath(Row);

impl Table for Datapath {
    const TABLE: &'static str = "Datapath";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "capabilities",
        "ct_zone_default_limit",
        "ct_zones",
        "datapath_version",
        "external_ids",
    ];

    fn from_row(row: Row) -> Self {
        Datapath(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Datapath {
    /// `capabilities`: a map from string to string.
    pub const CAPABILITIES: Column<Datapath, BTreeMap<String, String>> = Column::new("capabilities");
    /// `ct_zone_default_limit`: at most one integer (0 to 4294967295).
    pub const CT_ZONE_DEFAULT_LIMIT: Column<Datapath, Option<i64>> = Column::new("ct_zone_default_limit");
    /// `ct_zones`: a map from integer (0 to 65535) to row of `CT_Zone`.
    pub const CT_ZONES: Column<Datapath, BTreeMap<i64, Ref<CtZone>>> = Column::new("ct_zones");
    /// `datapath_version`: string.
    pub const DATAPATH_VERSION: Column<Datapath, String> = Column::new("datapath_version");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Datapath, BTreeMap<String, String>> = Column::new("external_ids");

    /// `capabilities`: a map from string to string.
    pub fn capabilities(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("capabilities")
    }

    /// `ct_zone_default_limit`: at most one integer (0 to 4294967295).
    pub fn ct_zone_default_limit(&self) -> Option<i64> {
        Self::CT_ZONE_DEFAULT_LIMIT.of(self)
    }

    /// `ct_zones`: a map from integer (0 to 65535) to row of `CT_Zone`.
    pub fn ct_zones(&self) -> BTreeMap<i64, Ref<CtZone>> {
        Self::CT_ZONES.of(self)
    }

    /// `datapath_version`: string.
    pub fn datapath_version(&self) -> &str {
        self.0.get_string("datapath_version")
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }
}
