//! Which rules a request means.

use ovs_classifier::{RuleRef, Version};
use ovs_flow::{Match, OfPort, TableId};
use ovs_openflow::{Action, FlowMod};

use super::BridgeState;
use crate::rule::Flow;

/// What rules are asked for: by table, match, cookie, and what they do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Criteria<'a> {
    pub table: TableId,
    pub matching: &'a Match,
    /// Exactly this match with this priority; else every rule that is as specific or more.
    pub strict: Option<i32>,
    pub cookie: u64,
    pub cookie_mask: u64,
    pub out_port: OfPort,
    pub out_group: u32,
    /// Rules of the switch's own, too.
    pub hidden: bool,
}

impl Criteria<'_> {
    /// Whether a rule's value is meant, whatever its match.
    pub fn takes(&self, priority: i32, flow: &Flow) -> bool {
        let wanted_port =
            self.out_port == OfPort::NONE || Action::list_outputs_to(&flow.actions, self.out_port);
        let wanted_group =
            self.out_group == FlowMod::ANY_GROUP || Action::list_uses_group(&flow.actions, self.out_group);
        (self.hidden || priority <= i32::from(u16::MAX))
            && (flow.cookie ^ self.cookie) & self.cookie_mask == 0
            && wanted_port
            && wanted_group
    }
}

impl BridgeState {
    /// The rules of a version that are meant, by table and order of insertion.
    pub fn select(&mut self, criteria: &Criteria<'_>, version: Version) -> Vec<RuleRef<Flow>> {
        let mut found = Vec::new();
        for table in self.tables.named(criteria.table) {
            let Some(table) = self.tables.get_mut(table) else { continue };
            match criteria.strict {
                Some(priority) => {
                    let rule = table.rules.find_exact(criteria.matching, priority, version);
                    found.extend(rule.filter(|rule| criteria.takes(rule.priority(), rule.value())));
                }
                None if *criteria.matching == Match::default() => {
                    let rules = table.rules.rules(version);
                    found.extend(rules.filter(|rule| criteria.takes(rule.priority(), rule.value())).cloned());
                }
                None => {
                    let rules = table.rules.within(criteria.matching, version);
                    found.extend(rules.filter(|rule| criteria.takes(rule.priority(), rule.value())).cloned());
                }
            }
        }
        found
    }
}
