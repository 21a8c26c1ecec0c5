//! A worker's counters as others may read them: whole snapshots, without a lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::{DpifStats, DropReason, Ledger};

/// Counters in front of the drop reasons: seven of the ledger, eight of the statistics.
const FIXED: usize = 15;
const COUNT: usize = FIXED + DropReason::COUNT;
/// Attempts at a consistent snapshot before one is taken as it is.
const ATTEMPTS: usize = 64;

/// A sequence lock with one writer. The writer publishes once a turn; a reader that meets it in the act
/// tries again.
pub(super) struct Published {
    /// Odd while the writer writes.
    sequence: AtomicU64,
    values: [AtomicU64; COUNT],
}

impl Published {
    pub fn new() -> Self {
        Self { sequence: AtomicU64::new(0), values: [const { AtomicU64::new(0) }; COUNT] }
    }

    /// Publishes; only the worker may call this.
    pub fn write(&self, ledger: &Ledger, stats: &DpifStats) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let fixed = [
            ledger.received,
            ledger.cloned,
            ledger.injected,
            ledger.segmented,
            ledger.sent,
            ledger.queued,
            ledger.punted,
            stats.hit,
            stats.missed,
            stats.lost,
            stats.flows,
            stats.masks,
            stats.mask_hit,
            stats.cache_hit,
            stats.alike_hit,
        ];
        let drops = DropReason::ALL.iter().map(|reason| ledger.dropped_for(*reason));
        for (slot, value) in self.values.iter().zip(fixed.into_iter().chain(drops)) {
            slot.store(value, Ordering::Relaxed);
        }
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// The last that was published.
    pub fn read(&self) -> (Ledger, DpifStats) {
        let mut values = [0; COUNT];
        for _ in 0..ATTEMPTS {
            let before = self.sequence.load(Ordering::Acquire);
            for (value, slot) in values.iter_mut().zip(&self.values) {
                *value = slot.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == before {
                break;
            }
            std::hint::spin_loop();
        }
        let [received, cloned, injected, segmented, sent, queued, punted, stats @ ..] = values;
        let [hit, missed, lost, flows, masks, mask_hit, cache_hit, alike_hit, ..] = stats;
        let dropped = values[FIXED..].to_vec();
        let ledger = Ledger { received, cloned, injected, segmented, sent, queued, punted, dropped };
        (ledger, DpifStats { hit, missed, lost, flows, masks, mask_hit, cache_hit, alike_hit })
    }
}
