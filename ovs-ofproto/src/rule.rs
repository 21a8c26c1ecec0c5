//! An OpenFlow rule's value in the classifier: what is beside match and priority.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ovs_classifier::Rule;
use ovs_flow::{Match, OptionPlaces, TableId};
use ovs_openflow::{Action, FlowModFlags};

use crate::tunnel::{NO_OPTIONS, OptionTable};

/// What a rule is beside its match and priority. Never changes: a modification puts a new rule in its place
/// that shares the counters.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub table: TableId,
    pub cookie: u64,
    /// Seconds, 0 for never.
    pub idle_timeout: u16,
    /// Seconds, 0 for never.
    pub hard_timeout: u16,
    pub importance: u16,
    pub flags: FlowModFlags,
    pub created: Duration,
    pub modified: Duration,
    pub actions: Arc<[Action]>,
    pub stats: Arc<RuleStats>,
    /// Where in keys the options of tunnels lie that it matches on, if it does.
    pub places: Option<Arc<OptionTable>>,
}

impl Flow {
    /// Where in keys the options lie that it matches on.
    pub fn places(&self) -> &OptionPlaces {
        &self.places.as_deref().unwrap_or(&NO_OPTIONS).places
    }
}

/// A rule's match as messages and texts have it: it tells the lengths of its options itself.
pub(crate) fn told_match(rule: &Rule<Flow>) -> Match {
    rule.value().places().packed(rule.to_match())
}

/// A rule's counters. One writer, the control side; anyone reads.
#[derive(Debug, Default)]
pub struct RuleStats {
    packets: AtomicU64,
    bytes: AtomicU64,
    /// Nanoseconds plus one; zero for never.
    used: AtomicU64,
}

impl RuleStats {
    /// Packets, bytes.
    pub fn counts(&self) -> (u64, u64) {
        (self.packets.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// When it was last hit.
    pub fn used(&self) -> Option<Duration> {
        self.used.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
    }

    pub(crate) fn add(&self, packets: u64, bytes: u64, used: Duration) {
        let bump = |cell: &AtomicU64, by: u64| {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
        };
        bump(&self.packets, packets);
        bump(&self.bytes, bytes);
        let used = (used.as_nanos() as u64).saturating_add(1);
        if self.used.load(Ordering::Relaxed) < used {
            self.used.store(used, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up_and_remember_the_latest_use() {
        let stats = RuleStats::default();
        assert_eq!(stats.used(), None);
        stats.add(2, 120, Duration::from_secs(3));
        stats.add(1, 60, Duration::from_secs(1));
        assert_eq!(stats.counts(), (3, 180));
        assert_eq!(stats.used(), Some(Duration::from_secs(3)));
    }
}
