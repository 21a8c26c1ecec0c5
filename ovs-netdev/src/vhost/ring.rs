//! A split virtqueue, seen from the device (virtio 1.1 section 2.6). Everything in it was written by somebody who may
//! mean harm: descriptors out of range, chains that loop, indices that jump.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::memory::{Memory, Place};

/// Entries of a ring at most (virtio 1.1 section 2.6).
const ENTRIES_MAX: u32 = 1 << 15;
/// Pieces of one chain at most; a 64 KiB packet in 1 KiB pieces has fewer.
const PIECES_MAX: usize = 128;

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;
/// The driver does not want to be called.
const NO_INTERRUPT: u16 = 1;

/// One piece of a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub place: Place,
    pub len: usize,
}

/// What stands at the ring's next place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Empty,
    /// A chain, whose pieces were appended.
    Chain(u16),
    /// A chain that cannot be used, to be given back as it is.
    Bad(u16),
    /// The ring makes no sense any more.
    Broken,
}

/// A ring.
#[derive(Debug)]
pub(super) struct Ring {
    memory: Arc<Memory>,
    entries: u16,
    descriptors: Place,
    available: Place,
    used: Place,
    next_available: u16,
    next_used: u16,
    broken: bool,
}

impl Ring {
    /// A ring of `entries` at these addresses, of which `base` were taken; None if that cannot be.
    pub fn new(memory: Arc<Memory>, entries: u32, addresses: [u64; 3], base: u16) -> Option<Self> {
        let [descriptors, available, used] = addresses;
        if !entries.is_power_of_two() || entries > ENTRIES_MAX {
            return None;
        }
        if !descriptors.is_multiple_of(16) || !available.is_multiple_of(2) || !used.is_multiple_of(4) {
            return None;
        }
        let count = entries as usize;
        let descriptors = memory.at_user(descriptors, 16 * count)?;
        let available = memory.at_user(available, 4 + 2 * count)?;
        let used = memory.at_user(used, 4 + 8 * count)?;
        if !memory.is_even(available) || !memory.is_even(used) {
            return None;
        }
        let mut ring = Self {
            memory,
            entries: entries as u16,
            descriptors,
            available,
            used,
            next_available: base,
            next_used: 0,
            broken: false,
        };
        ring.next_used = ring.memory.load(ring.used, 2);
        Some(ring)
    }

    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// How many chains were taken, counted without end.
    pub fn base(&self) -> u16 {
        self.next_available
    }

    /// Chains that wait.
    pub fn pending(&self) -> u16 {
        self.memory.load(self.available, 2).wrapping_sub(self.next_available)
    }

    /// Takes the next chain: all its pieces must be of one direction (`written` by us, or read).
    pub fn pop(&mut self, written: bool, pieces: &mut Vec<Piece>) -> Next {
        let pending = self.pending();
        if pending == 0 && !self.broken {
            return Next::Empty;
        }
        self.broken |= pending > self.entries;
        if self.broken {
            return Next::Broken;
        }
        let slot = usize::from(self.next_available & (self.entries - 1));
        let mut head = [0; 2];
        self.memory.read(self.available, 4 + 2 * slot, &mut head);
        let head = u16::from_le_bytes(head);
        if head >= self.entries {
            // It cannot even be given back.
            self.broken = true;
            return Next::Broken;
        }
        self.next_available = self.next_available.wrapping_add(1);
        let before = pieces.len();
        if self.walk(head, written, pieces).is_some() {
            return Next::Chain(head);
        }
        pieces.truncate(before);
        Next::Bad(head)
    }

    /// Collects a chain's pieces; None if it is not as it must be.
    fn walk(&self, head: u16, written: bool, pieces: &mut Vec<Piece>) -> Option<()> {
        let mut at = head;
        for _ in 0..PIECES_MAX {
            if at >= self.entries {
                return None;
            }
            let mut bytes = [0; 16];
            self.memory.read(self.descriptors, 16 * usize::from(at), &mut bytes);
            // Address 8, length 4, flags 2, next 2: one number, of which the shifts take the parts.
            let descriptor = u128::from_le_bytes(bytes);
            let (address, len) = (descriptor as u64, (descriptor >> 64) as u32 as usize);
            let flags = (descriptor >> 96) as u16;
            if flags & INDIRECT != 0 || (flags & WRITE != 0) != written {
                return None;
            }
            pieces.push(Piece { place: self.memory.at_guest(address, len)?, len });
            if flags & NEXT == 0 {
                return Some(());
            }
            at = (descriptor >> 112) as u16;
        }
        // Too long, or a loop.
        None
    }

    /// Puts the last `count` chains back, of which none was given back as used.
    pub fn put_back(&mut self, count: u16) {
        self.next_available = self.next_available.wrapping_sub(count);
    }

    /// Gives a chain back, of which `len` bytes were written.
    pub fn give_back(&mut self, head: u16, len: u32) {
        let slot = usize::from(self.next_used & (self.entries - 1));
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&u32::from(head).to_le_bytes());
        entry[4..].copy_from_slice(&len.to_le_bytes());
        self.memory.write(self.used, 4 + 8 * slot, &entry);
        self.next_used = self.next_used.wrapping_add(1);
    }

    /// Lets the driver see what was given back; true if it wants to be called.
    pub fn publish(&self) -> bool {
        self.memory.store(self.used, 2, self.next_used);
        // Its flag must be read after it can see the number.
        fence(Ordering::SeqCst);
        self.memory.load(self.available, 0) & NO_INTERRUPT == 0
    }
}
