//! Counters of tables.

use ovs_flow::TableId;
use ovs_openflow::{TableAbilities, TableStats, Version};

use crate::bridge::BridgeState;
use crate::switch::Switch;
use crate::table::Miss;

/// What 1.0 can wildcard: everything.
const WILDCARDS_V10: u32 = 0x003f_ffff;

/// A table's name; none if nobody gave it one.
pub(super) fn table_name(bridge: &BridgeState, table: TableId) -> String {
    let config = bridge.config.flow_tables.get(&table.0);
    config.and_then(|config| config.name.clone()).unwrap_or_default()
}

/// What every table can do, as 1.1 and 1.2 put it: all that they can say.
fn abilities(bridge: &BridgeState, table: TableId, version: Version) -> TableAbilities {
    let last = table.0 + 1 == TableId::INTERNAL.0;
    let mut told = TableAbilities::default();
    // goto_table, write_metadata, write_actions, apply_actions, clear_actions; from the last table nothing goes on.
    told.instructions = if last { 0x3c } else { 0x3e };
    if version == Version::V11 {
        (told.matches, told.wildcards) = (0xfbff, 0xfbff);
        (told.write_actions, told.apply_actions) = (0x01ff_e7ff, 0x01ff_e7ff);
    } else {
        (told.matches, told.wildcards) = (0x101f_ffff_fffd, 0x101f_ffff_fffd);
        (told.write_actions, told.apply_actions) = (0x03ff_8001, 0x03ff_8001);
        (told.write_set_fields, told.apply_set_fields) = (0x000f_ffff_fbdd, 0x000f_ffff_fbdd);
        (told.metadata_match, told.metadata_write) = (u64::MAX, u64::MAX);
    }
    told.config = match bridge.table_settings.get(&table.0).map(|settings| settings.miss) {
        Some(Miss::Continue) => 1,
        Some(Miss::Drop) => 2,
        _ => 0,
    };
    told
}

impl Switch {
    /// How many rules fit into a table.
    pub(in crate::switch::agent) fn table_limit(&self, bridge: &BridgeState, table: TableId) -> u32 {
        let limit = bridge.config.flow_tables.get(&table.0).and_then(|config| config.flow_limit);
        let limit = limit.unwrap_or(1_000_000).min(self.config.limits.rules_per_table);
        u32::try_from(limit).unwrap_or(u32::MAX)
    }

    pub(super) fn table_stats(&self, name: &str, version: Version) -> Vec<TableStats> {
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
                    abilities: abilities(bridge, table, version),
                }
            })
            .collect()
    }
}
