//! Table `CT_Timeout_Policy`.
// Made by ovs_db::codegen; not to be edited.

use std::collections::BTreeMap;

use ovs_db::client::Row;
use ovs_db::client::typed::{Column, Table};

/// A row of table `CT_Timeout_Policy`.
#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtTimeoutPolicy(Row);

impl Table for CtTimeoutPolicy {
    const TABLE: &'static str = "CT_Timeout_Policy";
    const ALL_COLUMNS: &'static [&'static str] = &[
        "external_ids",
        "timeouts",
    ];

    fn from_row(row: Row) -> Self {
        CtTimeoutPolicy(row)
    }

    fn row(&self) -> &Row {
        &self.0
    }
}

#[allow(dead_code, clippy::wrong_self_convention, reason = "a schema has more than a program uses, and its own names")]
impl CtTimeoutPolicy {
    /// `external_ids`: a map from string to string.
    pub const EXTERNAL_IDS: Column<CtTimeoutPolicy, BTreeMap<String, String>> = Column::new("external_ids");
    /// `timeouts`: a map from string (one of `icmp_first`, `icmp_reply`, `tcp_close`, `tcp_close_wait`, `tcp_established`, `tcp_fin_wait`, `tcp_last_ack`, `tcp_retransmit`, `tcp_syn_recv`, `tcp_syn_sent`, `tcp_syn_sent2`, `tcp_time_wait`, `tcp_unack`, `udp_first`, `udp_multiple`, `udp_single`) to integer (0 to 4294967295).
    pub const TIMEOUTS: Column<CtTimeoutPolicy, BTreeMap<String, i64>> = Column::new("timeouts");

    /// `external_ids`: a map from string to string.
    pub fn external_ids(&self) -> BTreeMap<&str, &str> {
        self.0.get_map("external_ids")
    }

    /// `timeouts`: a map from string (one of `icmp_first`, `icmp_reply`, `tcp_close`, `tcp_close_wait`, `tcp_established`, `tcp_fin_wait`, `tcp_last_ack`, `tcp_retransmit`, `tcp_syn_recv`, `tcp_syn_sent`, `tcp_syn_sent2`, `tcp_time_wait`, `tcp_unack`, `udp_first`, `udp_multiple`, `udp_single`) to integer (0 to 4294967295).
    pub fn timeouts(&self) -> BTreeMap<String, i64> {
        Self::TIMEOUTS.of(self)
    }
}
