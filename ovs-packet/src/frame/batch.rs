//! Up to 32 packets in a fixed array.

use core::{
    fmt,
    mem::{self, MaybeUninit},
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};

use super::{Frame, Home, Packet};

/// Packets that a [`Batch`] holds at most.
pub const BATCH_MAX: usize = 32;

/// Up to [`BATCH_MAX`] packets, in order, without heap memory. Dereferences to a slice of packets.
pub struct Batch {
    /// The first `len` are initialised.
    slots: [MaybeUninit<Packet>; BATCH_MAX],
    len: usize,
}

impl Batch {
    /// An empty batch.
    pub const fn new() -> Self {
        Self { slots: [const { MaybeUninit::uninit() }; BATCH_MAX], len: 0 }
    }

    /// Packets in it.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if it holds no packet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True if no further packet fits.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len == BATCH_MAX
    }

    /// How many further packets fit.
    #[inline]
    pub fn room(&self) -> usize {
        BATCH_MAX - self.len
    }

    /// Adds a packet at the end; gives it back if the batch is full.
    #[inline]
    pub fn push(&mut self, packet: Packet) -> Result<(), Packet> {
        match self.slots.get_mut(self.len) {
            Some(slot) => {
                slot.write(packet);
                self.len += 1;
                Ok(())
            }
            None => Err(packet),
        }
    }

    /// Takes the last packet.
    #[inline]
    pub fn pop(&mut self) -> Option<Packet> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: the slot was initialised, and now lies outside the batch, so it is read once.
        Some(unsafe { self.slots[self.len].assume_init_read() })
    }

    /// The packets.
    #[inline]
    pub fn as_slice(&self) -> &[Packet] {
        // SAFETY: the first `len` slots are initialised, and `MaybeUninit<Packet>` is laid out as `Packet`.
        unsafe { slice::from_raw_parts(self.slots.as_ptr().cast(), self.len) }
    }

    /// The packets, to change.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [Packet] {
        // SAFETY: as in `as_slice`, and borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.slots.as_mut_ptr().cast(), self.len) }
    }

    /// Takes all packets, in order; those not taken when the iterator is dropped are dropped.
    pub fn drain(&mut self) -> Drain<'_> {
        let end = mem::take(&mut self.len);
        Drain { batch: self, at: 0, end }
    }

    /// Keeps the packets for which `keep` is true, in order, and drops the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut Packet) -> bool) {
        let mut drain = self.drain();
        let mut kept = 0;
        while let Some(mut packet) = drain.next() {
            if keep(&mut packet) {
                // At most as many are kept as were read, so this slot has been read already.
                drain.batch.slots[kept].write(packet);
                kept += 1;
                drain.batch.len = kept;
            }
        }
    }

    /// Drops all packets, each run with the same home in one operation.
    pub fn clear(&mut self) {
        let len = mem::take(&mut self.len);
        // The slots lie outside the batch now: each is read once here, and nowhere else.
        let mut packets = self.slots[..len].iter().map(|slot| {
            // SAFETY: the slot was initialised and is read once.
            unsafe { slot.assume_init_read() }
        });
        let Some(first) = packets.next() else { return };
        let mut run = Run::of(first);
        for packet in packets {
            if packet.home() == run.home {
                run.add(packet);
            } else {
                mem::replace(&mut run, Run::of(packet)).finish();
            }
        }
        run.finish();
    }

    /// Moves packets from the front of `other` to the end of this batch while they fit; says how many.
    pub fn append(&mut self, other: &mut Batch) -> usize {
        let n = self.room().min(other.len);
        if n == other.len {
            for packet in other.drain() {
                // It fits, by the comparison above.
                let _ = self.push(packet);
            }
            return n;
        }
        let mut left = n;
        let mut rest = Batch::new();
        for packet in other.drain() {
            let to = if left > 0 { &mut *self } else { &mut rest };
            left = left.saturating_sub(1);
            let _ = to.push(packet);
        }
        mem::swap(other, &mut rest);
        n
    }
}

/// A chain of frames of one home under construction.
struct Run {
    home: NonNull<Home>,
    first: NonNull<Frame>,
    last: NonNull<Frame>,
    count: usize,
}

impl Run {
    fn of(packet: Packet) -> Self {
        let home = packet.home();
        let frame = packet.into_frame();
        Self { home, first: frame, last: frame, count: 1 }
    }

    fn add(&mut self, packet: Packet) {
        let frame = packet.into_frame();
        // SAFETY: `last` is a live frame that this run owns.
        unsafe { self.last.as_mut() }.next = frame.as_ptr();
        self.last = frame;
        self.count += 1;
    }

    fn finish(self) {
        // SAFETY: the run owns its frames, all of one home, and ends here.
        unsafe { Home::give_back(self.home, self.first, self.last, self.count) }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Batch {
    type Target = [Packet];
    fn deref(&self) -> &[Packet] {
        self.as_slice()
    }
}

impl DerefMut for Batch {
    fn deref_mut(&mut self) -> &mut [Packet] {
        self.as_mut_slice()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = &'a Packet;
    type IntoIter = slice::Iter<'a, Packet>;
    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

impl<'a> IntoIterator for &'a mut Batch {
    type Item = &'a mut Packet;
    type IntoIter = slice::IterMut<'a, Packet>;
    fn into_iter(self) -> Self::IntoIter {
        self.as_mut_slice().iter_mut()
    }
}

/// The iterator of [`Batch::drain`].
#[derive(Debug)]
pub struct Drain<'a> {
    batch: &'a mut Batch,
    /// Slots `at..end` are initialised and the drain's own; the batch's length does not cover them.
    at: usize,
    end: usize,
}

impl Drain<'_> {
    /// The packets that are still to come.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [Packet] {
        let left = &mut self.batch.slots[self.at..self.end];
        // SAFETY: these slots are initialised and borrowed exclusively, and `MaybeUninit<Packet>` is laid out as `Packet`.
        unsafe { slice::from_raw_parts_mut(left.as_mut_ptr().cast(), left.len()) }
    }
}

impl Iterator for Drain<'_> {
    type Item = Packet;

    #[inline]
    fn next(&mut self) -> Option<Packet> {
        if self.at == self.end {
            return None;
        }
        self.at += 1;
        // SAFETY: the slot is initialised, and `at` has passed it, so it is read once.
        Some(unsafe { self.batch.slots[self.at - 1].assume_init_read() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.at, Some(self.end - self.at))
    }
}

impl ExactSizeIterator for Drain<'_> {}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        for packet in self.by_ref() {
            drop(packet);
        }
    }
}
