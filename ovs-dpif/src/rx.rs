//! Receive queues and who has them: what can be asked and set.

use std::time::Duration;

use ovs_flow::DpPort;

use crate::WorkerId;

/// A core that a worker's thread is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Core {
    /// Its number in the system.
    pub number: usize,
    /// The NUMA node that it belongs to. Queues of devices there come to its worker first.
    pub numa: u32,
}

impl Core {
    /// A core of a machine with one NUMA node.
    pub const fn new(number: usize) -> Self {
        Self { number, numa: 0 }
    }
}

/// Which worker receives by a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RxAssignment {
    /// The port.
    pub port: DpPort,
    /// The queue's number within the port, from 0.
    pub queue: u32,
    /// The worker; `None` while the queue goes from one to another, or waits for the first.
    pub worker: Option<WorkerId>,
    /// Whether the queue cannot be slept on.
    pub polled: bool,
    /// The NUMA node of its device, 0 if that is not known.
    pub numa: u32,
    /// The core that [`Dpif::pin_rx`](crate::Dpif::pin_rx) asked for.
    pub pinned: Option<usize>,
    /// What it has cost of late; `None` before the first interval has passed, or if nothing counts.
    pub load: Option<RxLoad>,
}

/// What the packets of a queue have cost in the last minute at most, in whole intervals of [`RxLoad::INTERVAL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RxLoad {
    /// Units of [`UserspaceConfig::cycles`](crate::UserspaceConfig::cycles) spent on its packets.
    pub busy: u64,
    /// Units that passed.
    pub all: u64,
    /// Packets.
    pub packets: u64,
}

impl RxLoad {
    /// How often loads are looked at.
    pub const INTERVAL: Duration = Duration::from_secs(5);
    /// How many intervals are kept.
    pub const INTERVALS: usize = 12;

    /// Part of a worker's time, in percent.
    pub fn percent(&self) -> u64 {
        if self.all == 0 { 0 } else { (u128::from(self.busy) * 100 / u128::from(self.all)) as u64 }
    }
}

/// How queues are given to workers when they are given anew (`other_config:pmd-rxq-assign`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RxPolicy {
    /// One after the other, in the order of ports and queues.
    RoundRobin,
    /// The busiest first, to the workers up and down: 0, 1, 2, 2, 1, 0.
    #[default]
    Cycles,
    /// The busiest first, each to the worker with the least work so far.
    Group,
}

/// What decides on the worker of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RxConfig {
    /// The order.
    pub policy: RxPolicy,
    /// A worker that a queue is pinned to gets no others (`other_config:pmd-rxq-isolate`).
    pub isolate: bool,
}

impl Default for RxConfig {
    /// By cycles, isolating.
    fn default() -> Self {
        Self { policy: RxPolicy::default(), isolate: true }
    }
}

impl RxConfig {
    /// Sets the order.
    pub fn policy(mut self, policy: RxPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets whether pinned queues keep others away.
    pub fn isolate(mut self, isolate: bool) -> Self {
        self.isolate = isolate;
        self
    }
}

/// What giving all queues anew would change, for who balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebalance {
    /// Variance of the workers' loads in percent, now.
    pub before: u64,
    /// And after.
    pub after: u64,
    /// The load of the busiest worker in percent, now.
    pub busiest: u64,
}

impl Rebalance {
    /// By how many percent the variance would fall.
    pub fn improvement(&self) -> u64 {
        (self.before.saturating_sub(self.after) * 100).checked_div(self.before).unwrap_or_default()
    }
}
