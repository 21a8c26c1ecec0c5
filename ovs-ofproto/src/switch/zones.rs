//! Zones of the connection tracker: limits go to the tracker, timeouts to it and, by number, into `ct(commit)`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovs_dpif::conntrack::TimeoutPolicy;

use super::Switch;
use crate::desired::ZonesConfig;

/// The numbers of timeout policies: equal ones share one, and those that no zone has are given anew.
#[derive(Debug, Default)]
pub(super) struct PolicyNumbers(BTreeMap<u32, TimeoutPolicy>);

impl PolicyNumbers {
    fn keep(&mut self, wanted: &ZonesConfig) {
        let used =
            |policy: &TimeoutPolicy| wanted.zones.values().any(|zone| zone.timeouts.as_ref() == Some(policy));
        self.0.retain(|_, policy| used(policy));
    }

    /// The number of a policy, and whether it is new.
    fn of(&mut self, policy: TimeoutPolicy) -> (u32, bool) {
        if let Some((number, _)) = self.0.iter().find(|(_, known)| **known == policy) {
            return (*number, false);
        }
        let number =
            (1..=u32::from(u16::MAX)).find(|number| !self.0.contains_key(number)).unwrap_or(u32::MAX);
        self.0.insert(number, policy);
        (number, true)
    }
}

impl Switch {
    /// Gives the tracker what changed, and translation the numbers.
    pub(super) fn configure_zones(&mut self, wanted: &ZonesConfig) {
        let old = &self.state.zones;
        let Some(tracker) = self.dpif.conntrack().filter(|_| old != wanted) else { return };
        if old.default_limit != wanted.default_limit {
            tracker.set_default_limit(wanted.default_limit.unwrap_or(0));
        }
        for (zone, before) in &old.zones {
            if before.limit.is_some() && wanted.zones.get(zone).and_then(|zone| zone.limit).is_none() {
                tracker.remove_limit(*zone);
            }
        }
        self.policy_numbers.keep(wanted);
        let mut numbers = BTreeMap::new();
        for (number, zone) in &wanted.zones {
            if let Some(limit) = zone.limit {
                tracker.set_limit(*number, limit);
            }
            if let Some(policy) = zone.timeouts {
                let (policy_number, new) = self.policy_numbers.of(policy);
                if new {
                    tracker.set_policy(policy_number, policy);
                }
                numbers.insert(*number, policy_number);
            }
        }
        self.zone_policies = Arc::new(numbers);
        self.world_changed = true;
    }
}

#[cfg(test)]
mod tests {
    use ovs_dpif::conntrack::Phase;

    use super::*;
    use crate::desired::ZoneConfig;

    fn policy(seconds: u32) -> TimeoutPolicy {
        let mut policy = TimeoutPolicy::default();
        policy.set(Phase::UdpFirst, seconds);
        policy
    }

    #[test]
    fn equal_policies_share_a_number_and_free_ones_are_used_again() {
        let mut numbers = PolicyNumbers::default();
        assert_eq!(numbers.of(policy(1)), (1, true));
        assert_eq!(numbers.of(policy(2)), (2, true));
        assert_eq!(numbers.of(policy(1)), (1, false));
        let zone = ZoneConfig::default().timeouts(Some(policy(2)));
        numbers.keep(&ZonesConfig::default().zone(5, zone));
        assert_eq!(numbers.of(policy(3)), (1, true));
        assert_eq!(numbers.of(policy(2)), (2, false));
    }
}
