//! Masks and matches: which bits of a key are looked at, and what they must be.

use core::ops::Range;

use crate::{FlowKey, WORDS};

/// Which bits of a [`FlowKey`] matter: a set bit is compared, a clear one is ignored.
///
/// The fields of a mask are those of a key: `mask.fields.nw_src` holds the bits of `nw_src` that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FlowMask {
    /// The bits, field by field.
    pub fields: FlowKey,
}

impl FlowMask {
    /// Every bit of every field.
    pub fn exact() -> Self {
        let mut mask = Self::default();
        mask.fields.words_mut().fill(u64::MAX);
        mask
    }

    /// The bits as words.
    pub fn words(&self) -> &[u64; WORDS] {
        self.fields.words()
    }

    /// The bits as words that can be changed.
    pub fn words_mut(&mut self) -> &mut [u64; WORDS] {
        self.fields.words_mut()
    }

    /// The smallest run of words outside of which nothing matters; empty if nothing matters at all.
    pub fn range(&self) -> Range<usize> {
        let words = self.words();
        match words.iter().position(|w| *w != 0) {
            None => 0..0,
            Some(start) => start..words.iter().rposition(|w| *w != 0).map_or(start, |last| last + 1),
        }
    }

    /// Every bit that a packet with this key has: its own layers' fields and all metadata, and nothing of layers
    /// that it lacks. A packet's exact megaflow has this mask.
    pub fn for_packet(key: &FlowKey) -> Self {
        crate::packet_mask::for_packet(key)
    }

    /// Whether every bit of `other` is in this mask too.
    pub fn covers(&self, other: &Self) -> bool {
        self.words().iter().zip(other.words()).all(|(a, b)| a & b == *b)
    }

    /// Adds the bits of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (word, bits) in self.words_mut().iter_mut().zip(other.words()) {
            *word |= bits;
        }
    }

    /// Whether the two keys agree on every bit that matters.
    pub fn agree(&self, a: &FlowKey, b: &FlowKey) -> bool {
        self.words().iter().zip(a.words().iter().zip(b.words())).all(|(m, (a, b))| (a ^ b) & m == 0)
    }
}

/// A set of packets: those whose key agrees with `key` under `mask`.
///
/// Invariant, kept by every constructor of this crate: `key` has no bit that `mask` has not; but a match
/// [that tells](Match::is_packed) the lengths of its tunnel options has them in `key.tunnel.metadata_present`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Match {
    /// The values.
    pub key: FlowKey,
    /// Which bits of them count.
    pub mask: FlowMask,
}

impl Match {
    /// The match of every packet whose key agrees with `key` under `mask`.
    pub fn new(key: &FlowKey, mask: FlowMask) -> Self {
        Self { key: key.masked(&mask.fields), mask }
    }

    /// Says that the packet begins with an Ethernet header, if `field` has prerequisites at all and nothing is said
    /// yet.
    pub fn require_ethernet(&mut self, field: crate::Field) {
        let needs = field.facts().prereq != crate::field::Prereq::None;
        if needs && self.mask.fields.packet_type.get() == 0 {
            self.key.packet_type.set(0);
            self.mask.fields.packet_type.set(u32::MAX);
        }
    }

    /// Whether a packet with this key is in the set.
    pub fn matches(&self, key: &FlowKey) -> bool {
        self.mask.agree(&self.key, key)
    }

    /// Whether some packet could be in both sets.
    pub fn overlaps(&self, other: &Self) -> bool {
        let masks = self.mask.words().iter().zip(other.mask.words());
        let keys = self.key.words().iter().zip(other.key.words());
        masks.zip(keys).all(|((ma, mb), (a, b))| (a ^ b) & ma & mb == 0)
    }
}
