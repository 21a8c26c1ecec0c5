//! Rules that go with the rules that learned them (`learn(delete_learned)`).

use std::collections::BTreeMap;

use ovs_classifier::RuleRef;
use ovs_flow::{Match, OfPort, TableId};
use ovs_openflow::action::LearnFlags;
use ovs_openflow::{Action, FlowMod, FlowRemovedReason};

use super::{BridgeState, Criteria, Round};
use crate::rule::Flow;

/// A table, and the cookie of what is learned there.
type Place = (u8, u64);

/// How many `learn` actions with `delete_learned` there are for each table and cookie.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    teachers: BTreeMap<Place, u32>,
    /// Those that lost one: if it was the last, what is learned there goes.
    lost: Vec<Place>,
}

impl Learned {
    /// A rule came or went.
    pub fn link(&mut self, rule: &RuleRef<Flow>, there: bool) {
        for action in &*rule.value().actions {
            let Action::Learn(learn) = action else { continue };
            if !learn.flags.contains(LearnFlags::DELETE_LEARNED) {
                continue;
            }
            let place = (learn.table.0, learn.cookie);
            let count = self.teachers.entry(place).or_default();
            *count = if there { *count + 1 } else { count.saturating_sub(1) };
            if *count == 0 {
                self.teachers.remove(&place);
                self.lost.push(place);
            }
        }
    }

    /// One of the places of which the last rule that learns there has gone.
    fn next_lost(&mut self) -> Option<Place> {
        while let Some(place) = self.lost.pop() {
            if !self.teachers.contains_key(&place) {
                return Some(place);
            }
        }
        None
    }
}

impl BridgeState {
    /// Deletes what was learned by rules that have gone.
    pub fn forget_learned(&mut self, round: &mut Round<'_>) {
        while let Some((table, cookie)) = self.learned.next_lost() {
            let criteria = Criteria {
                table: TableId(table),
                matching: &Match::default(),
                strict: None,
                cookie,
                cookie_mask: u64::MAX,
                out_port: OfPort::NONE,
                out_group: FlowMod::ANY_GROUP,
                hidden: false,
            };
            for rule in self.select(&criteria, round.version) {
                self.remove(&rule, FlowRemovedReason::Delete, round);
            }
        }
    }
}
