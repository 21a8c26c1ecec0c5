//! Conjunctive matches: "one of these, and one of those", without a rule for each pair.
//!
//! A rule may be a *clause* of conjunctions instead of a result: in each of them it stands in one dimension
//! of several. When for some conjunction a matching rule stands in every dimension, all of one priority, the
//! lookup is made again with the field `conj_id` set to the conjunction's number, and what that finds is the
//! result (if it finds nothing, it is as if the clauses had not matched). A clause alone is no match: a
//! packet that meets clauses of no whole conjunction gets the rule of the highest priority that is none.
//!
//! The order of steps below is visible where several conjunctions of one priority could be whole, and in the
//! bits of the mask, so it is fixed: clauses are tried in the order in which their tuples were visited, a
//! clause that is done with leaves its place to the last one, and a conjunction of more dimensions than there
//! are matching rules of its priority is passed over.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{ClassifierConfig, ClassifierError, Rule, Version};
use crate::rcu::Guard;

/// What a rule is to one conjunction: that in one of its dimensions it matches (action `conjunction(ID, K/N)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Clause {
    /// The conjunction: what `conj_id` is when it is whole.
    pub id: u32,
    /// Which dimension, counted from 0.
    pub dimension: u8,
    /// How many dimensions the conjunction has, 2 to 64.
    pub dimensions: u8,
}

impl Clause {
    /// As many dimensions as a conjunction can have anywhere.
    pub const MAX_DIMENSIONS: u8 = 64;

    fn check(self, config: &ClassifierConfig) -> Result<(), ClassifierError> {
        if self.dimensions < 2 || self.dimension >= self.dimensions {
            return Err(ClassifierError::BadClause { clause: self });
        }
        let limit = config.max_dimensions.min(Self::MAX_DIMENSIONS);
        if self.dimensions > limit { Err(ClassifierError::TooManyDimensions { limit }) } else { Ok(()) }
    }
}

/// Whether a rule may have these clauses.
pub(super) fn check(clauses: &[Clause], config: &ClassifierConfig) -> Result<(), ClassifierError> {
    if clauses.len() > config.max_clauses {
        return Err(ClassifierError::TooManyClauses { limit: config.max_clauses });
    }
    clauses.iter().try_for_each(|clause| clause.check(config))
}

/// The clauses that a lookup met, in order of the visits, and how far it has come with them.
pub(super) struct Soft<'g, R> {
    /// Empty places are given up by [`Soft::forget`].
    rules: Vec<Option<&'g Rule<R>>>,
    highest: Option<i32>,
}

impl<'g, R> Soft<'g, R> {
    /// None met.
    pub(super) fn new() -> Self {
        Self { rules: Vec::new(), highest: None }
    }

    #[cold]
    pub(super) fn meet(&mut self, rule: &'g Rule<R>) {
        self.highest = self.highest.max(Some(rule.priority()));
        self.rules.push(Some(rule));
    }

    /// Whether clauses could come before a result.
    #[inline]
    pub(super) fn above(&self, hard: Option<&Rule<R>>) -> bool {
        self.highest > hard.map(Rule::priority)
    }

    /// The rule that wins: `hard`, or one that `again` finds for a conjunction that is whole.
    #[cold]
    pub(super) fn resolve(
        mut self,
        mut hard: Option<&'g Rule<R>>,
        version: Version,
        guard: &'g Guard<'_>,
        mut again: impl FnMut(u32) -> Option<&'g Rule<R>>,
        met: Option<&mut Vec<&'g Rule<R>>>,
    ) -> Option<&'g Rule<R>> {
        loop {
            self.forget(hard);
            let Some(priority) = self.rules().map(Rule::priority).max() else { return hard };
            if let Some((id, rule)) = self.whole(priority, &mut again) {
                if let Some(met) = met {
                    met.extend(self.of(priority, id));
                }
                return Some(rule);
            }
            hard = self.descend(priority, hard, version, guard);
        }
    }

    fn rules(&self) -> impl Iterator<Item = &'g Rule<R>> {
        self.rules.iter().copied().flatten()
    }

    /// Drops clauses that do not come before the result; the last one takes the place of one that goes.
    fn forget(&mut self, hard: Option<&Rule<R>>) {
        let mut at = 0;
        while let Some(rule) = self.rules.get(at) {
            if rule.map(Rule::priority) > hard.map(Rule::priority) {
                at += 1;
            } else {
                self.rules.swap_remove(at);
            }
        }
    }

    /// The first conjunction of this priority that is whole and leads to a rule.
    fn whole(
        &self,
        priority: i32,
        again: &mut impl FnMut(u32) -> Option<&'g Rule<R>>,
    ) -> Option<(u32, &'g Rule<R>)> {
        let here = || self.rules().filter(|rule| rule.priority() == priority);
        let met = here().count();
        let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
        for rule in here() {
            let could_be = rule.clauses().iter().filter(|clause| usize::from(clause.dimensions) <= met);
            let whole = could_be.into_iter().find(|clause| {
                // The clause met first says how many dimensions there are; those beyond count as met.
                let dimensions = seen.entry(clause.id).or_insert(!(u64::MAX >> (64 - clause.dimensions)));
                *dimensions |= 1 << clause.dimension;
                *dimensions == u64::MAX
            });
            if let Some(Clause { id, .. }) = whole
                && let Some(rule) = again(*id)
            {
                return Some((*id, rule));
            }
        }
        None
    }

    fn of(&self, priority: i32, id: u32) -> impl Iterator<Item = &'g Rule<R>> {
        let rules = self.rules().filter(move |rule| rule.priority() == priority);
        rules.filter(move |rule| rule.clauses().iter().any(|clause| clause.id == id))
    }

    /// Puts, for each clause of this priority, the rule of the same match and the next lower priority.
    fn descend(
        &mut self,
        priority: i32,
        mut hard: Option<&'g Rule<R>>,
        version: Version,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        for place in &mut self.rules {
            if place.map(Rule::priority) != Some(priority) {
                continue;
            }
            let lower = place.and_then(|rule| rule.lower(version, guard));
            let (soft, result) = match lower {
                Some(rule) if rule.clauses().is_empty() => (None, lower),
                _ => (lower, None),
            };
            *place = soft;
            if result.map(Rule::priority) > hard.map(Rule::priority) {
                hard = result;
            }
        }
        hard
    }
}
