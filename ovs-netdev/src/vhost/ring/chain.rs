//! Chains of descriptors, which a driver may also keep in a table of their own (virtio 1.1 sections 2.6.5.3 and 2.7.7).

use crate::vhost::memory::{Memory, Place};

/// Pieces of one chain at most; a 64 KiB packet in 1 KiB pieces has fewer.
pub(super) const PIECES_MAX: usize = 128;
/// Bytes of a descriptor.
pub(super) const DESCRIPTOR: usize = 16;

pub(super) const NEXT: u16 = 1;
pub(super) const WRITE: u16 = 2;
pub(super) const INDIRECT: u16 = 4;

/// One piece of a chain.
#[derive(Clone, Copy, Debug)]
pub(in crate::vhost) struct Piece {
    pub place: Place,
    pub len: usize,
}

/// A chain that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vhost) struct Chain {
    /// How the driver knows it: its first descriptor, or in a packed ring the number that it has.
    pub(super) id: u16,
    /// Entries of a packed ring that it takes.
    pub(super) slots: u16,
    /// Where what is in flight has it.
    pub(super) noted: u16,
    /// It was taken before the ring was started last.
    pub(super) again: bool,
}

/// What stands at the ring's next place.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::vhost) enum Next {
    /// Nothing.
    Empty,
    /// A chain, whose pieces were appended.
    Chain(Chain),
    /// A chain that cannot be used, to be given back as it is.
    Bad(Chain),
    /// The ring makes no sense any more.
    Broken,
}

/// A descriptor: an address, a length, and two numbers whose meaning the kind of ring decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    pub address: u64,
    pub len: u32,
    pub numbers: [u16; 2],
}

impl Descriptor {
    /// Number `at` of a table. It must be one of them.
    pub fn read(memory: &Memory, table: Place, at: usize) -> Self {
        let mut bytes = [0; DESCRIPTOR];
        memory.read(table, DESCRIPTOR * at, &mut bytes);
        // One number, of which the shifts take the parts.
        let all = u128::from_le_bytes(bytes);
        let numbers = [(all >> 96) as u16, (all >> 112) as u16];
        Self { address: all as u64, len: (all >> 64) as u32, numbers }
    }

    /// What it describes; `flags` are its flags.
    pub fn piece(self, memory: &Memory, flags: u16, written: bool) -> Option<Piece> {
        let len = self.len as usize;
        let place = if (flags & WRITE != 0) == written { memory.at_guest(self.address, len) } else { None };
        place.map(|place| Piece { place, len })
    }

    /// The table that it describes, and how many descriptors that has.
    pub fn table(self, memory: &Memory) -> Option<(Place, usize)> {
        let len = self.len as usize;
        let whole = len > 0 && len.is_multiple_of(DESCRIPTOR);
        let place = if whole { memory.at_guest(self.address, len) } else { None };
        place.map(|place| (place, len / DESCRIPTOR))
    }
}
