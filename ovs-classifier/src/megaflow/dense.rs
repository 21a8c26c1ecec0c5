//! The key that is looked up, word by word.

use alloc::boxed::Box;
use core::mem::offset_of;

use ovs_flow::{FlowKey, SparseKey, WORDS, WordMap};

/// A sparse key spread out, so that a word is one load: finding a word's place in the sparse form takes counting
/// bits, too long to do for every word of every mask. Kept between lookups, so only words in use are touched.
pub(super) struct Dense {
    words: Box<[u64; WORDS]>,
    held: WordMap,
}

impl Dense {
    pub(super) fn new() -> Self {
        Self { words: Box::new([0; WORDS]), held: [0; 2] }
    }

    /// Spreads a key out.
    #[inline]
    pub(super) fn load(&mut self, key: &SparseKey) -> &[u64; WORDS] {
        for at in places(self.held) {
            self.words[at] = 0;
        }
        for (at, value) in places(key.map()).zip(key.values()) {
            self.words[at] = *value;
        }
        self.held = key.map();
        &self.words
    }

    /// The port of entry.
    #[inline]
    pub(super) fn in_port(words: &[u64; WORDS]) -> u32 {
        const AT: usize = offset_of!(FlowKey, in_port);
        let bytes = words[AT / 8].to_ne_bytes();
        u32::from_ne_bytes([bytes[AT % 8], bytes[AT % 8 + 1], bytes[AT % 8 + 2], bytes[AT % 8 + 3]])
    }
}

/// The places of the bits that are set.
#[inline]
fn places(map: WordMap) -> impl Iterator<Item = usize> {
    map.into_iter().enumerate().flat_map(|(element, mut bits)| {
        core::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let at = element * 64 + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(at)
        })
    })
}
