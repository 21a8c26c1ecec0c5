//! The switch's own table: what happens to packets that no rule of a controller is for.
//!
//! The original keeps these as rules of table 254, where `bridge/dump-flows` shows them and what they have counted.
//! Registers tell them apart; translation knows them by their counters and does not look them up.

use std::sync::Arc;

use ovs_flow::{Field, Match, TableId};
use ovs_openflow::{Action, FlowModFlags, PacketInReason, ToController};

use super::{BridgeState, Round};
use crate::rule::{Flow, RuleStats};

/// Counters of packets that no rule was for.
#[derive(Clone, Debug, Default)]
pub(crate) struct InternalStats {
    /// They went to a controller.
    pub miss: Arc<RuleStats>,
    /// No controller wanted them.
    pub no_packet_in: Arc<RuleStats>,
    /// They were fragments, which are dropped.
    pub fragments: Arc<RuleStats>,
}

impl BridgeState {
    /// Puts the rules of the internal table in.
    pub fn add_internal_rules(&mut self, round: &mut Round<'_>) {
        let mut to_controller = ToController::default();
        to_controller.reason = PacketInReason::ImplicitMiss;
        let punt = vec![Action::Controller(Box::new(to_controller))];
        let stats = self.internal.clone();
        let rules = [
            (Field::RECIRC_ID, 0, 2, Vec::new(), Arc::default()),
            (Field::reg(0).unwrap_or(Field::RECIRC_ID), 1, 0, punt, stats.miss),
            (Field::reg(0).unwrap_or(Field::RECIRC_ID), 2, 0, Vec::new(), stats.no_packet_in),
            (Field::reg(0).unwrap_or(Field::RECIRC_ID), 3, 0, Vec::new(), stats.fragments),
        ];
        for (field, value, priority, actions, stats) in rules {
            let mut matching = Match::default();
            field.set_match(&mut matching, value);
            let flow = Flow {
                table: TableId::INTERNAL,
                cookie: 0,
                idle_timeout: 0,
                hard_timeout: 0,
                importance: 0,
                flags: FlowModFlags::empty(),
                created: round.now,
                modified: round.now,
                actions: actions.into(),
                stats,
                places: None,
            };
            // An empty table has room for them.
            let _ = self.insert(&matching, priority, flow, round);
        }
    }
}
