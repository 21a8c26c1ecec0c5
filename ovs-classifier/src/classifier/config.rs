//! What a classifier is made with, and what it refuses.

use alloc::vec::Vec;

use super::PrefixField;
use super::tuple::MAX_TRIES;

/// Seed, limits and prefix tries of a classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassifierConfig {
    /// Secret from which the keys of the hash tables derive.
    pub seed: [u64; 2],
    /// The fields that have a prefix trie, in the order in which a lookup asks them.
    pub prefixes: Vec<PrefixField>,
    /// The most rules that are held at a time, those that wait for [`super::ClassifierWriter::gc`] included.
    pub max_rules: usize,
    /// The most different masks.
    pub max_masks: usize,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self {
            seed: [0; 2],
            prefixes: PrefixField::DEFAULT.to_vec(),
            max_rules: 4_000_000,
            max_masks: 65_536,
        }
    }
}

impl ClassifierConfig {
    /// With this seed.
    pub fn seed(mut self, seed: [u64; 2]) -> Self {
        self.seed = seed;
        self
    }

    /// With tries on these fields; a field given twice counts once.
    pub fn prefixes(mut self, fields: impl IntoIterator<Item = PrefixField>) -> Self {
        self.prefixes.clear();
        for field in fields {
            if !self.prefixes.contains(&field) {
                self.prefixes.push(field);
            }
        }
        self
    }

    /// With at most this many rules.
    pub fn max_rules(mut self, rules: usize) -> Self {
        self.max_rules = rules;
        self
    }

    /// With at most this many masks.
    pub fn max_masks(mut self, masks: usize) -> Self {
        self.max_masks = masks;
        self
    }

    /// The fields that get a trie: no more than there are, each once.
    pub(super) fn fields(&self) -> Vec<PrefixField> {
        let mut fields = self.clone().prefixes(self.prefixes.iter().copied()).prefixes;
        fields.truncate(MAX_TRIES);
        fields
    }
}

/// Why a rule is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// There are as many rules as the configuration allows.
    #[error("the classifier is full: {limit} rules")]
    TooManyRules {
        /// [`ClassifierConfig::max_rules`]
        limit: usize,
    },
    /// The rule's mask would be one more than the configuration allows.
    #[error("the classifier has {limit} different masks already")]
    TooManyMasks {
        /// [`ClassifierConfig::max_masks`]
        limit: usize,
    },
}
