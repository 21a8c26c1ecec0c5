//! A sequence lock with one writer: whole snapshots of atomic words, without anybody's waiting for anybody.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Attempts at a consistent snapshot before one is taken as it is.
const ATTEMPTS: usize = 64;

/// Stands beside the words that it guards. A reader that meets the writer in the act tries again.
#[derive(Debug, Default)]
pub(crate) struct SequenceLock(AtomicU64);

impl SequenceLock {
    /// Lets the one writer write, by relaxed stores.
    pub fn write<T>(&self, store: impl FnOnce() -> T) -> T {
        let sequence = self.0.load(Ordering::Relaxed);
        // Odd while the writer writes.
        self.0.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let value = store();
        self.0.store(sequence.wrapping_add(2), Ordering::Release);
        value
    }

    /// Reads, by relaxed loads; again if it was not of one piece.
    pub fn read<T>(&self, mut load: impl FnMut() -> T) -> T {
        let mut attempts = 0;
        loop {
            let before = self.0.load(Ordering::Acquire);
            let value = load();
            fence(Ordering::Acquire);
            attempts += 1;
            let whole = before.is_multiple_of(2) && self.0.load(Ordering::Relaxed) == before;
            if whole || attempts == ATTEMPTS {
                return value;
            }
            std::hint::spin_loop();
        }
    }
}
