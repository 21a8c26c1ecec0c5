//! How megaflows are looked after, as it can be changed from outside to see what they are good for.

use super::Switch;
use super::view::Revalidation;
use crate::revalidate::Change;

/// What differs from how a switch is made.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    /// Megaflows match all of their packet.
    pub exact_megaflows: bool,
    /// Dumps of flows show all of them, and not only their identities.
    pub verbose: bool,
    /// Nothing is translated again, and nothing expires.
    pub paused: bool,
}

impl Switch {
    /// How the revalidator is doing.
    pub fn revalidation(&self) -> Revalidation {
        let counters = &self.revalidator.stats;
        Revalidation {
            flows: self.revalidator.index.len(),
            average: counters.average,
            most: counters.most,
            limit: self.flow_limit(),
            sweep_duration: counters.sweep_duration,
            kept: counters.kept,
            modified: counters.modified,
            deleted: counters.deleted,
            expired: counters.expired,
            terse: self.features.ufid && !self.upkeep.verbose,
        }
    }

    /// The most megaflows that are kept: what was asked for, but no more than what the sweep has shown that it
    /// can look after in time.
    pub(super) fn flow_limit(&self) -> usize {
        let wanted = self.state.flow_limit.unwrap_or(self.config.limits.megaflows);
        wanted.min(self.revalidator.stats.adapted_limit)
    }

    /// Sets what the limit of megaflows has adapted to. The next sweep adapts it anew.
    pub fn set_flow_limit(&mut self, flows: usize) {
        self.revalidator.stats.adapted_limit = flows;
    }

    /// Whether megaflows match as little as they can (they do at first), or all of their packet. Those that there are go.
    pub fn enable_megaflows(&mut self, enable: bool) {
        self.upkeep.exact_megaflows = !enable;
        self.world_changed = true;
        self.purge();
    }

    /// Whether dumps of flows for revalidation show their identities alone (they do at first), which this switch's do in
    /// any case: [`Revalidation::terse`] tells what was asked for.
    pub fn enable_terse_dumps(&mut self, enable: bool) {
        self.upkeep.verbose = !enable;
    }

    /// Deletes all megaflows; their last counters are pushed. It is done when [`Switch::is_settled`] says so.
    pub fn purge(&mut self) {
        self.revalidator.doom_all();
    }

    /// Stops translating megaflows again after changes, and letting them expire, or goes on with it. What has changed
    /// meanwhile is not forgotten.
    pub fn pause_revalidation(&mut self, pause: bool) {
        self.upkeep.paused = pause;
        if !pause {
            // What the sweep would have found, too.
            self.revalidator.changes.note(Change::Everything);
        }
    }

    /// Whether [`Switch::pause_revalidation`] has stopped it.
    pub fn is_revalidation_paused(&self) -> bool {
        self.upkeep.paused
    }
}
