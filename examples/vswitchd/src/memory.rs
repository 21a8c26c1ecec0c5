//! A global allocator that counts, to find out whether a switch that has run for long holds more than it did.
//!
//! ```text
//!   every crate ─▶ alloc, dealloc, realloc ─▶ Counting ─▶ the allocator that does the work
//!                                                └─▶ live bytes, live allocations ─▶ memory/live
//! ```
//!
//! There is one global allocator in a process, so its counts are global, too. Each allocation costs two locked
//! additions, wherefore only the feature `count-allocations` compiles this.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering};

static BYTES: AtomicU64 = AtomicU64::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// What is allocated at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Live {
    /// Bytes, as they were asked for.
    pub bytes: u64,
    /// Pieces of memory.
    pub allocations: u64,
}

/// What is allocated now through [`Counting`]. Threads that are allocating meanwhile make it a little uncertain.
pub fn live() -> Live {
    Live { bytes: BYTES.load(Ordering::Relaxed), allocations: ALLOCATIONS.load(Ordering::Relaxed) }
}

/// Counts what passes on its way to another allocator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting<A>(pub A);

// SAFETY: every call goes to the inner allocator as it came, with the caller's pointer and layout, and its answer
// comes back unchanged; counting neither allocates nor unwinds. So whatever the inner allocator guarantees holds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that is asked for.
        let memory = unsafe { self.0.alloc(layout) };
        count_new(memory, layout);
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that is asked for.
        let memory = unsafe { self.0.alloc_zeroed(layout) };
        count_new(memory, layout);
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        ALLOCATIONS.fetch_sub(1, Ordering::Relaxed);
        BYTES.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: `memory` came from the inner allocator with this layout, as the caller promises.
        unsafe { self.0.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: `memory` came from the inner allocator with this layout, and `size` is as the caller promises.
        let moved = unsafe { self.0.realloc(memory, layout, size) };
        if !moved.is_null() {
            // Added first: the sum never passes below zero.
            BYTES.fetch_add(size as u64, Ordering::Relaxed);
            BYTES.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        }
        moved
    }
}

/// Counts memory that was given out; null is a refusal.
fn count_new(memory: *mut u8, layout: Layout) {
    if !memory.is_null() {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::*;

    #[test]
    fn what_is_freed_is_no_longer_counted() {
        let (allocator, layout) = (Counting(System), Layout::new::<[u64; 4]>());
        let before = live();
        let grown = Layout::array::<u64>(8).unwrap();
        // SAFETY: the layouts are not empty; each piece is freed with the layout that it has then.
        unsafe {
            let first = allocator.alloc(layout);
            let second = allocator.alloc_zeroed(layout);
            assert_eq!(live(), Live { bytes: before.bytes + 64, allocations: before.allocations + 2 });
            let first = allocator.realloc(first, layout, grown.size());
            assert_eq!(live(), Live { bytes: before.bytes + 96, allocations: before.allocations + 2 });
            allocator.dealloc(first, grown);
            allocator.dealloc(second, layout);
        }
        assert_eq!(live(), before);
    }
}
