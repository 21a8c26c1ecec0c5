//! One tuple's share of the mask, and what the tries said.

use ovs_flow::{FlowKey, FlowMask};

use super::Rule;
use super::batch::LANES;
use super::fields::{PrefixField, add_narrow, has_narrow};
use super::search::Query;
use super::trie::{Found, Trie, Value, Walk};
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

    /// The trie and the key's value, if the field is one of 32 bits and the key has it.
    #[inline]
    fn narrow(&self, key: &FlowKey) -> Option<(&Trie<u32>, u32)> {
        match self {
            Self::Narrow { trie, at, shift, dl_type }
                if dl_type.is_none_or(|dl_type| key.dl_type.get() == dl_type) =>
            {
                Some((trie, (u64::from_be(key.words()[*at]) << shift >> 32) as u32))
            }
            _ => None,
        }
    }

    /// The same for the other fields.
    #[inline]
    fn wide(&self, key: &FlowKey) -> Option<(&Trie<u128>, u128)> {
        match self {
            Self::Wide { trie, field } if field.applies(key) => Some((trie, field.value(key))),
            _ => None,
        }
    }

    /// Begins to look up bits that stand in the highest places, in a field of 32 bits.
    pub(crate) fn narrow_walk<'g>(&'g self, value: u128, guard: &'g Guard<'_>) -> Option<Walk<'g, u32>> {
        match self {
            Self::Narrow { trie, .. } => Some(trie.walk(u32::of(value), guard)),
            Self::Wide { .. } => None,
        }
    }

    /// The same in another field.
    pub(crate) fn wide_walk<'g>(&'g self, value: u128, guard: &'g Guard<'_>) -> Option<Walk<'g, u128>> {
        match self {
            Self::Narrow { .. } => None,
            Self::Wide { trie, .. } => Some(trie.walk(value, guard)),
        }
    }

    /// Adds a prefix. Says whether it is new.
    pub(crate) fn insert(&self, value: u128, len: u8, guard: &Guard<'_>, domain: &Domain) -> bool {
        match self {
            Self::Narrow { trie, .. } => trie.insert(u32::of(value), len, guard, domain),
            Self::Wide { trie, .. } => trie.insert(value, len, guard, domain),
        }
    }

    /// Takes a prefix out.
    pub(crate) fn remove(&self, value: u128, len: u8, guard: &Guard<'_>, domain: &Domain) {
        match self {
            Self::Narrow { trie, .. } => trie.remove(u32::of(value), len, guard, domain),
            Self::Wide { trie, .. } => trie.remove(value, len, guard, domain),
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

    /// Whether `mask` has the first `len` bits of a trie's field.
    #[inline]
    pub(crate) fn has_prefix(&self, trie: usize, mask: &FlowMask, len: u8) -> bool {
        match &self.tries[trie] {
            (_, FieldTrie::Narrow { at, shift, .. }) => has_narrow(mask, len, (*at, *shift)),
            (field, FieldTrie::Wide { .. }) => field.has_prefix(mask, len),
        }
    }

    /// Adds the first `len` bits of a trie's field to `mask`.
    #[inline]
    pub(crate) fn add_prefix(&self, trie: usize, mask: &mut FlowMask, len: u8) {
        match &self.tries[trie] {
            (_, FieldTrie::Narrow { at, shift, .. }) => add_narrow(mask, len, (*at, *shift)),
            (field, FieldTrie::Wide { .. }) => field.add_prefix(mask, len),
        }
    }

    /// What a trie says of the key.
    #[inline(always)]
    pub(crate) fn answer(&mut self, trie: usize) -> Found {
        if self.known >> trie & 1 == 0 {
            self.ask(trie);
        }
        self.answers[trie]
    }

    /// Asks a trie, and with it the next one of its kind that the key has a value for.
    #[inline(never)]
    fn ask(&mut self, trie: usize) {
        let Self { tries, key, guard, .. } = *self;
        self.known |= 1 << trie;
        let own = &tries[trie].1;
        if let Some((trie_of, value)) = own.narrow(key) {
            match self.next(trie, |trie| trie.narrow(key)) {
                None => self.answers[trie] = trie_of.lookup(value, guard),
                Some((next, other)) => {
                    [self.answers[trie], self.answers[next]] = trie_of.lookup_two(value, other, guard);
                }
            }
        } else if let Some((trie_of, value)) = own.wide(key) {
            match self.next(trie, |trie| trie.wide(key)) {
                None => self.learn(trie, trie_of.lookup(value, guard)),
                Some((next, other)) => {
                    let [found, of_next] = trie_of.lookup_two(value, other, guard);
                    self.learn(trie, found);
                    self.learn(next, of_next);
                }
            }
        }
    }

    /// Asks all tries for several keys, side by side.
    pub(super) fn ask_all(all: &mut [Option<&mut Self>; LANES]) {
        let tries = all.iter().flatten().next().map_or(0, |asked| asked.tries.len().min(MAX_TRIES));
        for trie in 0..tries {
            let some = all.iter().flatten().next();
            if some.is_some_and(|asked| matches!(asked.tries[trie].1, FieldTrie::Narrow { .. })) {
                Self::ask_for_all(all, trie, |asked| asked.tries[trie].1.narrow(asked.key));
            } else {
                Self::ask_for_all(all, trie, |asked| asked.tries[trie].1.wide(asked.key));
            }
        }
    }

    fn ask_for_all<K: Value>(
        all: &mut [Option<&mut Self>; LANES],
        trie: usize,
        value: impl Fn(&Self) -> Option<(&'a Trie<K>, K)>,
    ) {
        let mut walks: [Option<Walk<'a, K>>; LANES] = core::array::from_fn(|at| {
            let asked = all[at].as_deref().filter(|asked| asked.known >> trie & 1 == 0)?;
            let (trie, value) = value(asked)?;
            Some(trie.walk(value, asked.guard))
        });
        if walks.iter().all(Option::is_none) {
            return;
        }
        loop {
            walks.iter_mut().flatten().for_each(Walk::approach);
            let mut more = false;
            for (walk, asked) in walks.iter_mut().zip(&*all) {
                if let (Some(walk), Some(asked)) = (walk, asked) {
                    more |= walk.advance(asked.guard);
                }
            }
            if !more {
                break;
            }
        }
        for (asked, walk) in all.iter_mut().zip(&walks) {
            if let (Some(walk), Some(asked)) = (walk, asked) {
                asked.known |= 1 << trie;
                asked.learn(trie, walk.found());
            }
        }
    }

    /// The next trie after one that was not asked yet and of which `choose` makes something.
    #[inline]
    fn next<T>(&mut self, trie: usize, choose: impl Fn(&'a FieldTrie) -> Option<T>) -> Option<(usize, T)> {
        let after = self.tries.iter().enumerate().take(MAX_TRIES).skip(trie + 1);
        let (next, chosen) = after
            .filter(|(next, _)| self.known >> next & 1 == 0)
            .find_map(|(next, (_, trie))| Some((next, choose(trie)?)))?;
        self.known |= 1 << next;
        Some((next, chosen))
    }

    /// Takes a trie's answer, which speaks of no more bits than the field has.
    fn learn(&mut self, trie: usize, found: Found) {
        self.answers[trie] = Found { bits: found.bits.min(self.tries[trie].0.bits()), ..found };
    }

    /// Whether no rule with a prefix of `len` bits in this field can match; if so, the bits that say so are
    /// in `mask`. It stays unsaid where saying so would take more bits than looking at the prefix itself.
    pub(crate) fn excludes(&mut self, trie: usize, len: u8, mask: &mut FlowMask) -> bool {
        let found = self.answer(trie);
        if found.has(len) {
            return false;
        }
        if found.bits <= len {
            self.add_prefix(trie, mask, found.bits);
            return true;
        }
        self.has_prefix(trie, mask, found.bits)
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
            && seat
                .level
                .agreeing(hash.finish(state), guard)
                .is_none_or(|seats| seats.row(seat.row(), guard) & seat.bit() == 0)
        {
            tuple.fold_to(stage.words.end, mask);
            return None;
        }
    }
    let found = tuple.find(hash.finish(state), version, key, guard);
    tuple.fold_last(0, found.is_some(), key, mask, guard);
    found
}
