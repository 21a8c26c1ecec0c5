//! What a bridge does without controllers, and while they are away.

use std::sync::Arc;
use std::time::Duration;

use ovs_flow::{Match, OfPort, TableId};
use ovs_openflow::{Action, FlowModFlags, FlowRemovedReason};

use super::{ConnectionKind, Switch};
use crate::bridge::Round;
use crate::rule::Flow;
use crate::{BridgeConfig, FailMode};

/// Before every rule that a controller can make, and before those of in-band control. It is the original's.
const FAIL_OPEN_PRIORITY: i32 = 0xf0_f0f0;
/// How long controllers may be away, unless they say otherwise: three silent probes.
const DEFAULT_PROBE: Duration = Duration::from_secs(5);

/// A rule that forwards as an ordinary switch does.
fn normal(now: Duration) -> Flow {
    of_our_own([Action::Output { port: OfPort::NORMAL, max_len: 0 }].into(), now)
}

/// A rule that the switch itself makes.
pub(super) fn of_our_own(actions: Arc<[Action]>, now: Duration) -> Flow {
    Flow {
        table: TableId(0),
        cookie: 0,
        idle_timeout: 0,
        hard_timeout: 0,
        importance: 0,
        flags: FlowModFlags::empty(),
        created: now,
        modified: now,
        actions,
        stats: Arc::default(),
        places: None,
    }
}

impl Switch {
    /// Settings changed. With the first controller, or when the last one goes, or when the mode changes while
    /// there is none, all rules go; a standalone bridge without controllers gets a rule that forwards normally.
    pub(super) fn fail_mode_configured(&mut self, old: &BridgeConfig, new: &BridgeConfig) {
        let (had, has) = (!old.controllers.is_empty(), !new.controllers.is_empty());
        let fresh = self.bridges.get(&new.name).is_some_and(|bridge| bridge.tables.get(TableId(0)).is_none());
        if had == has && (has || old.fail_mode == new.fail_mode) && !fresh {
            return;
        }
        self.flush_rules(&new.name);
        if !has && new.fail_mode == FailMode::Standalone {
            let flow = normal(self.now);
            self.change_rules(&new.name, |bridge, round| {
                let _ = bridge.insert(&Match::default(), 0, flow, round);
            });
        }
        if let Some(bridge) = self.bridges.get_mut(&new.name) {
            bridge.fail_open = false;
            bridge.in_band.clear();
            bridge.alone_since = has.then_some(self.now);
        }
    }

    /// Removes every rule of a bridge.
    pub(super) fn flush_rules(&mut self, name: &str) {
        let version = self.version;
        self.change_rules(name, |bridge, round| {
            for table in bridge.tables.named(TableId::ALL) {
                let rules: Vec<_> = bridge
                    .tables
                    .get(table)
                    .map(|table| table.rules.rules(version).cloned().collect())
                    .unwrap_or_default();
                for rule in rules {
                    bridge.remove(&rule, FlowRemovedReason::Delete, round);
                }
            }
        });
    }

    /// Changes a bridge's rules for the next version.
    pub(super) fn change_rules<R>(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut crate::bridge::BridgeState, &mut Round<'_>) -> R,
    ) -> Option<R> {
        let bridge = self.bridges.get_mut(name)?;
        let mut gone = Vec::new();
        let mut round = Round {
            version: self.version,
            now: self.now,
            changes: &mut self.revalidator.changes,
            gone: &mut gone,
            new_table: false,
            limit: self.config.limits.rules_per_table,
            features: self.features,
            past: self.settler.past(),
            undo: None,
            events: bridge.watched.then(Vec::new),
            modifies: false,
        };
        let result = change(bridge, &mut round);
        bridge.forget_learned(&mut round);
        self.world_changed |= round.new_table;
        self.rules_changed = true;
        let (id, vacancies) = (bridge.id, bridge.watches_vacancy());
        let events = round.events.take();
        self.gone.extend(gone.into_iter().map(|gone| (id, gone)));
        if let Some(events) = events.filter(|events| !events.is_empty()) {
            self.tell_monitors(name, &events);
        }
        if vacancies {
            self.tell_vacancies(name);
        }
        Some(result)
    }

    /// Puts the rule of a bridge whose controllers are away in place, or takes it away.
    pub(super) fn check_fail_open(&mut self) -> Option<Duration> {
        let mut next = None;
        let names: Vec<String> = self.bridges.keys().cloned().collect();
        for name in names {
            let connected = self.connected_controllers(&name);
            let Some(bridge) = self.bridges.get_mut(&name) else { continue };
            let wanted =
                !bridge.config.controllers.is_empty() && bridge.config.fail_mode == FailMode::Standalone;
            if connected > 0 || !wanted {
                bridge.alone_since = None;
            } else {
                bridge.alone_since.get_or_insert(self.now);
            }
            let probes =
                bridge.config.controllers.iter().map(|c| c.inactivity_probe.unwrap_or(DEFAULT_PROBE));
            let patience = probes.max().unwrap_or(DEFAULT_PROBE).max(Duration::from_secs(1)) * 3;
            let due = bridge.alone_since.map(|since| since + patience);
            let open = wanted && due.is_some_and(|due| due <= self.now);
            if let Some(due) = due.filter(|due| wanted && *due > self.now) {
                next = next.into_iter().chain([due]).min();
            }
            if open != bridge.fail_open {
                bridge.fail_open = open;
                self.set_fail_open(&name, open);
            }
        }
        next
    }

    /// Whoever comes back later finds an empty table, as with the original.
    fn set_fail_open(&mut self, name: &str, open: bool) {
        if open {
            self.flush_rules(name);
        }
        if let Some(bridge) = self.bridges.get_mut(name).filter(|_| open) {
            bridge.in_band.clear();
        }
        let flow = normal(self.now);
        let version = self.version;
        self.change_rules(name, |bridge, round| {
            if open {
                let _ = bridge.insert(&Match::default(), FAIL_OPEN_PRIORITY, flow, round);
            } else if let Some(rule) = bridge
                .tables
                .get_mut(TableId(0))
                .and_then(|table| table.rules.find_exact(&Match::default(), FAIL_OPEN_PRIORITY, version))
            {
                bridge.remove(&rule, FlowRemovedReason::Delete, round);
            }
        });
    }

    /// Controllers of a bridge whose connection is up.
    pub(super) fn connected_controllers(&self, bridge: &str) -> usize {
        let of = |conn: &&super::Connection| conn.bridge == bridge && conn.kind == ConnectionKind::Controller;
        self.connections.values().filter(of).filter(|conn| conn.is_established()).count()
    }
}
