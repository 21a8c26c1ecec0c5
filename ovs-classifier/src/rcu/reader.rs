//! Readers: their slots in the domain, entering and leaving.

use alloc::sync::Arc;
use core::ptr;

use super::domain::Inner;
use super::sync::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};

/// A slot's epoch while its reader is outside.
pub(super) const IDLE: u64 = 0;

/// What a domain knows of one reader. A cache line of its own (two, for processors that fetch pairs),
/// so that entering disturbs nobody.
#[repr(align(128))]
pub(super) struct Slot {
    /// The epoch at which the reader entered, or [`IDLE`].
    pub(super) epoch: AtomicU64,
    /// Whether a [`Reader`] has it; a slot is reused, never freed before its domain.
    pub(super) taken: AtomicBool,
    /// The next slot of the domain; set before the slot is published and never again.
    pub(super) next: AtomicPtr<Slot>,
}

/// The right to read under a domain; belongs to one thread at a time, and can be sent to another.
///
/// A reader that goes last takes the domain along, and with it what is still retired: where that
/// matters, keep a [`super::Domain`] handle on the control side.
pub struct Reader {
    inner: Arc<Inner>,
    /// Lives in `inner`'s list until `inner` is dropped.
    slot: *const Slot,
}

// SAFETY: `slot` points into a list owned by `inner`, which the reader keeps alive, and all of the slot's
// fields are atomics. Nothing is bound to the thread that made the reader.
unsafe impl Send for Reader {}
// SAFETY: a shared `Reader` offers nothing but `is_of`-like comparisons; entering takes `&mut`.
unsafe impl Sync for Reader {}

impl Reader {
    pub(super) fn new(inner: Arc<Inner>, slot: *const Slot) -> Self {
        Self { inner, slot }
    }

    fn slot(&self) -> &Slot {
        // SAFETY: slots are freed only when `inner` is dropped, and `self.inner` keeps it alive; shared
        // access is all that anyone takes of a published slot.
        unsafe { &*self.slot }
    }

    /// Enters: from now until the guard is dropped, what is loaded under it stays valid.
    #[inline]
    pub fn enter(&mut self) -> Guard<'_> {
        let slot = self.slot();
        slot.epoch.store(self.inner.epoch(), Ordering::Relaxed);
        // Before anything is loaded, the slot must be visible to `reclaim`; and the epoch that was read
        // must bring along what was unlinked before it.
        fence(Ordering::SeqCst);
        Guard { reader: self }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let slot = self.slot();
        slot.epoch.store(IDLE, Ordering::Release);
        slot.taken.store(false, Ordering::Release);
    }
}

/// Proof that a reader has entered its domain.
pub struct Guard<'r> {
    reader: &'r Reader,
}

impl Guard<'_> {
    /// Whether this guard protects values of `domain`.
    #[inline]
    pub fn is_of(&self, domain: &super::Domain) -> bool {
        ptr::eq(Arc::as_ptr(&self.reader.inner), domain.as_ptr())
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.reader.slot().epoch.store(IDLE, Ordering::Release);
    }
}
