//! Virtqueues, seen from the device (virtio 1.1 sections 2.6 and 2.7). Everything in them was written by somebody who may
//! mean harm: descriptors out of range, chains that loop, tables within tables, indices that jump.

mod chain;
mod inflight;
mod packed;
mod split;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(super) use chain::{Chain, Next, Piece};
pub(super) use inflight::Inflight;
use packed::Packed;
use split::Split;

use super::memory::{Memory, Place};
use super::message::Malformed;
use super::session::feature;

/// Entries of a ring at most (virtio 1.1 section 2.6).
pub(super) const ENTRIES_MAX: u32 = 1 << 15;

/// What a ring is made of.
#[derive(Debug)]
pub(super) struct Setup {
    pub memory: Arc<Memory>,
    pub entries: u32,
    /// Where the frontend has descriptors, what the driver writes, what the device writes.
    pub addresses: [u64; 3],
    /// How far it was, as messages say it.
    pub base: u32,
    /// What both sides use.
    pub features: u64,
    /// Where is written down what is in flight.
    pub inflight: Option<(Arc<Memory>, Place)>,
}

impl Setup {
    fn has(&self, feature: u64) -> bool {
        self.features & feature != 0
    }
}

/// A ring.
#[derive(Debug)]
pub(super) enum Ring {
    Split(Split),
    Packed(Packed),
}

impl Ring {
    /// A ring where `setup` says, which goes on where it was.
    pub fn new(setup: Setup) -> Result<Self, Malformed> {
        if setup.has(feature::RING_PACKED) {
            Packed::new(setup).map(Self::Packed)
        } else {
            Split::new(setup).map(Self::Split)
        }
    }

    pub fn memory(&self) -> &Memory {
        match self {
            Self::Split(ring) => ring.memory(),
            Self::Packed(ring) => ring.memory(),
        }
    }

    /// How far it is, as messages say it.
    pub fn base(&self) -> u32 {
        match self {
            Self::Split(ring) => ring.base(),
            Self::Packed(ring) => ring.base(),
        }
    }

    /// Takes the next chain: all its pieces must be of one direction (`written` by us, or read).
    pub fn pop(&mut self, written: bool, pieces: &mut Vec<Piece>) -> Next {
        let before = pieces.len();
        let next = match self {
            Self::Split(ring) => ring.pop(written, pieces),
            Self::Packed(ring) => ring.pop(written, pieces),
        };
        if !matches!(next, Next::Chain(_)) {
            pieces.truncate(before);
        }
        next
    }

    /// Puts the chain that was taken last back, as if it had not been. It was not given back.
    pub fn put_back(&mut self, chain: Chain) {
        match self {
            Self::Split(ring) => ring.put_back(chain),
            Self::Packed(ring) => ring.put_back(chain),
        }
    }

    /// Gives a chain back, of which `len` bytes were written. The driver sees it with [`Self::publish`].
    pub fn give_back(&mut self, chain: Chain, len: u32) {
        match self {
            Self::Split(ring) => ring.give_back(chain, len),
            Self::Packed(ring) => ring.give_back(chain, len),
        }
    }

    /// Lets the driver see what was given back; true if it wants to be called.
    pub fn publish(&mut self) -> bool {
        match self {
            Self::Split(ring) => ring.publish(),
            Self::Packed(ring) => ring.publish(),
        }
    }

    /// Asks the driver for a kick with the next chain; true if that is there meanwhile.
    pub fn arm(&mut self) -> bool {
        match self {
            Self::Split(ring) => ring.arm(),
            Self::Packed(ring) => ring.arm(),
        }
    }
}

/// Whether `event` is among the last `count` of what ends before `new`, all counted modulo `round`.
fn is_passed(event: u32, new: u32, count: u32, round: u32) -> bool {
    let since = (new + round - event) % round;
    (1..=count).contains(&since)
}
