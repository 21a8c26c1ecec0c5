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
        let map = non_zero(key);
        let count = map.iter().map(|bits| bits.count_ones() as usize).sum();
        // Of just the right size from the start: there are two of these in each upcall.
        let mut words = Vec::with_capacity(count);
        words.extend(places(map).map(|index| key.words()[index]));
        Self { map, words: words.into_boxed_slice() }
    }

    /// A key under a mask. Few words of a mask are not zero, and only these are looked at.
    pub fn masked(key: &FlowKey, mask: &Self) -> Self {
        let mut map = WordMap::default();
        for (index, bits) in mask.iter() {
            map[index / 64] |= u64::from(key.words()[index] & bits != 0) << (index % 64);
        }
        let mut words = Vec::with_capacity(map.iter().map(|bits| bits.count_ones() as usize).sum());
        words.extend(mask.iter().map(|(index, bits)| key.words()[index] & bits).filter(|word| *word != 0));
        Self { map, words: words.into_boxed_slice() }
    }

    /// The indices and values of the words.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> {
        places(self.map).zip(self.words.iter().copied())
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

/// Which words of a key are not zero.
fn non_zero(key: &FlowKey) -> WordMap {
    let mut map = WordMap::default();
    for (element, words) in map.iter_mut().zip(key.words().chunks(64)) {
        // No branch: the compiler compares several at a time.
        *element = (0_u32..).zip(words).fold(0, |bits, (at, word)| bits | u64::from(*word != 0) << at);
    }
    map
}

/// The indices of a map's ones.
fn places(map: WordMap) -> impl Iterator<Item = usize> {
    map.into_iter().enumerate().flat_map(|(element, bits)| {
        std::iter::successors(Some(bits), |bits| Some(bits & (bits.wrapping_sub(1))))
            .take_while(|bits| *bits != 0)
            .map(move |bits| element * 64 + bits.trailing_zeros() as usize)
    })
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
        let mut mask = FlowKey::default();
        for (index, word) in mask.words_mut().iter_mut().enumerate() {
            *word = u64::from(index % 2 == 0);
        }
        assert_eq!(Compact::masked(&key, &Compact::new(&mask)), Compact::new(&key.masked(&mask)));
    }
}
