//! Settings of tables that come by a connection, and what is told of them.

use ovs_flow::TableId;
use ovs_openflow::{Message, OfError, StatsReplyBody, TableMod, TableStatus, Version};

use super::connection::ConnId;
use crate::bridge::BridgeState;
use crate::switch::Switch;

impl Switch {
    pub(super) fn serve_table_mod(&mut self, id: ConnId, change: &TableMod) -> Result<(), OfError> {
        if change.table >= TableId::INTERNAL && change.table != TableId::ALL {
            return Err(OfError::TmfcBadTable);
        }
        let name = self.bridge_name_of(id);
        let protocol = self.connections.get(&id).and_then(|conn| conn.protocol);
        let version = protocol.map_or(Version::V10, |protocol| protocol.version);
        let bridge = self.bridges.get_mut(&name).ok_or(OfError::BrcEperm)?;
        let all = change.table == TableId::ALL;
        for table in (0..TableId::INTERNAL.0).filter(|table| all || *table == change.table.0) {
            let settings = bridge.table_settings.entry(table).or_default();
            let misses = settings.miss;
            settings.change(change, version);
            self.world_changed |= settings.miss != misses;
            bridge.configure_eviction(TableId(table), self.version);
        }
        Ok(())
    }

    pub(super) fn table_descs(&self, name: &str) -> StatsReplyBody {
        let Some(bridge) = self.bridges.get(name) else { return StatsReplyBody::TableDesc(Vec::new()) };
        let tables = (0..TableId::INTERNAL.0).map(TableId);
        StatsReplyBody::TableDesc(tables.map(|table| self.describe_table(bridge, table)).collect())
    }

    fn describe_table(&self, bridge: &BridgeState, table: TableId) -> ovs_openflow::TableDesc {
        let settings = bridge.table_settings.get(&table.0).copied().unwrap_or_default();
        let active = bridge.tables.get(table).map_or(0, |table| table.active);
        settings.describe(table, active, self.table_limit(bridge, table) as usize)
    }

    /// Tells those who want it which tables have become full or have room again.
    pub(in crate::switch) fn tell_vacancies(&mut self, name: &str) {
        let Some(bridge) = self.bridges.get(name) else { return };
        let watched = bridge.table_settings.iter().filter(|(_, settings)| settings.vacancy.is_some());
        let tables: Vec<TableId> = watched.map(|(table, _)| TableId(*table)).collect();
        for table in tables {
            let Some(bridge) = self.bridges.get(name) else { return };
            let limit = self.table_limit(bridge, table) as usize;
            let active = bridge.tables.get(table).map_or(0, |table| table.active);
            let Some(bridge) = self.bridges.get_mut(name) else { return };
            let settings = bridge.table_settings.entry(table.0).or_default();
            let Some(room) = settings.crossed(active, limit) else { continue };
            let desc = settings.describe(table, active, limit);
            let bit = if room { 1 << 4 } else { 1 << 3 };
            let message = Message::TableStatus(TableStatus { room, desc });
            let knows = |conn: &super::Connection| {
                conn.protocol.is_some_and(|protocol| protocol.version >= Version::V14)
            };
            self.broadcast(
                name,
                |conn| knows(conn) && conn.wants(|config| config.table_status, bit),
                &message,
            );
        }
    }
}
