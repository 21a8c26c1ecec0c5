//! What a userspace datapath is built with, and what its workers are polled with.

use std::fmt;
use std::time::Duration;

use ovs_packet::PoolConfig;

use crate::conntrack::ConntrackConfig;

/// Settings of a [`UserspaceDatapath`](crate::UserspaceDatapath).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UserspaceConfig {
    /// Name, such as `ovs-netdev`.
    pub name: String,
    /// Type, such as `netdev` or `dummy`.
    pub kind: &'static str,
    /// Where all its randomness and hash keys come from.
    pub seed: u64,
    /// Megaflows that each worker holds at most.
    pub flow_limit: u32,
    /// Commands that may wait for one worker.
    pub command_queue: usize,
    /// Answers of one worker that may wait for the control side.
    pub reply_queue: usize,
    /// Missed packets that may wait for their upcall, for each port.
    pub upcall_queue: usize,
    /// Memory of each worker's packets.
    pub pool: PoolConfig,
    /// The most places of each worker's exact-match cache, rounded up to a power of two. It begins with 8192, if it may
    /// have so many, and grows with the flows in use.
    pub cache_entries: usize,
    /// Of so many packets that the cache does not know, one is put in (`other_config:emc-insert-inv-prob`); 0
    /// switches the cache off.
    pub cache_insert_one_in: u32,
    /// 802.1Q tags that are parsed as tags (`other_config:vlan-limit`).
    pub vlan_limit: usize,
    /// What counts the cost of receive queues, in any unit: a counter of cycles, or nanoseconds. Without it, loads are
    /// not known and queues are given to workers by number alone. It is called once a batch.
    pub cycles: Option<fn() -> u64>,
    /// Connection tracking; its seed is this one's.
    pub conntrack: ConntrackConfig,
}

impl Default for UserspaceConfig {
    /// `ovs-netdev` of type `netdev`, seed 0, 200,000 megaflows.
    fn default() -> Self {
        Self {
            name: "ovs-netdev".to_owned(),
            kind: "netdev",
            seed: 0,
            flow_limit: 200_000,
            command_queue: 1024,
            reply_queue: 1024,
            upcall_queue: 128,
            pool: PoolConfig::default(),
            cache_entries: 1 << 20,
            cache_insert_one_in: 100,
            vlan_limit: 1,
            cycles: None,
            conntrack: ConntrackConfig::default(),
        }
    }
}

impl UserspaceConfig {
    /// Sets name and type.
    pub fn named(mut self, name: impl Into<String>, kind: &'static str) -> Self {
        self.name = name.into();
        self.kind = kind;
        self
    }

    /// Sets where all randomness comes from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how many megaflows each worker holds at most.
    pub fn flow_limit(mut self, flows: u32) -> Self {
        self.flow_limit = flows;
        self
    }

    /// Sets how many commands and answers may wait, for each worker.
    pub fn queues(mut self, commands: usize, replies: usize) -> Self {
        self.command_queue = commands.max(1);
        self.reply_queue = replies.max(1);
        self
    }

    /// Sets how many missed packets of one port may wait.
    pub fn upcall_queue(mut self, packets: usize) -> Self {
        self.upcall_queue = packets;
        self
    }

    /// Sets the size of the exact-match cache, and how rarely it takes a new key.
    pub fn cache(mut self, entries: usize, insert_one_in: u32) -> Self {
        self.cache_entries = entries;
        self.cache_insert_one_in = insert_one_in;
        self
    }

    /// Sets how many 802.1Q tags are parsed as tags, at most [`ovs_flow::MAX_VLANS`].
    pub fn vlan_limit(mut self, tags: usize) -> Self {
        self.vlan_limit = tags.min(ovs_flow::MAX_VLANS);
        self
    }

    /// Sets what counts the cost of receive queues.
    pub fn cycles(mut self, counter: fn() -> u64) -> Self {
        self.cycles = Some(counter);
        self
    }

    /// Sets how connections are tracked.
    pub fn conntrack(mut self, conntrack: ConntrackConfig) -> Self {
        self.conntrack = conntrack;
        self
    }

    /// Sets the memory of each worker's packets.
    pub fn pool(mut self, pool: PoolConfig) -> Self {
        self.pool = pool;
        self
    }
}

/// Wakes a thread that sleeps. The userspace datapath calls it after it has put something into the queue
/// which that thread reads.
///
/// No wake-up is lost if the sleeper resets its waker *before* it polls, not after (an eventfd: read it,
/// poll, then sleep on it).
pub trait Waker: Send + Sync {
    /// Wakes the sleeper. Never waits; waking one that is awake is harmless.
    fn wake(&self);
}

impl fmt::Debug for dyn Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}

/// How much one turn of a worker may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Packets taken from devices; rounded up to a whole batch.
    pub packets: usize,
    /// Upcalls answered.
    pub upcalls: usize,
    /// Commands executed.
    pub commands: usize,
}

impl Default for Budget {
    /// 256 packets, 64 upcalls, 64 commands.
    fn default() -> Self {
        Self { packets: 256, upcalls: 64, commands: 64 }
    }
}

/// What a worker did in one turn, and when it wants the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Packets taken from devices.
    pub packets: usize,
    /// Upcalls answered.
    pub upcalls: usize,
    /// Commands executed.
    pub commands: usize,
    /// When the next turn is due.
    pub next: Next,
}

impl Progress {
    /// Of a worker that has nothing to work with any more.
    pub(super) fn closed() -> Self {
        Self { packets: 0, upcalls: 0, commands: 0, next: Next::Closed }
    }

    /// Whether the turn found nothing to do.
    pub fn is_idle(&self) -> bool {
        self.packets == 0 && self.upcalls == 0 && self.commands == 0 && self.next != Next::Now
    }
}

/// When a worker wants its next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// There is more to do.
    Now,
    /// When one of the worker's waits comes true.
    Wait,
    /// At this time at the latest, or when one of the waits comes true.
    At(Duration),
    /// Never: the datapath is gone. The worker has let go of all ports and should be dropped.
    Closed,
}
