//! The sparse key of the fast path: only the words of a flow key that are not zero.

use crate::{FlowKey, WORDS};

/// Which words of a [`FlowKey`] a [`SparseKey`] holds: bit `i % 64` of element `i / 64` for word `i`.
pub type WordMap = [u64; 2];

/// A flow key without its zero words, filled in order of word index and meant to be reused: nothing
/// beyond the words in use is ever read.
///
/// What says which words there are lies before them, so that a key of a common packet takes two cache lines.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct SparseKey {
    pub(crate) map: WordMap,
    pub(crate) count: usize,
    pub(crate) values: [u64; WORDS],
}

impl SparseKey {
    /// An empty key: every word is zero.
    pub const fn new() -> Self {
        Self { map: [0; 2], count: 0, values: [0; WORDS] }
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        self.map = [0; 2];
        self.count = 0;
    }

    /// Which words are held.
    #[inline]
    pub fn map(&self) -> WordMap {
        self.map
    }

    /// The words held, in order of their index.
    #[inline]
    pub fn values(&self) -> &[u64] {
        &self.values[..self.count]
    }

    /// The word at a place among [`SparseKey::values`], zero if there are not as many.
    #[inline]
    pub fn nth(&self, place: usize) -> u64 {
        let word = self.values.get(place).copied().unwrap_or(0);
        if place < self.count { word } else { 0 }
    }

    /// The indices of the words held, in order.
    #[inline]
    pub fn indices(&self) -> impl Iterator<Item = usize> + use<> {
        let [mut low, mut high] = self.map;
        core::iter::from_fn(move || {
            let (bits, base) = if low != 0 { (&mut low, 0) } else { (&mut high, 64) };
            let index = base + bits.trailing_zeros() as usize;
            let more = *bits != 0;
            *bits &= bits.wrapping_sub(1);
            more.then_some(index)
        })
    }

    /// Appends word `index`; zero words are left out. Indices must come in increasing order.
    #[inline]
    pub fn push(&mut self, index: usize, value: u64) {
        debug_assert!(index < WORDS && self.map[index / 64] >> (index % 64) == 0);
        if value != 0 {
            self.map[index / 64] |= 1 << (index % 64);
            self.values[self.count] = value;
            self.count += 1;
        }
    }

    /// Word `index`, zero if it is not held.
    #[inline]
    pub fn word(&self, index: usize) -> u64 {
        let (element, bit) = (index / 64, index % 64);
        if self.map[element] >> bit & 1 == 0 {
            return 0;
        }
        let before = (self.map[element] & ((1 << bit) - 1)).count_ones()
            + if element == 1 { self.map[0].count_ones() } else { 0 };
        self.values[before as usize]
    }

    /// The whole key.
    pub fn expand(&self) -> FlowKey {
        let mut key = FlowKey::default();
        let words = key.words_mut();
        for (index, value) in self.indices().zip(self.values()) {
            if let Some(word) = words.get_mut(index) {
                *word = *value;
            }
        }
        key
    }
}

impl Default for SparseKey {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&FlowKey> for SparseKey {
    fn from(key: &FlowKey) -> Self {
        let mut sparse = Self::new();
        for (index, word) in key.words().iter().enumerate() {
            sparse.push(index, *word);
        }
        sparse
    }
}

impl PartialEq for SparseKey {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map && self.values() == other.values()
    }
}

impl Eq for SparseKey {}

impl core::fmt::Debug for SparseKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.expand().fmt(f)
    }
}
