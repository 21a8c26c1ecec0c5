//! What packets change in tables: rules that they make, and rules whose end they bring closer.

use std::sync::Arc;

use super::Switch;
use crate::rule::Flow;
use crate::snapshot::BridgeId;
use crate::translate::{FinTimeout, LearnedFlow};

/// A change that a packet makes.
#[derive(Clone, Debug)]
pub(super) enum RuleChange {
    /// `learn`
    Learned(Arc<LearnedFlow>),
    /// `fin_timeout`, and a connection has ended.
    Fin(Arc<FinTimeout>),
}

impl Switch {
    /// Makes the changes, in order.
    pub(super) fn change_by_packets(&mut self, changes: Vec<(BridgeId, RuleChange)>) {
        for (id, change) in changes {
            match change {
                RuleChange::Learned(flow) => self.learn_flow(id, &flow),
                RuleChange::Fin(fin) => self.shorten(id, &fin),
            }
        }
    }

    /// A rule's connection has ended: its timeouts become as short as the action says.
    fn shorten(&mut self, id: BridgeId, fin: &FinTimeout) {
        let version = self.version;
        let Some(bridge) = self.bridges.values_mut().find(|bridge| bridge.id == id) else { return };
        let table = bridge.tables.get_mut(fin.table);
        let rule = table.and_then(|table| table.rules.find_exact(&fin.matching, fin.priority, version));
        // Another one in its place is not meant.
        let Some(rule) = rule.filter(|rule| Arc::ptr_eq(&rule.value().stats, &fin.stats)) else { return };
        let old = rule.value();
        let idle_timeout = shorter(old.idle_timeout, fin.idle);
        let hard_timeout = shorter(old.hard_timeout, fin.hard);
        if (idle_timeout, hard_timeout) == (old.idle_timeout, old.hard_timeout) {
            return;
        }
        let flow = Flow { idle_timeout, hard_timeout, ..old.clone() };
        let name = bridge.config.name.clone();
        self.change_rules(&name, |bridge, round| {
            // Nobody is told of it, as in the original.
            let told = round.events.take();
            let _ = bridge.insert(&rule.to_match(), rule.priority(), flow, round);
            round.events = told;
        });
    }
}

/// The shorter of two times, of which zero means never.
fn shorter(timeout: u16, limit: u16) -> u16 {
    match (timeout, limit) {
        (timeout, 0) => timeout,
        (0, limit) => limit,
        (timeout, limit) => timeout.min(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_is_longer_than_any_time() {
        assert_eq!(
            [shorter(0, 5), shorter(9, 5), shorter(3, 5), shorter(3, 0), shorter(0, 0)],
            [5, 5, 3, 3, 0]
        );
    }
}
