//! What ends by itself: rules with timeouts.

use std::time::Duration;

use ovs_openflow::FlowRemovedReason;

use super::{BridgeState, Round};
use crate::table::Expiry;

impl BridgeState {
    /// Removes up to `max` rules whose time has come; says how many.
    pub fn expire_rules(&mut self, max: usize, round: &mut Round<'_>) -> usize {
        let ended = self.tables.expired(round.now, max);
        let count = ended.len();
        for (rule, why) in ended {
            let reason = match why {
                Expiry::Idle => FlowRemovedReason::IdleTimeout,
                Expiry::Hard => FlowRemovedReason::HardTimeout,
            };
            self.remove(&rule, reason, round);
        }
        count
    }

    /// When the next rule or address may end.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.tables.next_expiry().into_iter().chain(self.macs.next_expiry()).min()
    }
}
