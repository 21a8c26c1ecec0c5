//! Counters of tables.

use ovs_flow::TableId;
use ovs_openflow::TableStats;

use crate::bridge::BridgeState;
use crate::switch::Switch;

/// What 1.0 can wildcard: everything.
const WILDCARDS_V10: u32 = 0x003f_ffff;

/// A table's name.
pub(super) fn table_name(bridge: &BridgeState, table: TableId) -> String {
    let config = bridge.config.flow_tables.get(&table.0);
    config.and_then(|config| config.name.clone()).unwrap_or_else(|| format!("table{table}"))
}

impl Switch {
    /// How many rules fit into a table.
    pub(super) fn table_limit(&self, bridge: &BridgeState, table: TableId) -> u32 {
        let limit = bridge.config.flow_tables.get(&table.0).and_then(|config| config.flow_limit);
        let limit = limit.unwrap_or(1_000_000).min(self.config.limits.rules_per_table);
        u32::try_from(limit).unwrap_or(u32::MAX)
    }

    pub(super) fn table_stats(&self, name: &str) -> Vec<TableStats> {
        let Some(bridge) = self.bridges.get(name) else { return Vec::new() };
        let visible = (0..=u8::MAX).map(TableId).filter(|table| Self::is_visible(*table));
        visible
            .map(|table| {
                let counters = bridge.tables.counters(table);
                TableStats {
                    table,
                    name: table_name(bridge, table),
                    wildcards: WILDCARDS_V10,
                    max_entries: self.table_limit(bridge, table),
                    active: bridge.tables.get(table).map_or(0, |table| table.active as u32),
                    lookups: counters.lookups,
                    matched: counters.matches,
                    ..TableStats::default()
                }
            })
            .collect()
    }
}
