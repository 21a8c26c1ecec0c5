//! What a tracker is made with.

use super::TimeoutPolicy;

/// Settings of a [`Conntrack`](super::Conntrack).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConntrackConfig {
    /// Where hash keys come from.
    pub seed: u64,
    /// Connections at most, of all zones together.
    pub max_connections: u32,
    /// Milliseconds in which all of the table is swept once.
    pub sweep_interval: u32,
    /// TCP segments outside of the window are invalid.
    pub tcp_sequence_check: bool,
    /// Of TCP segments outside of the window only resets are invalid.
    pub tcp_be_liberal: bool,
    /// Times to live where no policy is named.
    pub timeouts: TimeoutPolicy,
}

impl Default for ConntrackConfig {
    /// 3,000,000 connections, swept in 20 seconds, windows checked, as the original.
    fn default() -> Self {
        Self {
            seed: 0,
            max_connections: 3_000_000,
            sweep_interval: 20_000,
            tcp_sequence_check: true,
            tcp_be_liberal: false,
            timeouts: TimeoutPolicy::default(),
        }
    }
}

impl ConntrackConfig {
    /// Sets where hash keys come from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how many connections there may be.
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets whether segments must lie in their window, and whether only resets must.
    pub fn tcp(mut self, sequence_check: bool, be_liberal: bool) -> Self {
        (self.tcp_sequence_check, self.tcp_be_liberal) = (sequence_check, be_liberal);
        self
    }

    /// Sets the times to live where no policy is named.
    pub fn timeouts(mut self, timeouts: TimeoutPolicy) -> Self {
        self.timeouts = timeouts;
        self
    }
}
