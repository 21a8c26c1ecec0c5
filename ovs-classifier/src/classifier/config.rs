//! What a classifier is made with, and what it refuses.

use alloc::vec::Vec;

use super::visit::MAX_TRIES;
use super::{Clause, PrefixField};

/// Seed, limits and prefix tries of a classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassifierConfig {
    /// Secret from which the keys of the hash tables derive.
    pub seed: [u64; 2],
    /// The fields that have a prefix trie, in the order in which a lookup asks them.
    pub prefixes: Vec<PrefixField>,
    /// The most rules that are held at a time, those that wait for [`super::ClassifierWriter::gc`] included; never
    /// more than 2³² − 2.
    pub max_rules: usize,
    /// The most different masks.
    pub max_masks: usize,
    /// The most dimensions of a conjunction; never more than [`Clause::MAX_DIMENSIONS`].
    pub max_dimensions: u8,
    /// The most clauses of one rule.
    pub max_clauses: usize,
    /// The most bits of a prefix in a field that has a trie: how deep a trie can get.
    pub max_trie_depth: u8,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self {
            seed: [0; 2],
            prefixes: PrefixField::DEFAULT.to_vec(),
            max_rules: 4_000_000,
            max_masks: 65_536,
            max_dimensions: Clause::MAX_DIMENSIONS,
            max_clauses: 4096,
            max_trie_depth: 128,
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

    /// With at most this many dimensions a conjunction.
    pub fn max_dimensions(mut self, dimensions: u8) -> Self {
        self.max_dimensions = dimensions;
        self
    }

    /// With at most this many clauses a rule.
    pub fn max_clauses(mut self, clauses: usize) -> Self {
        self.max_clauses = clauses;
        self
    }

    /// With tries of at most this many bits.
    pub fn max_trie_depth(mut self, bits: u8) -> Self {
        self.max_trie_depth = bits;
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
    /// The rule has more clauses than the configuration allows.
    #[error("a rule may have {limit} clauses of conjunctions")]
    TooManyClauses {
        /// [`ClassifierConfig::max_clauses`]
        limit: usize,
    },
    /// A conjunction has more dimensions than the configuration allows.
    #[error("a conjunction may have {limit} dimensions")]
    TooManyDimensions {
        /// [`ClassifierConfig::max_dimensions`]
        limit: u8,
    },
    /// A clause is of a conjunction of one dimension or none, or stands outside of its dimensions.
    #[error("a clause in dimension {} of {}", .clause.dimension, .clause.dimensions)]
    BadClause {
        /// The clause.
        clause: Clause,
    },
    /// The rule's prefix in a field that has a trie is longer than the configuration allows.
    #[error("a prefix of {len} bits in a trie of {limit}")]
    TrieTooDeep {
        /// The prefix's length in bits.
        len: u8,
        /// [`ClassifierConfig::max_trie_depth`]
        limit: u8,
    },
}
