//! The classifier and its twin, changed together.

use std::sync::Arc;

use ovs_classifier::rcu::{Domain, Reader};
use ovs_classifier::{ClassifierConfig, ClassifierWriter, Inserted, PrefixField, Rule, Version, naive};
use ovs_flow::{FlowKey, FlowMask, Match, U16};
use proptest::prelude::*;

use super::generate::Op;

/// Both, and the version that changes are made for.
pub struct Pair {
    domain: Domain,
    reader: Reader,
    fast: ClassifierWriter<usize>,
    twin: naive::Classifier<usize>,
    version: u64,
    deferred: bool,
    last: Option<Inserted<usize>>,
}

const EVER: Version = Version(u64::MAX - 1);

fn fail<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, TestCaseError> {
    result.map_err(|refused| TestCaseError::fail(refused.to_string()))
}

impl Pair {
    pub fn new(prefixes: &[PrefixField]) -> Self {
        let domain = Domain::new();
        let config = ClassifierConfig::default().prefixes(prefixes.iter().copied());
        let fast = ClassifierWriter::new(&domain, config);
        let twin = naive::Classifier::new(prefixes.iter().copied());
        Self { reader: domain.reader(), domain, fast, twin, version: 1, deferred: false, last: None }
    }

    pub fn apply(&mut self, n: usize, op: &Op) -> Result<(), TestCaseError> {
        let version = Version(self.version);
        let last = self.last.take();
        match op {
            Op::Insert(key, mask, priority, clauses) => {
                let matching = Match::new(key, **mask);
                let before = self.fast.find_exact(&matching, *priority, EVER);
                let done = fail(self.fast.insert_clauses(
                    &matching,
                    *priority,
                    clauses.as_slice().into(),
                    n,
                    version,
                ))?;
                prop_assert_eq!(
                    done.replaced.as_ref().map(|rule| *rule.value()),
                    before.map(|rule| *rule.value())
                );
                prop_assert_eq!(done.rule.to_match(), matching);
                prop_assert_eq!(done.rule.clauses(), clauses.as_slice());
                self.twin.insert(&matching, *priority, clauses, n, version);
                self.last = Some(done);
            }
            Op::Remove(at) => {
                let present: Vec<_> = self.fast.rules(EVER).cloned().collect();
                if let Some(rule) = present.get(at % present.len().max(1)) {
                    prop_assert!(self.fast.remove_at(rule, version) && !self.fast.remove_at(rule, version));
                    prop_assert!(self.twin.remove_at(&rule.to_match(), rule.priority(), version));
                }
            }
            Op::Undo => {
                if let Some(Inserted { rule, replaced }) = last {
                    prop_assert!(self.fast.discard(&rule) && !self.fast.discard(&rule));
                    prop_assert!(replaced.is_none_or(|rule| self.fast.restore(&rule)));
                    self.twin.undo();
                }
            }
            Op::Advance => {
                self.publish();
                self.version += 1;
            }
            Op::Defer => {
                self.deferred = true;
                self.fast.defer();
                self.twin.defer();
            }
            Op::Gc(behind) => {
                let oldest = Version(self.version.saturating_sub(*behind));
                prop_assert_eq!(self.fast.gc(oldest), self.twin.gc(oldest));
                self.domain.reclaim(usize::MAX);
                self.last = None;
            }
            Op::Lookup(key) => self.compare(key)?,
        }
        Ok(())
    }

    /// Ends what was deferred.
    pub fn publish(&mut self) {
        self.deferred = false;
        self.fast.publish();
        self.twin.publish();
    }

    /// Asks both, in the versions that readers could use.
    pub fn compare(&mut self, key: &FlowKey) -> Result<(), TestCaseError> {
        let lookups = self.fast.reader();
        let guard = self.reader.enter();
        let newest = if self.deferred { self.version - 1 } else { self.version };
        for version in newest.saturating_sub(1)..=newest {
            let version = Version(version);
            let (mut ours, mut theirs) = (start(), start());
            let found = lookups.lookup(version, key, Some(&mut ours), &guard).map(|rule| *rule.value());
            let expected = self.twin.lookup_and_mask(version, key, &mut theirs).map(|rule| rule.value);
            prop_assert_eq!(found, expected);
            // Before the order is published, a change may add bits for older versions, too.
            prop_assert!(ours == theirs || self.deferred, "{:?}\n{:?}", ours, theirs);
            let mut met = Vec::new();
            let bare = lookups.explain(version, key, None, &mut met, &guard).map(|rule| *rule.value());
            prop_assert_eq!(found, bare);
            for rule in met {
                prop_assert!(rule.matches(key) && !rule.clauses().is_empty());
            }
            if self.twin.rules().iter().all(|rule| rule.clauses.is_empty()) {
                prop_assert_eq!(found, self.twin.lookup(version, key).map(|rule| rule.value));
            }
        }
        Ok(())
    }

    /// A batch has the answers and masks of lookups one by one, also where keys repeat.
    pub fn compare_batch(&mut self, keys: &[FlowKey]) -> Result<(), TestCaseError> {
        let lookups = self.fast.reader();
        let guard = self.reader.enter();
        let version = Version(self.version);
        let twice = |(n, key): (usize, &FlowKey)| std::iter::repeat_n(*key, 1 + n % 3 / 2);
        let keys: Vec<FlowKey> = keys.iter().enumerate().flat_map(twice).collect();
        let (mut masks, mut found) = (vec![start(); keys.len()], vec![None; keys.len()]);
        lookups.lookup_batch(version, &keys, Some(&mut masks), &mut found, &guard);
        let mut bare = vec![None; keys.len()];
        lookups.lookup_batch(version, &keys, None, &mut bare, &guard);
        for (at, key) in keys.iter().enumerate() {
            let mut mask = start();
            let expected = lookups.lookup(version, key, Some(&mut mask), &guard).map(|rule| *rule.value());
            prop_assert_eq!(found[at].map(|rule| *rule.value()), expected);
            prop_assert_eq!(bare[at].map(|rule| *rule.value()), expected);
            prop_assert_eq!(masks[at], mask);
        }
        Ok(())
    }

    /// Any key that agrees under the mask that a lookup reports has the same answer.
    pub fn mask_is_enough(&mut self, key: &FlowKey, other: &FlowKey) -> Result<(), TestCaseError> {
        let lookups = self.fast.reader();
        let guard = self.reader.enter();
        let mut mask = start();
        mask.fields.conj_id = u32::MAX;
        let version = Version(self.version);
        let found = lookups.lookup(version, key, Some(&mut mask), &guard).map(|rule| *rule.value());
        let mut mixed = *other;
        for ((mixed, key), mask) in mixed.words_mut().iter_mut().zip(key.words()).zip(mask.words()) {
            *mixed = *mixed & !mask | key & mask;
        }
        let again = lookups.lookup(version, &mixed, None, &guard).map(|rule| *rule.value());
        prop_assert_eq!(found, again);
        Ok(())
    }

    /// What is there, in order; and that a walk in pieces, with changes between, gives the same.
    pub fn compare_lists(&mut self) -> Result<(), TestCaseError> {
        let version = Version(self.version);
        let ours: Vec<usize> = self.fast.rules(version).map(|rule| *rule.value()).collect();
        let alive = |rule: &&naive::Rule<usize>| rule.added <= version && version < rule.removed;
        let theirs: Vec<usize> = self.twin.rules().iter().filter(alive).map(|rule| rule.value).collect();
        prop_assert_eq!(&ours, &theirs);
        let (mut cursor, mut walked) = (0, Vec::new());
        loop {
            let next = self.fast.rules_from(cursor, version).next().map(Arc::clone);
            let Some(rule) = next else { break };
            cursor = Rule::serial(&rule) + 1;
            walked.push(*rule.value());
            // A rule behind the cursor goes and another comes, for a later version.
            let later = Version(self.version + 1);
            self.fast.remove_at(&rule, later);
            fail(self.fast.insert(&rule.to_match(), 9, 0, later))?;
        }
        prop_assert_eq!(walked, ours);
        Ok(())
    }
}

/// Translation has looked at the Ethernet type before it looks rules up.
fn start() -> FlowMask {
    let mut mask = FlowMask::default();
    mask.fields.dl_type = U16::new(0xffff);
    mask
}
