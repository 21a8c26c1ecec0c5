//! Going through the rules: the writer's list, in order of insertion.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Rule, RuleRef};

/// All rules by serial number; what is removed leaves a gap until half of the list is gaps.
pub(super) struct Roll<R> {
    rules: Vec<Option<RuleRef<R>>>,
    serials: Vec<u64>,
    live: usize,
}

impl<R> Roll<R> {
    pub(super) fn new() -> Self {
        Self { rules: Vec::new(), serials: Vec::new(), live: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn push(&mut self, rule: RuleRef<R>) {
        self.serials.push(rule.serial());
        self.rules.push(Some(rule));
        self.live += 1;
    }

    pub(super) fn remove(&mut self, rule: &Rule<R>) {
        let Ok(at) = self.serials.binary_search(&rule.serial()) else { return };
        if self.rules[at].take().is_none() {
            return;
        }
        self.live -= 1;
        if self.rules.len() > 64 && self.live * 2 < self.rules.len() {
            self.rules.retain(Option::is_some);
            self.serials.clear();
            self.serials.extend(self.rules.iter().flatten().map(|rule| rule.serial()));
            self.rules.shrink_to(self.live * 2);
            self.serials.shrink_to(self.live * 2);
        }
    }

    /// Rules with this serial number and later ones.
    pub(super) fn from(&self, serial: u64) -> impl Iterator<Item = &RuleRef<R>> {
        let start = self.serials.partition_point(|s| *s < serial);
        self.rules[start..].iter().flatten()
    }

    /// Whether this very rule is in the list.
    pub(super) fn contains(&self, rule: &RuleRef<R>) -> bool {
        let at = self.serials.binary_search(&rule.serial());
        at.is_ok_and(|at| self.rules[at].as_ref().is_some_and(|found| Arc::ptr_eq(found, rule)))
    }
}
