//! Zones of the connection tracker.

use std::collections::BTreeMap;

use ovs_dpif::conntrack::TimeoutPolicy;

/// What connections of a zone get (a row of `CT_Zone`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneConfig {
    /// How long they live; `None` for what the datapath gives.
    pub timeouts: Option<TimeoutPolicy>,
    /// How many there may be, 0 for any number; `None` for the default limit.
    pub limit: Option<u32>,
}

impl ZoneConfig {
    /// Sets how long connections live.
    pub fn timeouts(mut self, timeouts: Option<TimeoutPolicy>) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets how many connections there may be.
    pub fn limit(mut self, limit: Option<u32>) -> Self {
        self.limit = limit;
        self
    }
}

/// Settings of the connection tracker (a row of `Datapath`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZonesConfig {
    /// Zones that have settings of their own.
    pub zones: BTreeMap<u16, ZoneConfig>,
    /// The limit of the others; `None` leaves what a command has set.
    pub default_limit: Option<u32>,
}

impl ZonesConfig {
    /// Adds a zone, in place of one of the same number.
    pub fn zone(mut self, number: u16, zone: ZoneConfig) -> Self {
        self.zones.insert(number, zone);
        self
    }

    /// Sets the limit of zones without one.
    pub fn default_limit(mut self, limit: Option<u32>) -> Self {
        self.default_limit = limit;
        self
    }
}
