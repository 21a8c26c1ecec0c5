//! Going through the rules: the writer's list, in order of insertion.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::{Rule, RuleRef};

/// All rules by serial number; what is removed leaves a gap until half of the list is gaps. Each rule knows its
/// place.
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

    /// Whether the next rule would have a place that cannot be told from none.
    pub(super) fn is_full(&self) -> bool {
        self.rules.len() >= Rule::<R>::UNLISTED as usize
    }

    pub(super) fn push(&mut self, rule: RuleRef<R>) {
        rule.place.store(self.rules.len() as u32, Ordering::Relaxed);
        self.serials.push(rule.serial());
        self.rules.push(Some(rule));
        self.live += 1;
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
        self.serials.clear();
        for (place, rule) in self.rules.iter().flatten().enumerate() {
            rule.place.store(place as u32, Ordering::Relaxed);
            self.serials.push(rule.serial());
        }
        self.rules.shrink_to(self.live * 2);
        self.serials.shrink_to(self.live * 2);
    }

    /// Rules with this serial number and later ones.
    pub(super) fn from(&self, serial: u64) -> impl Iterator<Item = &RuleRef<R>> {
        let start = self.serials.partition_point(|s| *s < serial);
        self.rules[start..].iter().flatten()
    }

    /// Whether this very rule is in the list.
    pub(super) fn contains(&self, rule: &RuleRef<R>) -> bool {
        let place = rule.place.load(Ordering::Relaxed) as usize;
        self.rules.get(place).and_then(Option::as_ref).is_some_and(|found| Arc::ptr_eq(found, rule))
    }
}
