//! A mask as the list of its words, cut into the stages of a lookup.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use ovs_flow::{FlowKey, FlowMask, STAGE_ENDS};

use super::PrefixField;
use super::fields::ports;
use super::rule::Values;
use crate::hash::WordHash;

/// A word of a mask that is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MaskWord {
    index: u8,
    pub(crate) bits: u64,
}

impl MaskWord {
    /// Adds nothing to any mask.
    pub(crate) const NONE: Self = Self { index: 0, bits: 0 };

    /// Its place in the key.
    #[inline]
    pub(crate) fn at(self) -> usize {
        usize::from(self.index)
    }
}

/// The words of a mask that are not zero, in order: a mask without fields, for comparing and ordering.
pub(crate) fn words_of(mask: &FlowMask, words: &mut Vec<MaskWord>) {
    words.clear();
    for (at, chunk) in mask.words().chunks(8).enumerate() {
        // Most of a mask is empty.
        if chunk.iter().fold(0, |all, bits| all | bits) != 0 {
            let used = chunk.iter().enumerate().filter(|(_, bits)| **bits != 0);
            words.extend(used.map(|(n, bits)| MaskWord { index: (at * 8 + n) as u8, bits: *bits }));
        }
    }
}

/// A hash of a mask's words, to look the mask up by.
pub(crate) fn hash_of(words: &[MaskWord], hash: WordHash) -> u64 {
    let add = |state, word: &MaskWord| hash.add(hash.add(state, u64::from(word.index)), word.bits);
    hash.finish(words.iter().fold(hash.start(), add))
}

/// The hash of all of a rule's values: the last of [`TupleMask::stage_hashes`].
pub(crate) fn hash_values(values: &[u64], hash: WordHash) -> u64 {
    hash.finish(values.iter().fold(hash.start(), |state, value| hash.add(state, *value)))
}

/// The mask of a tuple.
pub(crate) struct TupleMask {
    words: Box<[MaskWord]>,
    /// [`hash_of`] the words.
    hash: u64,
    /// The stages that have words, at least one (of no words, if the mask is empty).
    stages: Vec<Stage>,
    /// By trie of the classifier: the length of the prefix that the mask has there, or 0.
    prefix_lens: Box<[u8]>,
    /// The bits of the transport ports.
    ports: u32,
}

/// One stage's words, and the tries to ask before looking at them.
pub(crate) struct Stage {
    /// Which of the four, from 0.
    pub(crate) number: usize,
    pub(crate) words: Range<usize>,
    pub(crate) tries: Vec<usize>,
}

impl TupleMask {
    pub(crate) fn new(words: &[MaskWord], hash: u64, fields: &[PrefixField]) -> Self {
        let mut mask = Self {
            words: words.into(),
            hash,
            stages: Vec::new(),
            prefix_lens: Box::default(),
            ports: words
                .iter()
                .find(|word| word.at() == ports::WORD)
                .map_or(0, |word| ports::of_word(word.bits)),
        };
        let full = mask.to_mask();
        mask.prefix_lens = fields.iter().map(|field| field.prefix_len(&full)).collect();
        mask.stages = mask.cut(fields);
        mask
    }

    fn cut(&self, fields: &[PrefixField]) -> Vec<Stage> {
        let mut stages = Vec::new();
        let mut start = 0;
        for (number, stage_end) in STAGE_ENDS.into_iter().enumerate() {
            let end = self.words.partition_point(|word| word.at() < stage_end);
            if end > start {
                let here = |at: &usize| self.prefix_lens[*at] > 0 && fields[*at].stage() == number;
                let tries = (0..fields.len()).filter(here).collect();
                stages.push(Stage { number, words: start..end, tries });
            }
            start = end;
        }
        if stages.is_empty() {
            stages.push(Stage { number: 0, words: 0..0, tries: Vec::new() });
        }
        stages
    }

    #[inline]
    pub(crate) fn words(&self) -> &[MaskWord] {
        &self.words
    }

    /// What it is looked up by.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    #[inline]
    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    pub(crate) fn prefix_len(&self, trie: usize) -> u8 {
        self.prefix_lens[trie]
    }

    pub(crate) fn ports(&self) -> u32 {
        self.ports
    }

    /// How many of the ports' 32 bits the ports trie looks at.
    pub(crate) fn ports_len(&self) -> u8 {
        if self.ports == 0 { 0 } else { 32 - self.ports.trailing_zeros() as u8 }
    }

    pub(crate) fn to_mask(&self) -> FlowMask {
        let mut mask = FlowMask::default();
        fold(&mut mask, &self.words);
        mask
    }

    /// The masked words of a key.
    pub(crate) fn values(&self, key: &FlowKey) -> Values {
        let key = key.words();
        self.words.iter().map(|word| key[word.at()] & word.bits).collect()
    }

    /// How many words the first three stages have.
    pub(crate) fn network_end(&self) -> usize {
        self.words.partition_point(|word| word.at() < STAGE_ENDS[2])
    }

    /// Whether a trie is asked before the third stage.
    pub(crate) fn has_early_tries(&self) -> bool {
        self.stages.iter().any(|stage| stage.number < 2 && !stage.tries.is_empty())
    }

    /// The hash of all stages' values, by stage; the last is that of the rule.
    pub(crate) fn stage_hashes<'a>(&'a self, values: &'a [u64], hash: WordHash) -> impl Iterator<Item = u64> {
        self.stages.iter().scan(hash.start(), move |state, stage| {
            *state = values[stage.words.clone()].iter().fold(*state, |state, value| hash.add(state, *value));
            Some(hash.finish(*state))
        })
    }

    /// The longest prefix in a field that has a trie.
    pub(crate) fn longest_prefix(&self) -> Option<u8> {
        self.prefix_lens.iter().copied().max()
    }
}

/// Adds the masked words of `key` to a hash.
#[inline(always)]
pub(crate) fn hash_words(words: &[MaskWord], key: &FlowKey, hash: WordHash, state: u64) -> u64 {
    let key = key.words();
    let mut state = state;
    for word in words {
        state = hash.add(state, key[word.at()] & word.bits);
    }
    state
}

/// Adds words to a mask.
#[inline]
pub(crate) fn fold(mask: &mut FlowMask, words: &[MaskWord]) {
    let out = mask.words_mut();
    for word in words {
        out[word.at()] |= word.bits;
    }
}
