//! All rules with one mask, and how a lookup goes through them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use ovs_flow::{FlowKey, FlowMask};

use super::fields::ports;
use super::slots::SlotMap;
use super::trie::{Found, Trie};
use super::tuple_mask::{TupleMask, fold, hash_words};
use super::{PrefixField, Rule, Version};
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard, Link};

/// The tries of a classifier, one a field.
pub(crate) type Tries = [(PrefixField, Trie)];

/// The rules of one mask.
pub(crate) struct Tuple<R: Send + Sync + 'static> {
    pub(crate) mask: Arc<TupleMask>,
    hash: WordHash,
    /// By match: the chain of its rules, highest priority first.
    pub(crate) rules: SlotMap<Link<Rule<R>>>,
    /// For each stage but the last, how many matches have which hash of the words up to there.
    partial: Box<[SlotMap<AtomicU32>]>,
    ports: Trie,
}

impl<R: Send + Sync + 'static> Tuple<R> {
    pub(crate) fn new(mask: Arc<TupleMask>, hash: WordHash) -> Self {
        let partial = mask.stages()[1..].iter().map(|_| SlotMap::new()).collect();
        Self { mask, hash, rules: SlotMap::new(), partial, ports: Trie::new() }
    }

    /// The rule for a key in a version.
    #[inline]
    pub(crate) fn find<'g>(
        &'g self,
        version: Version,
        key: &FlowKey,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        self.find_hashed(self.mask.hash_key(key, self.hash), version, key, guard)
    }

    #[inline]
    fn find_hashed<'g>(
        &'g self,
        hash: u64,
        version: Version,
        key: &FlowKey,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        let mut heads = self.rules.with_hash(hash, guard).filter_map(|link| link.load(guard));
        let mut rule = heads.find(|rule| rule.matches(key))?;
        while !rule.visible_in(version) {
            rule = rule.next.load(guard)?;
        }
        Some(rule)
    }

    /// The link to the head of the chain of rules with these values.
    pub(crate) fn head_of<'g>(
        &'g self,
        hash: u64,
        values: &[u64],
        guard: &'g Guard<'_>,
    ) -> Option<&'g Link<Rule<R>>> {
        self.rules
            .with_hash(hash, guard)
            .find(|link| link.load(guard).is_some_and(|rule| *rule.values == *values))
    }

    /// [`Tuple::find`], adding to `mask` the bits that decide which rule it is, or that it is none.
    pub(crate) fn find_and_mask<'g>(
        &'g self,
        version: Version,
        key: &FlowKey,
        asked: &mut Asked<'_>,
        mask: &mut FlowMask,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        let (words, stages) = (self.mask.words(), self.mask.stages());
        let mut state = self.hash.start();
        for (number, stage) in stages.iter().enumerate() {
            if stage.tries.iter().any(|trie| asked.excludes(*trie, self.mask.prefix_len(*trie), mask)) {
                fold(mask, &words[..stage.words.start]);
                return None;
            }
            state = hash_words(&words[stage.words.clone()], key, self.hash, state);
            let Some(partial) = self.partial.get(number) else { break };
            if !partial.with_hash(self.hash.finish(state), guard).any(|n| n.load(Ordering::Relaxed) > 0) {
                fold(mask, &words[..stage.words.end]);
                return None;
            }
        }
        let rule = self.find_hashed(self.hash.finish(state), version, key, guard);
        if rule.is_none() && self.mask.ports() != 0 {
            self.fold_but_ports(key, mask, guard);
        } else {
            fold(mask, words);
        }
        rule
    }

    /// Adds the whole mask, but of the ports only what tells the key's from those of all rules.
    fn fold_but_ports(&self, key: &FlowKey, mask: &mut FlowMask, guard: &Guard<'_>) {
        let before = mask.words()[ports::WORD];
        fold(mask, self.mask.words());
        let word = &mut mask.words_mut()[ports::WORD];
        *word = (*word & !ports::word_bits()) | (before & ports::word_bits());
        let value = u128::from(ports::value(key) & self.mask.ports()) << 96;
        let decided = self.ports.lookup(value, 32, guard).bits;
        ports::add(mask, self.mask.ports() & (super::fields::prefix_bits(decided) >> 96) as u32);
    }

    /// Registers a match of which this is the first rule, so that lookups can come to it.
    pub(crate) fn register(&self, rule: &Rule<R>, tries: &Tries, guard: &Guard<'_>, domain: &Domain) {
        self.for_prefixes(rule, tries, |trie, value, len| trie.insert(value, len, guard, domain));
        for (partial, hash) in self.partial.iter().zip(self.mask.stage_hashes(&rule.values, self.hash)) {
            match partial.with_hash(hash, guard).find(|count| count.load(Ordering::Relaxed) > 0) {
                Some(count) => count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed),
                None => partial.insert(hash, guard, domain, |count| count.store(1, Ordering::Relaxed)),
            }
        }
    }

    /// Undoes [`Tuple::register`] when the last rule of the match is gone.
    pub(crate) fn unregister(&self, rule: &Rule<R>, tries: &Tries, guard: &Guard<'_>, domain: &Domain) {
        self.for_prefixes(rule, tries, |trie, value, len| trie.remove(value, len, guard, domain));
        for (partial, hash) in self.partial.iter().zip(self.mask.stage_hashes(&rule.values, self.hash)) {
            if let Some(count) =
                partial.with_hash(hash, guard).find(|count| count.load(Ordering::Relaxed) > 0)
            {
                let left = count.load(Ordering::Relaxed) - 1;
                count.store(left, Ordering::Relaxed);
                if left == 0 {
                    partial.vacated(guard);
                }
            }
        }
    }

    fn for_prefixes(&self, rule: &Rule<R>, tries: &Tries, change: impl Fn(&Trie, u128, u8)) {
        let whole = rule.to_key();
        for (number, (field, trie)) in tries.iter().enumerate() {
            let len = self.mask.prefix_len(number);
            if len > 0 {
                change(trie, field.value(&whole), len);
            }
        }
        if self.mask.ports() != 0 {
            change(&self.ports, u128::from(ports::value(&whole)) << 96, self.mask.ports_len());
        }
    }
}

/// What a lookup has asked the tries so far: each at most once, and only when a tuple needs it.
pub(crate) struct Asked<'a> {
    tries: &'a Tries,
    key: &'a FlowKey,
    guard: &'a Guard<'a>,
    answers: [Option<Found>; MAX_TRIES],
}

/// As many tries as there are fields for them.
pub(crate) const MAX_TRIES: usize = 9;

impl<'a> Asked<'a> {
    pub(crate) fn new(tries: &'a Tries, key: &'a FlowKey, guard: &'a Guard<'a>) -> Self {
        Self { tries, key, guard, answers: [None; MAX_TRIES] }
    }

    /// Whether no rule with a prefix of `len` bits in this field can match; if so, the bits that say so are
    /// in `mask`. It stays unsaid where saying so would take more bits than looking at the prefix itself.
    fn excludes(&mut self, trie: usize, len: u8, mask: &mut FlowMask) -> bool {
        let (field, tree) = &self.tries[trie];
        let found = *self.answers[trie].get_or_insert_with(|| {
            if field.applies(self.key) {
                tree.lookup(field.value(self.key), field.bits(), self.guard)
            } else {
                Found::ANY
            }
        });
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
