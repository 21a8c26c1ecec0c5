//! The way home: a lock-free stack with many pushers and one taker.

use core::ptr::{self, NonNull};
#[cfg(not(loom))]
use core::sync::atomic::{AtomicIsize, AtomicPtr, Ordering};

#[cfg(loom)]
use loom::sync::atomic::{AtomicIsize, AtomicPtr, Ordering};

use super::Frame;

/// Frames that were dropped anywhere and that their home has not yet collected.
///
/// Any thread pushes chains; only the home's owner takes, and it takes everything at once, so the stack
/// knows no ABA problem. Once closed it refuses pushes, and counts the stragglers.
///
/// # Closing
///
/// The owner calls [`close`](Self::close), frees what it gets and what it has at home, and reports the number
/// still out to [`expect_stragglers`](Self::expect_stragglers). A refused pusher frees its frames itself and
/// reports them to [`stragglers_gone`](Self::stragglers_gone). Exactly one of all these reports answers true:
/// its caller is the last, and frees the home.
#[derive(Debug)]
pub struct ReturnStack {
    head: AtomicPtr<Frame>,
    /// After closing: frames still out; below zero while the owner has not yet reported.
    stragglers: AtomicIsize,
}

/// The head of a closed stack; never followed. (Frames are aligned to 64, so no frame has this address.)
fn closed() -> *mut Frame {
    ptr::without_provenance_mut(1)
}

impl Default for ReturnStack {
    fn default() -> Self {
        Self::new()
    }
}

impl ReturnStack {
    /// An empty, open stack.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()), stragglers: AtomicIsize::new(0) }
    }

    /// An empty, open stack.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()), stragglers: AtomicIsize::new(0) }
    }

    /// Puts a chain on the stack. False if the stack is closed: the chain is still the caller's, who frees it
    /// and then calls [`stragglers_gone`](Self::stragglers_gone).
    ///
    /// # Safety
    ///
    /// The caller owns the frames that are linked from `first` to `last`; on success it gives them up.
    pub unsafe fn push(&self, first: NonNull<Frame>, mut last: NonNull<Frame>) -> bool {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == closed() {
                // SAFETY: the chain is still ours; its end must not keep a stale link.
                unsafe { last.as_mut() }.next = ptr::null_mut();
                return false;
            }
            // SAFETY: we own the chain until the exchange below succeeds.
            unsafe { last.as_mut() }.next = head;
            // Release publishes the links and everything written to the frames; Acquire is needed on neither
            // outcome, for a pusher never follows the head.
            match self.head.compare_exchange_weak(head, first.as_ptr(), Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => head = now,
            }
        }
    }

    /// Takes every frame: the caller owns the chain. Only the home's owner may call it, and not after closing.
    pub fn take_all(&self) -> Option<NonNull<Frame>> {
        if self.head.load(Ordering::Relaxed).is_null() {
            return None; // no locked instruction while nothing has come home
        }
        NonNull::new(self.head.swap(ptr::null_mut(), Ordering::Acquire))
    }

    /// Closes the stack and takes what is on it.
    pub fn close(&self) -> Option<NonNull<Frame>> {
        NonNull::new(self.head.swap(closed(), Ordering::Acquire))
    }

    /// The owner's report after closing: so many frames are out. True if none are, or all came meanwhile.
    pub fn expect_stragglers(&self, count: isize) -> bool {
        self.stragglers.fetch_add(count, Ordering::AcqRel) + count == 0
    }

    /// A refused pusher's report: so many frames were freed. True if they were the last.
    pub fn stragglers_gone(&self, count: isize) -> bool {
        // Before the owner's report the count is at most zero, so only a report after it can meet `count`.
        self.stragglers.fetch_sub(count, Ordering::AcqRel) == count
    }
}
