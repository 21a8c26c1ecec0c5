//! Going through the rules: the writer's list, in order of insertion.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::{Rule, RuleRef};
use crate::arch::prefetch;

/// All rules by serial number; what is removed leaves a gap until half of the list is gaps. Each rule knows its
/// place.
pub(super) struct Roll<R> {
    rules: Vec<Option<RuleRef<R>>>,
    /// Where serial numbers do not just go on: after gaps were closed.
    runs: Vec<Run>,
    live: usize,
}

/// From a place on, and up to the next run, the serial numbers are these places' and so much more.
struct Run {
    place: u32,
    serial: u64,
}

/// Rules that are fetched ahead when gaps are closed.
const AHEAD: usize = 16;

impl<R> Roll<R> {
    pub(super) fn new() -> Self {
        Self { rules: Vec::new(), runs: Vec::new(), live: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Whether the next rule would have a place that cannot be told from none.
    pub(super) fn is_full(&self) -> bool {
        self.rules.len() >= Rule::<R>::UNLISTED as usize
    }

    pub(super) fn push(&mut self, rule: RuleRef<R>) {
        rule.place.store(self.rules.len() as u32, Ordering::Relaxed);
        self.number(self.rules.len(), rule.serial());
        self.rules.push(Some(rule));
        self.live += 1;
    }

    /// Notes the serial number of the rule at the place behind all that are noted.
    fn number(&mut self, place: usize, serial: u64) {
        let place = place as u32;
        let goes_on = |run: &Run| serial - run.serial == u64::from(place - run.place);
        if !self.runs.last().is_some_and(goes_on) {
            self.runs.push(Run { place, serial });
        }
    }

    pub(super) fn remove(&mut self, rule: &Rule<R>) {
        let place = rule.place.swap(Rule::<R>::UNLISTED, Ordering::Relaxed);
        let Some(gap) = self.rules.get_mut(place as usize) else { return };
        *gap = None;
        self.live -= 1;
        if self.rules.len() > 64 && self.live * 2 < self.rules.len() {
            self.close_gaps();
        }
    }

    fn close_gaps(&mut self) {
        self.rules.retain(Option::is_some);
        self.rules.shrink_to(self.live * 2);
        self.runs.clear();
        for place in 0..self.rules.len() {
            if let Some(later) = self.rules.get(place + AHEAD).and_then(Option::as_ref) {
                prefetch(&**later);
            }
            let Some(rule) = &self.rules[place] else { continue };
            rule.place.store(place as u32, Ordering::Relaxed);
            self.number(place, rule.serial());
        }
        self.runs.shrink_to(self.runs.len() * 2);
    }

    /// Rules with this serial number and later ones.
    pub(super) fn from(&self, serial: u64) -> impl Iterator<Item = &RuleRef<R>> {
        let after = self.runs.partition_point(|run| run.serial <= serial);
        let end = self.runs.get(after).map_or(self.rules.len(), |run| run.place as usize);
        let start = after.checked_sub(1).and_then(|at| self.runs.get(at)).map_or(0, |run| {
            let more = usize::try_from(serial - run.serial).unwrap_or(usize::MAX);
            (run.place as usize).saturating_add(more).min(end)
        });
        self.rules[start..].iter().flatten()
    }

    /// Whether this very rule is in the list.
    pub(super) fn contains(&self, rule: &RuleRef<R>) -> bool {
        let place = rule.place.load(Ordering::Relaxed) as usize;
        self.rules.get(place).and_then(Option::as_ref).is_some_and(|found| Arc::ptr_eq(found, rule))
    }
}
