//! Table `CT_Zone`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{CtTimeoutPolicy};

/// A row of table `CT_Zone`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtZone(Row);

impl Table for CtZone {
    const TABLE: &'static str = "CT_Zone";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "external_ids",
        "limit",
        "timeout_policy",
    ];

    fn from_row(row: Row) -> Self {
        CtZone(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl CtZone {
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<CtZone, BTreeMap<String, String>> = Column::new("external_ids");
    /// `limit`: at most one integer (0 to 4294967295).
    pub const LIMIT: Column<CtZone, Option<i64>> = Column::new("limit");
    /// `timeout_policy`: at most one row of `CT_Timeout_Policy`.
    pub const TIMEOUT_POLICY: Column<CtZone, Option<Ref<CtTimeoutPolicy>>> = Column::new("timeout_policy");

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `limit`: at most one integer (0 to 4294967295).
    pub fn limit(&self) -> Option<i64> {
        Self::LIMIT.of(self)
    }

    /// `timeout_policy`: at most one row of `CT_Timeout_Policy`.
    pub fn timeout_policy(&self) -> Option<Ref<CtTimeoutPolicy>> {
        Self::TIMEOUT_POLICY.of(self)
    }
}
