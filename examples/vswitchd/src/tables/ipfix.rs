//! Table `IPFIX`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `IPFIX`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipfix(Row);

impl Table for Ipfix {
    const TABLE: &'static str = "IPFIX";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "cache_active_timeout",
        "cache_max_flows",
        "external_ids",
        "obs_domain_id",
        "obs_point_id",
        "other_config",
        "sampling",
        "stats_interval",
        "targets",
        "template_interval",
    ];

    fn from_row(row: Row) -> Self {
        Ipfix(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl Ipfix {
    /// `cache_active_timeout`: at most one integer (0 to 4200).
    pub const CACHE_ACTIVE_TIMEOUT: Column<Ipfix, Option<i64>> = Column::new("cache_active_timeout");
    /// `cache_max_flows`: at most one integer (0 to 4294967295).
    pub const CACHE_MAX_FLOWS: Column<Ipfix, Option<i64>> = Column::new("cache_max_flows");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<Ipfix, BTreeMap<String, String>> = Column::new("external_ids");
    /// `obs_domain_id`: at most one integer (0 to 4294967295).
    pub const OBS_DOMAIN_ID: Column<Ipfix, Option<i64>> = Column::new("obs_domain_id");
    /// `obs_point_id`: at most one integer (0 to 4294967295).
    pub const OBS_POINT_ID: Column<Ipfix, Option<i64>> = Column::new("obs_point_id");
    /// `other_config`: a map from string to string.
    pub const OTHER_CONFIG: Column<Ipfix, BTreeMap<String, String>> = Column::new("other_config");
    /// `sampling`: at most one integer (1 to 4294967295).
    pub const SAMPLING: Column<Ipfix, Option<i64>> = Column::new("sampling");
    /// `stats_interval`: at most one integer (1 to 3600).
    pub const STATS_INTERVAL: Column<Ipfix, Option<i64>> = Column::new("stats_interval");
    /// `targets`: a set of string.
    pub const TARGETS: Column<Ipfix, Vec<String>> = Column::new("targets");
    /// `template_interval`: at most one integer (1 to 3600).
    pub const TEMPLATE_INTERVAL: Column<Ipfix, Option<i64>> = Column::new("template_interval");

    /// `cache_active_timeout`: at most one integer (0 to 4200).
    pub fn cache_active_timeout(&self) -> Option<i64> {
        Self::CACHE_ACTIVE_TIMEOUT.of(self)
    }

    /// `cache_max_flows`: at most one integer (0 to 4294967295).
    pub fn cache_max_flows(&self) -> Option<i64> {
        Self::CACHE_MAX_FLOWS.of(self)
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `obs_domain_id`: at most one integer (0 to 4294967295).
    pub fn obs_domain_id(&self) -> Option<i64> {
        Self::OBS_DOMAIN_ID.of(self)
    }

    /// `obs_point_id`: at most one integer (0 to 4294967295).
    pub fn obs_point_id(&self) -> Option<i64> {
        Self::OBS_POINT_ID.of(self)
    }

    /// `other_config`: a map from string to string.
    pub fn other_config(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("other_config")
    }

    /// `sampling`: at most one integer (1 to 4294967295).
    pub fn sampling(&self) -> Option<i64> {
        Self::SAMPLING.of(self)
    }

    /// `stats_interval`: at most one integer (1 to 3600).
    pub fn stats_interval(&self) -> Option<i64> {
        Self::STATS_INTERVAL.of(self)
    }

    /// `targets`: a set of string.
    pub fn targets(&self) -> Vec<&str> {
        self.0.get_strings("targets")
    }

    /// `template_interval`: at most one integer (1 to 3600).
    pub fn template_interval(&self) -> Option<i64> {
        Self::TEMPLATE_INTERVAL.of(self)
    }
}
