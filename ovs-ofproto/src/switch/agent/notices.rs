//! Flow removed: told when the last counters of a rule are known.

use ovs_openflow::{FlowRemoved, Message};

use crate::bridge::Gone;
use crate::rule::told_match;
use crate::snapshot::BridgeId;
use crate::switch::Switch;

impl Switch {
    /// Removed rules wait until no worker counts for them any more.
    pub(in crate::switch) fn settle_gone(&mut self) {
        if !self.gone.is_empty() && self.gone_until.is_none() {
            self.gone_until = Some(self.request_settling());
        }
    }

    /// Tells of the rules whose counters are final.
    pub(super) fn tell_gone(&mut self) {
        if self.gone_until.is_none_or(|until| until > self.settler.settled()) {
            return;
        }
        self.gone_until = None;
        // Those that went after the request was made are final too if the round began later than that; the
        // others wait for the next.
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.gone).into_iter().partition(|(_, gone)| self.is_final(gone));
        self.gone = later;
        for (bridge, gone) in ready {
            self.tell_one_gone(bridge, &gone);
        }
        self.settle_gone();
    }

    fn is_final(&self, gone: &Gone) -> bool {
        gone.rule.removed_in() <= self.settler.version()
    }

    fn tell_one_gone(&mut self, bridge: BridgeId, gone: &Gone) {
        let Some(name) = self.bridge_by_id(bridge).map(|bridge| bridge.config.name.clone()) else { return };
        let flow = gone.rule.value();
        let mut told = FlowRemoved::new(told_match(&gone.rule), gone.reason);
        told.cookie = flow.cookie;
        told.priority = gone.rule.priority() as u16;
        told.table = flow.table;
        told.duration = gone.at.saturating_sub(flow.created);
        (told.idle_timeout, told.hard_timeout) = (flow.idle_timeout, flow.hard_timeout);
        (told.packets, told.bytes) = flow.stats.counts();
        let bit = 1 << gone.reason.wire();
        let message = Message::FlowRemoved(Box::new(told));
        self.broadcast(&name, |conn| conn.wants(|config| config.flow_removed, bit), &message);
    }
}
