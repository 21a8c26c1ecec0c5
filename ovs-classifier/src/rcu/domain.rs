//! The domain: the epoch, the readers' slots, what is retired.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::{fmt, ptr};

use super::Reader;
use super::reader::{IDLE, Slot};
use super::sync::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};

/// One set of readers, and the values that wait for them. A handle: clones are the same domain.
#[derive(Clone)]
pub struct Domain {
    inner: Arc<Inner>,
}

/// A moment in a domain's history, to learn later whether all who were reading then have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

/// What waits for readers: its address without its type, and how to drop it.
struct Retired {
    epoch: u64,
    value: *mut (),
    drop: unsafe fn(*mut ()),
    next: *mut Retired,
}

pub(super) struct Inner {
    /// Counts retirements, from 1 ([`IDLE`] is 0).
    epoch: AtomicU64,
    /// All slots ever made, newest first.
    slots: AtomicPtr<Slot>,
    /// Newly retired, newest first: writers push, `reclaim` takes all.
    incoming: AtomicPtr<Retired>,
    /// Whether someone is in `reclaim` and so owns `waiting`.
    reclaiming: AtomicBool,
    /// Taken from `incoming`, oldest first.
    waiting: UnsafeCell<VecDeque<Box<Retired>>>,
}

// SAFETY: the raw pointers of `slots` and `incoming` own heap values that are reached through atomics;
// every retired value is `Send` (the bound of `retire`), so any thread may drop it; `waiting` is touched
// only by the thread that set `reclaiming`.
unsafe impl Send for Inner {}
// SAFETY: as above; `&Inner` gives access to `waiting` only behind the `reclaiming` flag.
unsafe impl Sync for Inner {}

impl Domain {
    /// A domain without readers.
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                epoch: AtomicU64::new(IDLE + 1),
                slots: AtomicPtr::new(ptr::null_mut()),
                incoming: AtomicPtr::new(ptr::null_mut()),
                reclaiming: AtomicBool::new(false),
                waiting: UnsafeCell::new(VecDeque::new()),
            }),
        }
    }

    /// Whether both are handles of one domain.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Registers a reader; its slot is reused after it is dropped.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.inner), self.inner.take_slot())
    }

    /// Keeps `value` until no present reader can refer to it, then drops it in [`Domain::reclaim`].
    ///
    /// Whatever pointed to the value for readers must have been changed before.
    pub fn retire<T: Send + 'static>(&self, value: Box<T>) {
        /// # Safety
        /// `value` is a `Box<T>` taken apart, given once.
        unsafe fn drop_box<T>(value: *mut ()) {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(value.cast::<T>()) });
        }
        // SAFETY: `drop_box::<T>` fits a `Box<T>` taken apart, and `T: Send`.
        unsafe { self.inner.push(Box::into_raw(value).cast(), drop_box::<T>) }
    }

    /// [`Domain::retire`] for one of several references.
    pub fn retire_arc<T: Send + Sync + 'static>(&self, value: Arc<T>) {
        /// # Safety
        /// `value` is an `Arc<T>` taken apart, given once.
        unsafe fn drop_arc<T>(value: *mut ()) {
            // SAFETY: the caller's promise.
            drop(unsafe { Arc::from_raw(value.cast::<T>().cast_const()) });
        }
        // SAFETY: `drop_arc::<T>` fits an `Arc<T>` taken apart, and `Arc<T>: Send`.
        unsafe { self.inner.push(Arc::into_raw(value).cast_mut().cast(), drop_arc::<T>) }
    }

    /// Drops up to `max` retired values that no reader can hold any more, oldest first; says how many.
    ///
    /// Belongs on the control side. If another thread is in it, this returns 0 at once.
    pub fn reclaim(&self, max: usize) -> usize {
        let inner = &*self.inner;
        let entered = inner.reclaiming.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        if entered.is_err() {
            return 0;
        }
        // SAFETY: the flag was clear and is now ours, so no one else refers to `waiting`.
        let dropped = unsafe { inner.reclaim(&mut *inner.waiting.get(), max) };
        inner.reclaiming.store(false, Ordering::Release);
        dropped
    }

    /// Marks the present: what was unlinked before is unknown to readers that enter from now on.
    pub fn stamp(&self) -> Stamp {
        Stamp(self.inner.epoch.fetch_add(1, Ordering::AcqRel))
    }

    /// The earliest stamp that may still have readers: all before it are past. Looks at each reader once.
    ///
    /// What a structure unlinked before a past stamp it may use again.
    pub fn oldest_stamp(&self) -> Stamp {
        // Before the fence, so that later stamps do not count as past.
        let now = self.inner.epoch();
        // Pairs with the fence in `Reader::enter`, as in `reclaim`.
        fence(Ordering::SeqCst);
        Stamp(self.inner.oldest_reader().min(now))
    }

    pub(super) fn as_ptr(&self) -> *const Inner {
        Arc::as_ptr(&self.inner)
    }
}

impl Default for Domain {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain").field("epoch", &self.inner.epoch()).finish_non_exhaustive()
    }
}

impl Inner {
    /// The current epoch.
    #[inline]
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// # Safety
    /// * `drop(value)` is sound once, on any thread, when no reader of this domain refers to the value.
    unsafe fn push(&self, value: *mut (), drop: unsafe fn(*mut ())) {
        // Orders the caller's unlinking before the epoch's move; a reader that saw the move saw it all.
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel);
        let entry = Box::into_raw(Box::new(Retired { epoch, value, drop, next: ptr::null_mut() }));
        let mut head = self.incoming.load(Ordering::Relaxed);
        loop {
            // SAFETY: not yet shared; this thread alone refers to the entry until the exchange succeeds.
            unsafe { (*entry).next = head };
            match self.incoming.compare_exchange_weak(head, entry, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Moves what writers pushed to the end of `waiting`, oldest first.
    fn take_incoming(&self, waiting: &mut VecDeque<Box<Retired>>) {
        let mut entry = self.incoming.swap(ptr::null_mut(), Ordering::Acquire);
        let mut newest_first = Vec::new();
        while !entry.is_null() {
            // SAFETY: the swap made the whole list ours; each entry was made by `Box::into_raw` in `push`.
            let owned = unsafe { Box::from_raw(entry) };
            entry = owned.next;
            newest_first.push(owned);
        }
        waiting.extend(newest_first.into_iter().rev());
    }

    fn reclaim(&self, waiting: &mut VecDeque<Box<Retired>>, max: usize) -> usize {
        self.take_incoming(waiting);
        if waiting.is_empty() || max == 0 {
            return 0;
        }
        // Pairs with the fence in `Reader::enter`.
        fence(Ordering::SeqCst);
        let oldest = self.oldest_reader();
        let mut dropped = 0;
        while dropped < max && waiting.front().is_some_and(|entry| entry.epoch < oldest) {
            let Some(entry) = waiting.pop_front() else { break };
            // SAFETY: every reader is idle or entered at a later epoch, so by the module's invariants
            // none refers to the value; the entry is gone from the list, so this happens once.
            unsafe { (entry.drop)(entry.value) };
            dropped += 1;
        }
        dropped
    }

    /// The epoch of the reader that entered first, `u64::MAX` if all are idle.
    fn oldest_reader(&self) -> u64 {
        let mut oldest = u64::MAX;
        let mut slot = self.slots.load(Ordering::Acquire);
        while !slot.is_null() {
            // SAFETY: slots live until `Inner` is dropped.
            let seen = unsafe { &*slot };
            // Acquire: what the reader did before it left comes before the drop.
            let epoch = seen.epoch.load(Ordering::Acquire);
            if epoch != IDLE {
                oldest = oldest.min(epoch);
            }
            slot = seen.next.load(Ordering::Relaxed);
        }
        oldest
    }

    fn take_slot(&self) -> *const Slot {
        let mut slot = self.slots.load(Ordering::Acquire);
        while !slot.is_null() {
            // SAFETY: slots live until `Inner` is dropped.
            let seen = unsafe { &*slot };
            if seen.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return slot;
            }
            slot = seen.next.load(Ordering::Relaxed);
        }
        let fresh = Box::into_raw(Box::new(Slot {
            epoch: AtomicU64::new(IDLE),
            taken: AtomicBool::new(true),
            next: AtomicPtr::new(ptr::null_mut()),
        }));
        let mut head = self.slots.load(Ordering::Relaxed);
        loop {
            // SAFETY: freshly made, and freed only with `Inner`.
            unsafe { (*fresh).next.store(head, Ordering::Relaxed) };
            match self.slots.compare_exchange_weak(head, fresh, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return fresh,
                Err(now) => head = now,
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // No reader is left (each keeps `Inner` alive), so everything can go.
        let mut waiting = VecDeque::new();
        // SAFETY: `&mut self`: nobody else is in `reclaim`.
        core::mem::swap(&mut waiting, unsafe { &mut *self.waiting.get() });
        self.take_incoming(&mut waiting);
        for entry in waiting {
            // SAFETY: as above; each entry is dropped once.
            unsafe { (entry.drop)(entry.value) };
        }
        let mut slot = self.slots.load(Ordering::Relaxed);
        while !slot.is_null() {
            // SAFETY: made by `Box::into_raw` in `take_slot`, and no reader refers to it any more.
            let owned = unsafe { Box::from_raw(slot) };
            slot = owned.next.load(Ordering::Relaxed);
        }
    }
}
