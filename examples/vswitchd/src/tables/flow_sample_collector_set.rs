//! Table `Flow_Sample_Collector_Set`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Ref, Table};

use super::{Bridge, Ipfix};

/// A row of table `Flow_Sample_Collector_Set`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowSampleCollectorSet(Row);

impl Table for FlowSampleCollectorSet {
    const TABLE: &'static str = "Flow_Sample_Collector_Set";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "bridge",
        "external_ids",
        "id",
        "ipfix",
        "local_group_id",
    ];

    fn from_row(row: Row) -> Self {
        FlowSampleCollectorSet(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl FlowSampleCollectorSet {
    /// `bridge`: row of `Bridge`.
    pub const BRIDGE: Column<FlowSampleCollectorSet, Ref<Bridge>> = Column::new("bridge");
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<FlowSampleCollectorSet, BTreeMap<String, String>> = Column::new("external_ids");
    /// `id`: integer (0 to 4294967295).
    pub const ID: Column<FlowSampleCollectorSet, i64> = Column::new("id");
    /// `ipfix`: at most one row of `IPFIX`.
    pub const IPFIX: Column<FlowSampleCollectorSet, Option<Ref<Ipfix>>> = Column::new("ipfix");
    /// `local_group_id`: at most one integer (0 to 4294967295).
    pub const LOCAL_GROUP_ID: Column<FlowSampleCollectorSet, Option<i64>> = Column::new("local_group_id");

    /// `bridge`: row of `Bridge`.
    pub fn bridge(&self) -> Ref<Bridge> {
        Self::BRIDGE.of(self)
    }

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `id`: integer (0 to 4294967295).
    pub fn id(&self) -> i64 {
        Self::ID.of(self)
    }

    /// `ipfix`: at most one row of `IPFIX`.
    pub fn ipfix(&self) -> Option<Ref<Ipfix>> {
        Self::IPFIX.of(self)
    }

    /// `local_group_id`: at most one integer (0 to 4294967295).
    pub fn local_group_id(&self) -> Option<i64> {
        Self::LOCAL_GROUP_ID.of(self)
    }
}
