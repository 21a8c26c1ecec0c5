//! A classifier as a list of rules, and the mask straight from its definition.

use alloc::vec::Vec;

use ovs_flow::{FlowKey, FlowMask, Match, STAGE_ENDS};

use crate::classifier::ports;
use crate::{Clause, PrefixField, Version};

/// Rules in order of insertion; values are compared by the tests, so they are small.
#[derive(Clone, Debug)]
pub struct Classifier<R> {
    prefixes: Vec<PrefixField>,
    rules: Vec<Rule<R>>,
    /// Masks with the highest priority of their rules.
    masks: Vec<(FlowMask, i32)>,
    /// The same in the order in which lookups visit them.
    visits: Vec<(FlowMask, i32)>,
    deferred: bool,
    removals: u64,
    /// The last insertion replaced a rule.
    replaced: bool,
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
    /// What it is to conjunctions; if anything, it is no result.
    pub clauses: Vec<Clause>,
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
        let prefixes = prefixes.into_iter().collect();
        let (rules, masks, visits) = (Vec::new(), Vec::new(), Vec::new());
        Self { prefixes, rules, masks, visits, deferred: false, removals: 0, replaced: false }
    }

    /// All rules in order of insertion.
    pub fn rules(&self) -> &[Rule<R>] {
        &self.rules
    }

    /// Adds a rule; the present one of the same match and priority is removed for the same version.
    pub fn insert(
        &mut self,
        matching: &Match,
        priority: i32,
        clauses: &[Clause],
        value: R,
        version: Version,
    ) {
        self.replaced = self.remove_at(matching, priority, version);
        let (clauses, removed) = (clauses.to_vec(), Version::NEVER);
        let matching = *matching;
        self.rules.push(Rule { matching, priority, added: version, removed, removal: 0, clauses, value });
        self.sort();
    }

    /// Takes back the last insertion, if nothing was changed since: its rule goes, and the one it replaced is there.
    pub fn undo(&mut self) {
        let Some(rule) = self.rules.pop() else { return };
        if self.replaced {
            for old in self.rules.iter_mut().filter(|old| old.removal == self.removals) {
                (old.removed, old.removal) = (Version::NEVER, 0);
            }
        }
        self.drop_mask(&rule.matching.mask);
        self.sort();
    }

    /// Keeps the order of masks as it is for lookups until [`Classifier::publish`].
    pub fn defer(&mut self) {
        self.deferred = true;
    }

    /// Brings it up to date.
    pub fn publish(&mut self) {
        self.deferred = false;
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
            self.drop_mask(&mask);
        }
        self.sort();
        before - self.rules.len()
    }

    /// Drops a mask that no rule has any more; the last one takes its place.
    fn drop_mask(&mut self, mask: &FlowMask) {
        if !self.rules.iter().any(|rule| rule.matching.mask == *mask) {
            let place = self.masks.iter().position(|(m, _)| m == mask);
            place.map(|at| self.masks.swap_remove(at));
        }
    }

    fn next_to_drop(&self, oldest: Version) -> Option<usize> {
        let removed = self.rules.iter().enumerate().filter(|(_, rule)| rule.removed <= oldest);
        removed.min_by_key(|(_, rule)| rule.removal).map(|(at, _)| at)
    }

    /// Brings masks and priorities up to date, and the order if it is not deferred.
    fn sort(&mut self) {
        for rule in &self.rules {
            if !self.masks.iter().any(|(mask, _)| *mask == rule.matching.mask) {
                self.masks.push((rule.matching.mask, rule.priority));
            }
        }
        for (mask, highest) in &mut self.masks {
            let rules = self.rules.iter().filter(|rule| rule.matching.mask == *mask);
            *highest = rules.map(|rule| rule.priority).max().unwrap_or(*highest);
        }
        if !self.deferred {
            self.masks.sort_by_key(|(_, priority)| core::cmp::Reverse(*priority));
            self.visits.clone_from(&self.masks);
        }
    }

    /// The rule that wins, by the definition: the highest priority; of equals, the one whose mask is visited
    /// first. Says nothing of clauses: for tables without.
    pub fn lookup(&self, version: Version, key: &FlowKey) -> Option<&Rule<R>> {
        let matching =
            self.rules.iter().filter(|rule| rule.visible_in(version) && rule.matching.matches(key));
        matching.min_by_key(|rule| {
            (-i64::from(rule.priority), self.visits.iter().position(|(mask, _)| *mask == rule.matching.mask))
        })
    }

    /// The rule that wins, conjunctions considered, adding to `mask` what the definition says.
    pub fn lookup_and_mask(&self, version: Version, key: &FlowKey, mask: &mut FlowMask) -> Option<&Rule<R>> {
        let (mut hard, mut soft) = self.visit_all(version, key, mask, true);
        loop {
            let mut at = 0;
            while at < soft.len() {
                if soft[at].map(|rule| rule.priority) > hard.map(|rule| rule.priority) {
                    at += 1;
                } else {
                    soft.swap_remove(at);
                }
            }
            let Some(priority) = soft.iter().flatten().map(|rule| rule.priority).max() else { return hard };
            let here: Vec<&Rule<R>> =
                soft.iter().flatten().filter(|rule| rule.priority == priority).copied().collect();
            for id in whole(&here) {
                let mut key = *key;
                key.conj_id = id;
                if let (Some(rule), _) = self.visit_all(version, &key, mask, false) {
                    return Some(rule);
                }
            }
            for place in soft.iter_mut().filter(|place| place.is_some_and(|rule| rule.priority == priority)) {
                let lower = place.take().and_then(|rule| self.next_lower(rule, version));
                if lower.is_some_and(|rule| !rule.clauses.is_empty()) {
                    *place = lower;
                } else if lower.map(|rule| rule.priority) > hard.map(|rule| rule.priority) {
                    hard = lower;
                }
            }
        }
    }

    fn next_lower(&self, than: &Rule<R>, version: Version) -> Option<&Rule<R>> {
        let same =
            self.rules.iter().filter(|rule| rule.matching == than.matching && rule.visible_in(version));
        same.filter(|rule| rule.priority < than.priority).max_by_key(|rule| rule.priority)
    }

    /// Visits masks in order: the best rule without clauses, and the better ones with clauses on the way to it.
    fn visit_all(
        &self,
        version: Version,
        key: &FlowKey,
        mask: &mut FlowMask,
        conjunctions: bool,
    ) -> (Option<&Rule<R>>, Vec<Option<&Rule<R>>>) {
        let (mut best, mut soft): (Option<&Rule<R>>, _) = (None, Vec::new());
        for (tuple, highest) in &self.visits {
            if best.is_some_and(|rule| *highest <= rule.priority) {
                break;
            }
            let found = self.visit(tuple, version, key, mask);
            if found.map(|rule| rule.priority) <= best.map(|rule| rule.priority) {
                continue;
            }
            if found.is_some_and(|rule| rule.clauses.is_empty()) {
                best = found;
            } else if conjunctions {
                soft.push(found);
            }
        }
        (best, soft)
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

/// The conjunctions that become whole as these rules of one priority are gone through, at most one by each rule;
/// those of more dimensions than there are rules do not count. How many it has, the clause met first says.
fn whole<R>(rules: &[&Rule<R>]) -> Vec<u32> {
    let (mut ids, mut seen): (Vec<u32>, Vec<Clause>) = (Vec::new(), Vec::new());
    for rule in rules {
        for clause in rule.clauses.iter().filter(|clause| usize::from(clause.dimensions) <= rules.len()) {
            seen.push(*clause);
            let same: Vec<&Clause> = seen.iter().filter(|other| other.id == clause.id).collect();
            if (0..same[0].dimensions).all(|dimension| same.iter().any(|c| c.dimension == dimension)) {
                ids.push(clause.id);
                break;
            }
        }
    }
    ids
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
