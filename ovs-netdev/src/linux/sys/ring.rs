//! Rings that are shared with the kernel: one side writes entries and moves the producer's number, the other reads
//! them and moves the consumer's (the kernel's `Documentation/networking/af_xdp`).

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::mapping::Mapping;

/// Where a ring's parts lie in its mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub producer: u64,
    pub consumer: u64,
    pub flags: u64,
    pub entries: u64,
}

/// What both sides of a ring have in common. `T` is a plain C struct of numbers.
#[derive(Debug)]
struct Ring<T> {
    memory: Mapping,
    layout: Layout,
    /// Entries, a power of two.
    size: u32,
    entries: NonNull<T>,
}

// SAFETY: the pointer is into the mapping that the ring owns.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T: Copy> Ring<T> {
    fn new(fd: BorrowedFd<'_>, page: u64, layout: Layout, size: u32) -> io::Result<Self> {
        let entries_at = layout.entries as usize;
        let len = entries_at + size as usize * size_of::<T>();
        let numbers = [layout.producer, layout.consumer, layout.flags];
        let fits = |at: u64| at.is_multiple_of(4) && at as usize + 4 <= len;
        if !size.is_power_of_two()
            || !numbers.into_iter().all(fits)
            || !entries_at.is_multiple_of(align_of::<T>())
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let memory = Mapping::of_fd(fd, page, len, true)?;
        // SAFETY: the entries begin within the mapping, by its length.
        let entries = unsafe { memory.base().add(entries_at) }.cast();
        Ok(Self { memory, layout, size, entries })
    }

    /// One of the numbers that the two sides share.
    fn number(&self, at: u64) -> &AtomicU32 {
        // SAFETY: aligned and within the mapping (looked at when it was made), which lives as long as the ring; both
        // sides access it as an atomic number only.
        unsafe { self.memory.base().add(at as usize).cast::<AtomicU32>().as_ref() }
    }

    fn slot(&self, at: u32) -> *mut T {
        // SAFETY: masked to the number of entries, all of which are in the mapping.
        unsafe { self.entries.add((at & (self.size - 1)) as usize) }.as_ptr()
    }

    /// Whether the kernel asks to be woken (`XDP_RING_NEED_WAKEUP`).
    fn needs_wakeup(&self) -> bool {
        self.number(self.layout.flags).load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

/// A ring into which we write.
#[derive(Debug)]
pub(crate) struct Producer<T> {
    ring: Ring<T>,
    /// Entries that were written; published by [`Producer::publish`].
    next: u32,
}

impl<T: Copy> Producer<T> {
    /// Maps the ring of `size` entries that the descriptor has at `page`.
    pub fn new(fd: BorrowedFd<'_>, page: u64, layout: Layout, size: u32) -> io::Result<Self> {
        Ok(Self { ring: Ring::new(fd, page, layout, size)?, next: 0 })
    }

    fn consumed(&self) -> u32 {
        self.ring.number(self.ring.layout.consumer).load(Ordering::Acquire)
    }

    /// How many entries can be written now.
    pub fn room(&self) -> u32 {
        self.ring.size.saturating_sub(self.pending())
    }

    /// Entries that the kernel has not taken.
    pub fn pending(&self) -> u32 {
        self.next.wrapping_sub(self.consumed())
    }

    /// Writes an entry; there is room for it.
    pub fn push(&mut self, entry: T) {
        debug_assert!(self.room() > 0);
        // SAFETY: the slot is ours until the number is published, for the kernel has taken what was in it.
        unsafe { self.ring.slot(self.next).write(entry) };
        self.next = self.next.wrapping_add(1);
    }

    /// Lets the kernel see what was written.
    pub fn publish(&self) {
        self.ring.number(self.ring.layout.producer).store(self.next, Ordering::Release);
    }

    /// Takes the last `count` entries back, of which the kernel has not seen any: it was told that it may not look.
    pub fn withdraw(&mut self, count: u32) {
        self.next = self.next.wrapping_sub(count.min(self.pending()));
        self.publish();
    }

    /// Whether the kernel asks to be woken to look at it.
    pub fn needs_wakeup(&self) -> bool {
        self.ring.needs_wakeup()
    }
}

/// A ring that we read.
#[derive(Debug)]
pub(crate) struct Consumer<T> {
    ring: Ring<T>,
    next: u32,
    /// Up to where the kernel has written, when it was last looked at.
    end: u32,
}

impl<T: Copy> Consumer<T> {
    /// Maps the ring of `size` entries that the descriptor has at `page`.
    pub fn new(fd: BorrowedFd<'_>, page: u64, layout: Layout, size: u32) -> io::Result<Self> {
        Ok(Self { ring: Ring::new(fd, page, layout, size)?, next: 0, end: 0 })
    }

    /// The next entry, if the kernel has written one.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.next == self.end {
            self.end = self.ring.number(self.ring.layout.producer).load(Ordering::Acquire);
            if self.next == self.end {
                return None;
            }
        }
        // SAFETY: the kernel has written the slot and leaves it until the number is released.
        let entry = unsafe { self.ring.slot(self.next).read() };
        self.next = self.next.wrapping_add(1);
        Some(entry)
    }

    /// Gives the slots of what was taken back to the kernel.
    pub fn release(&self) {
        self.ring.number(self.ring.layout.consumer).store(self.next, Ordering::Release);
    }

    /// Whether an entry is there that was not taken.
    pub fn has_more(&self) -> bool {
        self.ring.number(self.ring.layout.producer).load(Ordering::Relaxed) != self.next
    }
}
