//! How many connections a zone may have.

use std::collections::BTreeMap;

/// A zone's limit, and how many connections it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneLimit {
    /// Zone.
    pub zone: u16,
    /// Connections at most; 0 for no limit.
    pub limit: u32,
    /// Connections, those whose time is over but which were not swept yet included.
    pub count: u32,
}

/// Limits and counts by zone.
#[derive(Clone, Debug, Default)]
pub struct ZoneLimits {
    default: u32,
    limits: BTreeMap<u16, u32>,
    counts: BTreeMap<u16, u32>,
}

impl ZoneLimits {
    /// The limit of each zone that has none of its own; 0 for no limit.
    pub fn default_limit(&self) -> u32 {
        self.default
    }

    /// Sets the limit of each zone that has none of its own.
    pub fn set_default(&mut self, limit: u32) {
        self.default = limit;
    }

    /// Gives a zone a limit of its own. Connections above it stay.
    pub fn set(&mut self, zone: u16, limit: u32) {
        self.limits.insert(zone, limit);
    }

    /// Takes a zone's own limit away; false if it has none.
    pub fn remove(&mut self, zone: u16) -> bool {
        self.limits.remove(&zone).is_some()
    }

    /// Limit and count of a zone.
    pub fn get(&self, zone: u16) -> ZoneLimit {
        let limit = self.limits.get(&zone).copied().unwrap_or(self.default);
        ZoneLimit { zone, limit, count: self.counts.get(&zone).copied().unwrap_or(0) }
    }

    /// Zones with a limit of their own.
    pub fn own(&self) -> impl Iterator<Item = ZoneLimit> {
        self.limits.keys().map(|zone| self.get(*zone))
    }

    /// Connections of each zone that has any.
    pub fn counts(&self) -> impl Iterator<Item = (u16, u32)> {
        self.counts.iter().map(|(zone, count)| (*zone, *count))
    }

    /// Whether a zone may not have one more.
    pub(super) fn is_full(&self, zone: u16) -> bool {
        let ZoneLimit { limit, count, .. } = self.get(zone);
        limit != 0 && count >= limit
    }

    pub(super) fn add(&mut self, zone: u16) {
        *self.counts.entry(zone).or_default() += 1;
    }

    pub(super) fn subtract(&mut self, zone: u16) {
        if let Some(count) = self.counts.get_mut(&zone) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&zone);
            }
        }
    }
}
