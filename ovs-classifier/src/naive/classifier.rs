//! A classifier as a list of rules, and the mask straight from its definition.

use alloc::vec::Vec;

use ovs_flow::{FlowKey, FlowMask, Match, STAGE_ENDS};

use crate::classifier::ports;
use crate::{PrefixField, Version};

/// Rules in order of insertion; values are compared by the tests, so they are small.
#[derive(Clone, Debug)]
pub struct Classifier<R> {
    prefixes: Vec<PrefixField>,
    rules: Vec<Rule<R>>,
    /// Masks with the highest priority of their rules, in the order in which lookups visit them.
    visits: Vec<(FlowMask, i32)>,
    removals: u64,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule<R> {
    /// What it matches.
    pub matching: Match,
    /// Higher wins.
    pub priority: i32,
    /// The first version that has it.
    pub added: Version,
    /// The first version that does not have it any more.
    pub removed: Version,
    /// Counts removals.
    removal: u64,
    /// The user's value.
    pub value: R,
}

impl<R> Rule<R> {
    fn visible_in(&self, version: Version) -> bool {
        self.added <= version && version < self.removed
    }
}

impl<R: Clone> Classifier<R> {
    /// An empty one with tries on these fields.
    pub fn new(prefixes: impl IntoIterator<Item = PrefixField>) -> Self {
        Self { prefixes: prefixes.into_iter().collect(), rules: Vec::new(), visits: Vec::new(), removals: 0 }
    }

    /// All rules in order of insertion.
    pub fn rules(&self) -> &[Rule<R>] {
        &self.rules
    }

    /// Adds a rule; the present one of the same match and priority is removed for the same version.
    pub fn insert(&mut self, matching: &Match, priority: i32, value: R, version: Version) {
        self.remove_at(matching, priority, version);
        let removed = Version::NEVER;
        self.rules.push(Rule { matching: *matching, priority, added: version, removed, removal: 0, value });
        self.sort();
    }

    /// Removes the present rule of this match and priority. Says whether there was one.
    pub fn remove_at(&mut self, matching: &Match, priority: i32, version: Version) -> bool {
        let same = |rule: &&mut Rule<R>| rule.matching == *matching && rule.priority == priority;
        let mut present = self.rules.iter_mut().filter(|rule| rule.removed == Version::NEVER);
        let Some(rule) = present.find(same) else { return false };
        self.removals += 1;
        (rule.removed, rule.removal) = (version, self.removals);
        true
    }

    /// Drops what was removed for `oldest` or before, in the order of removal.
    pub fn gc(&mut self, oldest: Version) -> usize {
        let before = self.rules.len();
        while let Some(at) = self.next_to_drop(oldest) {
            let mask = self.rules.remove(at).matching.mask;
            if !self.rules.iter().any(|rule| rule.matching.mask == mask) {
                let visit = self.visits.iter().position(|(m, _)| *m == mask);
                visit.map(|at| self.visits.swap_remove(at));
            }
        }
        self.sort();
        before - self.rules.len()
    }

    fn next_to_drop(&self, oldest: Version) -> Option<usize> {
        let removed = self.rules.iter().enumerate().filter(|(_, rule)| rule.removed <= oldest);
        removed.min_by_key(|(_, rule)| rule.removal).map(|(at, _)| at)
    }

    /// Brings the order of masks up to date.
    fn sort(&mut self) {
        for rule in &self.rules {
            if !self.visits.iter().any(|(mask, _)| *mask == rule.matching.mask) {
                self.visits.push((rule.matching.mask, rule.priority));
            }
        }
        for (mask, highest) in &mut self.visits {
            let rules = self.rules.iter().filter(|rule| rule.matching.mask == *mask);
            *highest = rules.map(|rule| rule.priority).max().unwrap_or(*highest);
        }
        self.visits.sort_by_key(|(_, priority)| core::cmp::Reverse(*priority));
    }

    /// The rule that wins, by the definition: the highest priority; of equals, the one whose mask is visited
    /// first.
    pub fn lookup(&self, version: Version, key: &FlowKey) -> Option<&Rule<R>> {
        let matching =
            self.rules.iter().filter(|rule| rule.visible_in(version) && rule.matching.matches(key));
        matching.min_by_key(|rule| {
            (-i64::from(rule.priority), self.visits.iter().position(|(mask, _)| *mask == rule.matching.mask))
        })
    }

    /// [`Classifier::lookup`], adding to `mask` what the definition says.
    pub fn lookup_and_mask(&self, version: Version, key: &FlowKey, mask: &mut FlowMask) -> Option<&Rule<R>> {
        let mut best: Option<&Rule<R>> = None;
        for (tuple, highest) in &self.visits {
            if best.is_some_and(|rule| *highest <= rule.priority) {
                break;
            }
            let found = self.visit(tuple, version, key, mask);
            if found.map(|rule| rule.priority) > best.map(|rule| rule.priority) {
                best = found;
            }
        }
        best
    }

    fn visit(
        &self,
        tuple: &FlowMask,
        version: Version,
        key: &FlowKey,
        mask: &mut FlowMask,
    ) -> Option<&Rule<R>> {
        let rules = || self.rules.iter().filter(|rule| rule.matching.mask == *tuple);
        let mut looked_at = FlowMask::default();
        let last = STAGE_ENDS.iter().position(|end| tuple.words()[*end..].iter().all(|word| *word == 0));
        for stage in 0..=last.unwrap_or(0) {
            let start = if stage == 0 { 0 } else { STAGE_ENDS[stage - 1] };
            if tuple.words()[start..STAGE_ENDS[stage]].iter().all(|word| *word == 0) && Some(stage) != last {
                continue;
            }
            if self.prefixes.iter().any(|field| self.ends_by_trie(*field, stage, tuple, key, mask)) {
                mask.merge(&looked_at);
                return None;
            }
            let words = start..STAGE_ENDS[stage];
            looked_at.words_mut()[words.clone()].copy_from_slice(&tuple.words()[words]);
            if Some(stage) != last && !rules().any(|rule| looked_at.agree(&rule.matching.key, key)) {
                mask.merge(&looked_at);
                return None;
            }
        }
        let matching = rules().filter(|rule| rule.visible_in(version) && rule.matching.matches(key));
        let found = matching.max_by_key(|rule| rule.priority);
        if found.is_none() {
            narrow_ports(&mut looked_at, rules().map(|rule| &rule.matching.key), key);
        }
        mask.merge(&looked_at);
        found
    }

    /// Whether no rule has a prefix of the tuple's length for the key in this field, said by few bits enough.
    fn ends_by_trie(
        &self,
        field: PrefixField,
        stage: usize,
        tuple: &FlowMask,
        key: &FlowKey,
        mask: &mut FlowMask,
    ) -> bool {
        let len = field.prefix_len(tuple);
        if field.stage() != stage || len == 0 || !field.applies(key) {
            return false;
        }
        let value = field.value(key);
        let mut decided = 0;
        for rule in &self.rules {
            let theirs = field.prefix_len(&rule.matching.mask);
            if theirs == 0 {
                continue;
            }
            let common = ((value ^ field.value(&rule.matching.key)).leading_zeros() as u8).min(theirs);
            if common == theirs && theirs == len {
                return false;
            }
            decided = decided.max(if common == theirs { common } else { common + 1 });
        }
        let ends = decided <= len || field.has_prefix(mask, decided);
        if ends {
            field.add_prefix(mask, decided);
        }
        ends
    }
}

/// Of the ports' bits in `mask`, leaves those up to the first that tells the key's from all rules'.
fn narrow_ports<'a>(mask: &mut FlowMask, rules: impl Iterator<Item = &'a FlowKey>, key: &FlowKey) {
    let bits = ports::of_word(mask.words()[ports::WORD]);
    let value = ports::value(key) & bits;
    let len = 32 - bits.trailing_zeros();
    let decided =
        rules.map(|rule| ((value ^ ports::value(rule)).leading_zeros() + 1).min(len)).max().unwrap_or(0);
    let kept = bits & u32::MAX.checked_shl(32 - decided).unwrap_or(0);
    let word = &mut mask.words_mut()[ports::WORD];
    *word = *word & !ports::word_bits() | ports::to_word(kept);
}
