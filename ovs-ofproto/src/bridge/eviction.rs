//! Making room in full tables.

use ovs_classifier::{RuleRef, Version};
use ovs_flow::TableId;
use ovs_openflow::FlowRemovedReason;

use super::{BridgeState, Round};
use crate::rule::Flow;
use crate::table::Evictable;

impl BridgeState {
    /// Settings of a table may have changed: what may be evicted is put in order, or no longer.
    pub fn configure_eviction(&mut self, id: TableId, version: Version) {
        let settings = self.table_settings.get(&id.0).copied().unwrap_or_default();
        let config = self.config.flow_tables.get(&id.0);
        let wanted = settings.eviction || config.is_some_and(|config| config.evict);
        let fields = config.map(|config| config.groups.clone()).unwrap_or_default();
        let Some(table) = self.tables.get_mut(id) else { return };
        if !wanted {
            table.evictable = None;
        } else if table.evictable.as_ref().is_none_or(|evictable| evictable.fields() != fields) {
            let mut evictable = Evictable::new(fields);
            table.rules.rules(version).for_each(|rule| evictable.insert(rule));
            table.evictable = Some(Box::new(evictable));
        }
    }

    /// Makes room for one rule in a table; `false` if nothing there may go.
    pub fn evict(&mut self, id: TableId, round: &mut Round<'_>) -> bool {
        let chosen = self.tables.get_mut(id).and_then(|table| table.evictable.as_mut()?.choose());
        if let Some(rule) = &chosen {
            self.remove(rule, FlowRemovedReason::Eviction, round);
        }
        chosen.is_some()
    }

    /// A rule came or went.
    pub fn order_for_eviction(&mut self, rule: &RuleRef<Flow>, there: bool) {
        let table = self.tables.get_mut(rule.value().table);
        let Some(evictable) = table.and_then(|table| table.evictable.as_mut()) else { return };
        if there {
            evictable.insert(rule);
        } else {
            evictable.remove(rule.serial());
        }
    }
}
