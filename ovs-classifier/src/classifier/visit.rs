//! One tuple's share of the mask, and what the tries said.

use ovs_flow::{FlowKey, FlowMask};

use super::Rule;
use super::fields::PrefixField;
use super::search::Query;
use super::trie::{Found, Trie, Value};
use super::tuple::Tuple;
use super::tuple_mask::hash_words;
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard};

/// The tries of a classifier, one a field.
pub(crate) type Tries = [(PrefixField, FieldTrie)];

/// As many tries as there are fields for them.
pub(crate) const MAX_TRIES: usize = 9;

/// A trie of numbers as wide as its field.
pub(crate) enum FieldTrie {
    /// Of a field that stands in one word of the key: which, behind how many of its bits, and the Ethernet type
    /// that packets with the field have.
    Narrow { trie: Trie<u32>, at: usize, shift: u32, dl_type: Option<u16> },
    /// Of any other field.
    Wide { trie: Trie<u128>, field: PrefixField },
}

impl FieldTrie {
    pub(crate) fn new(field: PrefixField) -> Self {
        match field.narrow() {
            Some((at, shift)) => Self::Narrow { trie: Trie::new(), at, shift, dl_type: field.dl_type() },
            None => Self::Wide { trie: Trie::new(), field },
        }
    }

    /// What the trie says of a key.
    #[inline]
    fn lookup(&self, key: &FlowKey, guard: &Guard<'_>) -> Found {
        match self {
            Self::Narrow { trie, at, shift, dl_type } => {
                if dl_type.is_some_and(|dl_type| key.dl_type.get() != dl_type) {
                    return Found::ANY;
                }
                trie.lookup((u64::from_be(key.words()[*at]) << shift >> 32) as u32, guard)
            }
            Self::Wide { trie, field } => {
                if !field.applies(key) {
                    return Found::ANY;
                }
                let found = trie.lookup(field.value(key), guard);
                Found { bits: found.bits.min(field.bits()), ..found }
            }
        }
    }

    /// Adds a match's prefix, or takes it out.
    pub(crate) fn set(&self, value: u128, len: u8, present: bool, guard: &Guard<'_>, domain: &Domain) {
        match self {
            Self::Narrow { trie, .. } => trie.set(u32::of(value), len, present, guard, domain),
            Self::Wide { trie, .. } => trie.set(value, len, present, guard, domain),
        }
    }
}

/// What a lookup has asked the tries so far: each at most once, and only when a tuple needs it.
pub(crate) struct Asked<'a> {
    tries: &'a Tries,
    key: &'a FlowKey,
    guard: &'a Guard<'a>,
    known: u16,
    answers: [Found; MAX_TRIES],
}

impl<'a> Asked<'a> {
    #[inline]
    pub(crate) fn new(tries: &'a Tries, key: &'a FlowKey, guard: &'a Guard<'a>) -> Self {
        Self { tries, key, guard, known: 0, answers: [Found::ANY; MAX_TRIES] }
    }

    #[inline]
    pub(crate) fn field(&self, trie: usize) -> PrefixField {
        self.tries[trie].0
    }

    /// What a trie says of the key.
    #[inline(always)]
    pub(crate) fn answer(&mut self, trie: usize) -> Found {
        if self.known >> trie & 1 == 0 {
            self.ask(trie);
        }
        self.answers[trie]
    }

    #[inline(never)]
    fn ask(&mut self, trie: usize) {
        self.known |= 1 << trie;
        self.answers[trie] = self.tries[trie].1.lookup(self.key, self.guard);
    }

    /// Whether no rule with a prefix of `len` bits in this field can match; if so, the bits that say so are
    /// in `mask`. It stays unsaid where saying so would take more bits than looking at the prefix itself.
    pub(crate) fn excludes(&mut self, trie: usize, len: u8, mask: &mut FlowMask) -> bool {
        let (found, field) = (self.answer(trie), self.field(trie));
        if found.has(len) {
            return false;
        }
        if found.bits <= len {
            field.add_prefix(mask, found.bits);
            return true;
        }
        field.has_prefix(mask, found.bits)
    }
}

/// Visits one tuple, stage by stage: the definition, for tuples that have prefixes in the first two stages (the
/// outer addresses of tunnels), where tries and levels cannot be asked for many tuples at once.
pub(super) fn visit<'g, R: Send + Sync + 'static>(
    tuple: &'g Tuple<R>,
    query: Query<'_, 'g>,
    hash: WordHash,
    asked: &mut Asked<'_>,
    mask: &mut FlowMask,
) -> Option<&'g Rule<R>> {
    let Query { version, key, guard } = query;
    let mut state = hash.start();
    for (number, stage) in tuple.mask.stages().iter().enumerate() {
        if stage.tries.iter().any(|trie| asked.excludes(*trie, tuple.mask.prefix_len(*trie), mask)) {
            tuple.fold_to(stage.words.start, mask);
            return None;
        }
        state = hash_words(&tuple.mask.words()[stage.words.clone()], key, hash, state);
        if let Some(seat) = tuple.seats.get(number)
            && seat.level.agreeing(hash.finish(state), guard) >> seat.bit & 1 == 0
        {
            tuple.fold_to(stage.words.end, mask);
            return None;
        }
    }
    let found = tuple.find(hash.finish(state), version, key, guard);
    tuple.fold_last(found.is_some(), key, mask, guard);
    found
}
