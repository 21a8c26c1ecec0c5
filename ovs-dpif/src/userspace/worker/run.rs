//! Counting packets in their megaflows.

use std::mem::offset_of;
use std::time::Duration;

use ovs_flow::{FlowKey, SparseKey};

use crate::userspace::tables::Megaflow;

/// Packets of one batch that hit the same megaflow, one after the other.
#[derive(Default)]
pub(super) struct Run {
    packets: u64,
    bytes: u64,
    tcp_flags: u16,
}

impl Run {
    #[inline]
    pub fn add(&mut self, bytes: usize, key: &SparseKey) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.tcp_flags |= tcp_flags(key);
    }

    /// Counts the run, and begins a new one.
    #[inline]
    pub fn finish(&mut self, flow: &Megaflow, now: Duration) {
        let Self { packets, bytes, tcp_flags } = std::mem::take(self);
        if packets > 0 {
            flow.counters().add(packets, bytes, tcp_flags, now);
        }
    }
}

/// The TCP flags of a key, zero for other protocols.
#[inline]
fn tcp_flags(key: &SparseKey) -> u16 {
    const AT: usize = offset_of!(FlowKey, tcp_flags);
    let bytes = key.word(AT / 8).to_ne_bytes();
    u16::from_be_bytes([bytes[AT % 8], bytes[AT % 8 + 1]])
}
