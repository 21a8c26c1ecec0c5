//! The answer to a request for flows: in parts, as the other side reads them.

use std::time::Duration;

use ovs_classifier::Version;
use ovs_flow::{Match, TableId};
use ovs_openflow::{Dialect, FlowFacts, FlowFilter, FlowStatsEncoder, Protocol};

use crate::bridge::{BridgeState, Criteria};
use crate::rule::Flow;
use crate::switch::Switch;
use crate::switch::agent::connection::{ConnId, Waiting};

/// An answer under way.
#[derive(Debug)]
pub(in crate::switch) struct Answer {
    filter: FlowFilter,
    encoder: FlowStatsEncoder,
    /// The table being walked, and the order of insertion from which on.
    at: (u8, u64),
}

/// What a filter means.
pub(super) fn criteria(filter: &FlowFilter) -> Criteria<'_> {
    Criteria {
        table: filter.table,
        matching: &filter.matching,
        strict: None,
        cookie: filter.cookie,
        cookie_mask: filter.cookie_mask,
        out_port: filter.out_port,
        out_group: filter.out_group,
        hidden: false,
    }
}

/// What is told of a rule beside match and actions.
pub(in crate::switch) fn facts(flow: &Flow, priority: i32, now: Duration) -> FlowFacts {
    let seconds = |since: Duration| now.saturating_sub(since).as_secs().min(u64::from(u16::MAX)) as u16;
    let (packets, bytes) = flow.stats.counts();
    FlowFacts {
        table: flow.table,
        priority: priority as u16,
        cookie: flow.cookie,
        duration: now.saturating_sub(flow.created),
        idle_timeout: flow.idle_timeout,
        hard_timeout: flow.hard_timeout,
        idle_age: Some(seconds(flow.stats.used().unwrap_or_default().max(flow.created))),
        hard_age: Some(seconds(flow.modified)),
        importance: flow.importance,
        flags: flow.flags,
        packets,
        bytes,
    }
}

impl Answer {
    pub fn new(filter: FlowFilter, protocol: Protocol, dialect: Dialect, xid: u32) -> Self {
        Self { filter, encoder: FlowStatsEncoder::new(protocol, dialect, xid), at: (0, 0) }
    }

    /// Adds up to `budget` rules; says how many were looked at, and whether those were the last.
    fn advance(
        &mut self,
        bridge: &BridgeState,
        version: Version,
        now: Duration,
        budget: usize,
    ) -> (usize, bool) {
        let criteria = criteria(&self.filter);
        let all = self.filter.matching == Match::default();
        let mut looked_at = 0;
        for table_id in bridge.tables.named(self.filter.table) {
            if table_id.0 < self.at.0 {
                continue;
            }
            let Some(table) = bridge.tables.get(table_id) else { continue };
            let from = if table_id.0 == self.at.0 { self.at.1 } else { 0 };
            for rule in table.rules.rules_from(from, version) {
                if looked_at >= budget {
                    self.at = (table_id.0, rule.serial());
                    return (looked_at, false);
                }
                looked_at += 1;
                if !criteria.takes(rule.priority(), rule.value()) {
                    continue;
                }
                let matching = rule.to_match();
                if all || covered(&matching, &self.filter.matching) {
                    let flow = rule.value();
                    // What a version has no words for is left out of its answer.
                    let matching = flow.places().packed(matching);
                    let _ = self.encoder.push(&facts(flow, rule.priority(), now), &matching, &flow.actions);
                }
            }
            self.at = (table_id.0.saturating_add(1), 0);
        }
        (looked_at, true)
    }
}

/// Whether every packet of `matching` is in `criteria`.
fn covered(matching: &Match, criteria: &Match) -> bool {
    matching.mask.covers(&criteria.mask) && criteria.mask.agree(&matching.key, &criteria.key)
}

impl Switch {
    /// Goes on with a connection's long answer; says how many rules were looked at.
    pub(in crate::switch::agent) fn continue_answer(&mut self, id: ConnId, budget: usize) -> usize {
        /// Rules between two looks at how much the other side has read.
        const STEP: usize = 1024;
        let (version, now) = (self.version, self.now);
        let Some(conn) = self.connections.get_mut(&id) else { return 0 };
        let Some(Waiting::Answer(mut answer)) = conn.waiting.take() else { return 0 };
        let Some(bridge) = self.bridges.get(&conn.bridge) else { return 0 };
        let mut total = 0;
        while total < budget {
            if !conn.has_room() {
                break;
            }
            let (looked_at, last) = answer.advance(bridge, version, now, STEP.min(budget - total));
            total += looked_at;
            if last {
                conn.output.say(|bytes| bytes.extend(answer.encoder.finish()));
                return total;
            }
            conn.output.say(|bytes| bytes.extend(answer.encoder.take_complete()));
        }
        conn.waiting = Some(Waiting::Answer(answer));
        total
    }

    /// Whether a table is one that controllers see.
    pub(in crate::switch) fn is_visible(table: TableId) -> bool {
        table < TableId::INTERNAL
    }
}
