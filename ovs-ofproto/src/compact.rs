//! Keys and masks without their zero words, for what is kept by the hundred thousand.

use ovs_flow::{FlowKey, FlowMask, WordMap};

/// The words of a key that are not zero.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Compact {
    map: WordMap,
    words: Box<[u64]>,
}

impl Compact {
    pub fn new(key: &FlowKey) -> Self {
        let mut map = WordMap::default();
        let mut count = 0;
        for (index, word) in key.words().iter().enumerate() {
            if *word != 0 {
                map[index / 64] |= 1 << (index % 64);
                count += 1;
            }
        }
        let mut words = Vec::with_capacity(count);
        words.extend(key.words().iter().filter(|word| **word != 0));
        Self { map, words: words.into_boxed_slice() }
    }

    /// The indices and values of the words.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> {
        let indices = self.map.into_iter().enumerate().flat_map(|(element, bits)| {
            std::iter::successors(Some(bits), |bits| Some(bits & (bits.wrapping_sub(1))))
                .take_while(|bits| *bits != 0)
                .map(move |bits| element * 64 + bits.trailing_zeros() as usize)
        });
        indices.zip(self.words.iter().copied())
    }

    /// The whole key.
    pub fn expand(&self) -> FlowKey {
        let mut key = FlowKey::default();
        for (index, word) in self.iter() {
            key.words_mut()[index] = word;
        }
        key
    }

    /// The whole mask, if it is one.
    pub fn expand_mask(&self) -> FlowMask {
        FlowMask { fields: self.expand() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost() {
        let mut key = FlowKey::default();
        assert_eq!(Compact::new(&key).expand(), key);
        for (index, word) in key.words_mut().iter_mut().enumerate() {
            *word = if index % 3 == 0 { index as u64 + 1 } else { 0 };
        }
        assert_eq!(Compact::new(&key).expand(), key);
    }
}
