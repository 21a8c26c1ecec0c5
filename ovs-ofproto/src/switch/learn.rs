//! Rules that packets made: `learn`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ovs_flow::Match;
use ovs_openflow::{FlowMod, Version};

use super::Switch;
use super::agent::check_flow_mod;
use crate::bridge::{BridgeState, Criteria};
use crate::snapshot::BridgeId;
use crate::translate::{Decide, LearnedFlow, Scratch};

/// What is to be done with a learned rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// It is there as it should be.
    Nothing,
    /// There are as many as there may be.
    Full,
    /// It is new, other, or has a time to be prolonged.
    Change,
}

impl Switch {
    /// Lets something translate with somebody who says whether rules can be learned now.
    pub(super) fn with_learner<R>(&mut self, translate: impl FnOnce(&mut Scratch, Decide<'_>) -> R) -> R {
        let version = self.version;
        let bridges = RefCell::new(&mut self.bridges);
        let decide =
            |id: BridgeId, flow: &LearnedFlow| can_learn(&mut bridges.borrow_mut(), id, flow, version);
        translate(&mut self.scratch, Decide(&decide))
    }

    /// Makes or refreshes a rule.
    pub(super) fn learn_flow(&mut self, id: BridgeId, flow: &LearnedFlow) {
        let version = self.version;
        let Some(bridge) = self.bridges.values_mut().find(|bridge| bridge.id == id) else { return };
        if wanted(bridge, flow, version) != Wanted::Change {
            return;
        }
        let name = bridge.config.name.clone();
        let done = check_flow_mod(&flow.change, Version::V10).and_then(|()| {
            self.change_rules(&name, |state, round| state.flow_mod(&flow.change, round)).unwrap_or(Ok(()))
        });
        if let Err(error) = done {
            tracing::warn!(target: "ofproto", "{name}: a learned flow was refused: {error}");
        }
    }
}

/// Whether a rule is there, or can be made.
pub(super) fn can_learn(
    bridges: &mut BTreeMap<String, BridgeState>,
    id: BridgeId,
    flow: &LearnedFlow,
    version: ovs_classifier::Version,
) -> bool {
    let bridge = bridges.values_mut().find(|bridge| bridge.id == id);
    bridge.is_some_and(|bridge| wanted(bridge, flow, version) != Wanted::Full)
}

fn wanted(bridge: &mut BridgeState, flow: &LearnedFlow, version: ovs_classifier::Version) -> Wanted {
    let change = &flow.change;
    let table = bridge.tables.get_mut(change.table);
    let present =
        table.and_then(|table| table.rules.find_exact(&change.matching, change.priority.into(), version));
    match present {
        Some(rule) => {
            let rule = rule.value();
            let same = *rule.actions == *change.actions && rule.cookie == change.new_cookie;
            if same && rule.hard_timeout == 0 { Wanted::Nothing } else { Wanted::Change }
        }
        None if flow.limit != 0 && rules_of(bridge, change, version) >= flow.limit as usize => Wanted::Full,
        None => Wanted::Change,
    }
}

/// How many rules of the same table have the same cookie.
fn rules_of(bridge: &mut BridgeState, change: &FlowMod, version: ovs_classifier::Version) -> usize {
    let criteria = Criteria {
        table: change.table,
        matching: &Match::default(),
        strict: None,
        cookie: change.new_cookie,
        cookie_mask: u64::MAX,
        out_port: ovs_flow::OfPort::NONE,
        out_group: FlowMod::ANY_GROUP,
        hidden: false,
    };
    bridge.select(&criteria, version).len()
}
