//! What a switch is made with: its seed and its limits.

use std::time::Duration;

/// Seed and limits of a [`crate::Switch`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SwitchConfig {
    /// The one source of all randomness: keys of hash tables, generated addresses. The same seed and the
    /// same inputs give the same outputs.
    pub seed: u64,
    /// What is refused beyond.
    pub limits: Limits,
}

impl Default for SwitchConfig {
    fn default() -> Self {
        Self { seed: 1, limits: Limits::default() }
    }
}

impl SwitchConfig {
    /// Sets the seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// How much of everything a switch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Rules in one table of one bridge (`OFPFMFC_TABLE_FULL` beyond).
    pub rules_per_table: usize,
    /// Different masks in one table of one bridge.
    pub masks_per_table: usize,
    /// OpenFlow connections of the whole switch.
    pub connections: usize,
    /// Bytes that wait to be sent on one connection before replies wait, and packet-ins are dropped.
    pub output_buffer: usize,
    /// Bytes of requests that wait on one connection before it is told to stop reading.
    pub input_buffer: usize,
    /// Messages that one bundle may hold.
    pub bundle_messages: usize,
    /// Effects of upcalls that wait for the control side; beyond, packets are refused by name.
    pub effects: usize,
    /// Megaflows of the datapath.
    pub megaflows: usize,
    /// How long a megaflow stays without a packet.
    pub max_idle: Duration,
    /// How often all megaflows are looked at for expiry and statistics.
    pub sweep_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rules_per_table: 4_000_000,
            masks_per_table: 65_536,
            connections: 1024,
            output_buffer: 4 << 20,
            input_buffer: 1 << 20,
            bundle_messages: 1_000_000,
            effects: 65_536,
            megaflows: 200_000,
            max_idle: Duration::from_secs(10),
            sweep_interval: Duration::from_millis(500),
        }
    }
}

impl Limits {
    /// Sets the number of rules in one table.
    pub fn rules_per_table(mut self, rules: usize) -> Self {
        self.rules_per_table = rules;
        self
    }

    /// Sets the number of different masks in one table.
    pub fn masks_per_table(mut self, masks: usize) -> Self {
        self.masks_per_table = masks;
        self
    }

    /// Sets the number of OpenFlow connections.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets the bytes that may wait to be sent on a connection.
    pub fn output_buffer(mut self, bytes: usize) -> Self {
        self.output_buffer = bytes;
        self
    }

    /// Sets the bytes of requests that may wait on a connection.
    pub fn input_buffer(mut self, bytes: usize) -> Self {
        self.input_buffer = bytes;
        self
    }

    /// Sets how many messages a bundle may hold.
    pub fn bundle_messages(mut self, messages: usize) -> Self {
        self.bundle_messages = messages;
        self
    }

    /// Sets how many effects of upcalls may wait.
    pub fn effects(mut self, effects: usize) -> Self {
        self.effects = effects;
        self
    }

    /// Sets the number of megaflows.
    pub fn megaflows(mut self, flows: usize) -> Self {
        self.megaflows = flows;
        self
    }

    /// Sets how long an idle megaflow stays.
    pub fn max_idle(mut self, idle: Duration) -> Self {
        self.max_idle = idle;
        self
    }

    /// Sets the time between two sweeps over all megaflows.
    pub fn sweep_interval(mut self, interval: Duration) -> Self {
        self.sweep_interval = interval;
        self
    }
}
