//! A megaflow as a worker keeps it.

use std::mem::offset_of;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ovs_flow::{FlowKey, FlowMask, SparseKey, Ufid};

use crate::{Actions, FlowStats, FlowView, WorkerId};

/// One megaflow. Only its counters change; new actions make a new value.
pub(super) struct Megaflow {
    pub ufid: Ufid,
    /// Masked.
    pub key: FlowKey,
    pub mask: FlowMask,
    pub actions: Actions,
    pub counters: Counters,
}

impl Megaflow {
    pub fn view(&self, worker: WorkerId) -> FlowView<'_> {
        FlowView {
            ufid: self.ufid,
            key: &self.key,
            mask: &self.mask,
            actions: &self.actions,
            stats: self.counters.read(),
            worker,
        }
    }
}

/// Counters with one writer, the worker: it loads and stores without locking anything, others only load.
#[derive(Default)]
pub(super) struct Counters {
    packets: AtomicU64,
    bytes: AtomicU64,
    /// Nanoseconds plus one; 0 for never.
    used: AtomicU64,
    tcp_flags: AtomicU16,
}

impl Counters {
    pub fn new(stats: FlowStats) -> Self {
        let used = stats.used.map_or(0, |t| t.as_nanos() as u64 + 1);
        Self {
            packets: stats.packets.into(),
            bytes: stats.bytes.into(),
            used: used.into(),
            tcp_flags: stats.tcp_flags.into(),
        }
    }

    /// What has been counted. Each number is right by itself; they may be of different packets.
    pub fn read(&self) -> FlowStats {
        FlowStats {
            packets: self.packets.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            used: self.used.load(Relaxed).checked_sub(1).map(Duration::from_nanos),
            tcp_flags: self.tcp_flags.load(Relaxed),
        }
    }

    /// Counts a run of packets. Only the worker may call this.
    #[inline]
    pub fn count(&self, run: &Run, now: Duration) {
        self.packets.store(self.packets.load(Relaxed) + run.packets, Relaxed);
        self.bytes.store(self.bytes.load(Relaxed) + run.bytes, Relaxed);
        self.used.store(now.as_nanos() as u64 + 1, Relaxed);
        let flags = self.tcp_flags.load(Relaxed);
        if flags | run.tcp_flags != flags {
            self.tcp_flags.store(flags | run.tcp_flags, Relaxed);
        }
    }
}

/// Packets of one batch that hit the same megaflow, one after the other.
#[derive(Default)]
pub(super) struct Run {
    pub packets: u64,
    pub bytes: u64,
    pub tcp_flags: u16,
}

impl Run {
    #[inline]
    pub fn add(&mut self, bytes: usize, key: &SparseKey) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.tcp_flags |= tcp_flags(key);
    }
}

/// The TCP flags of a key, zero for other protocols.
#[inline]
fn tcp_flags(key: &SparseKey) -> u16 {
    const AT: usize = offset_of!(FlowKey, tcp_flags);
    let bytes = key.word(AT / 8).to_ne_bytes();
    u16::from_be_bytes([bytes[AT % 8], bytes[AT % 8 + 1]])
}
