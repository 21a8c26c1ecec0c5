//! A worker's counters as others may read them: whole snapshots, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::sequence::SequenceLock;
use crate::{DpifStats, DropReason, Ledger};

/// Counters in front of the drop reasons: seven of the ledger, nine of the statistics.
const FIXED: usize = 16;
const COUNT: usize = FIXED + DropReason::COUNT;

/// What the writer, of whom there is one, publishes once a turn.
pub(super) struct Published {
    sequence: SequenceLock,
    values: [AtomicU64; COUNT],
}

impl Published {
    pub fn new() -> Self {
        Self { sequence: SequenceLock::default(), values: [const { AtomicU64::new(0) }; COUNT] }
    }

    /// Publishes; only the worker may call this.
    pub fn write(&self, ledger: &Ledger, stats: &DpifStats) {
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
            stats.sent_batches,
        ];
        let drops = DropReason::ALL.iter().map(|reason| ledger.dropped_for(*reason));
        self.sequence.write(|| {
            for (slot, value) in self.values.iter().zip(fixed.into_iter().chain(drops)) {
                slot.store(value, Ordering::Relaxed);
            }
        });
    }

    /// The last that was published.
    pub fn read(&self) -> (Ledger, DpifStats) {
        let values: [u64; COUNT] =
            self.sequence.read(|| std::array::from_fn(|index| self.values[index].load(Ordering::Relaxed)));
        let [received, cloned, injected, segmented, sent, queued, punted, stats @ ..] = values;
        let [hit, missed, lost, flows, masks, mask_hit, cache_hit, alike_hit, sent_batches, ..] = stats;
        let dropped = values[FIXED..].to_vec();
        let ledger = Ledger { received, cloned, injected, segmented, sent, queued, punted, dropped };
        let stats =
            DpifStats { hit, missed, lost, flows, masks, mask_hit, cache_hit, alike_hit, sent_batches };
        (ledger, stats)
    }
}
