//! Going through the rules, and finding some of them by their match.

use alloc::sync::Arc;

use ovs_flow::Match;

use super::tuple_mask::{hash_of, hash_values, words_of};
use super::writer::{ClassifierWriter, Group};
use super::{Rule, RuleRef, Version};
use crate::rcu::{Guard, Link};

impl<R: Send + Sync + 'static> ClassifierWriter<R> {
    /// The rule with just this match and priority that is there in `version`.
    pub fn find_exact(&mut self, matching: &Match, priority: i32, version: Version) -> Option<RuleRef<R>> {
        words_of(&matching.mask, &mut self.scratch);
        let groups = self.tuples.get(&hash_of(&self.scratch, self.shared.hash))?;
        let tuple = &groups.iter().find(|group| *group.tuple.mask.words() == *self.scratch)?.tuple;
        let guard = self.own.enter();
        let values = tuple.mask.values(&matching.key);
        let head = tuple.head_of(hash_values(&values, self.shared.hash), &values, &guard)?;
        self.chains.seek(tuple, head, priority, &guard, |link| visible(link, priority, version, &guard))
    }

    /// All rules of a version, in order of insertion.
    pub fn rules(&self, version: Version) -> impl Iterator<Item = &RuleRef<R>> {
        self.rules_from(0, version)
    }

    /// The rules of a version whose [`Rule::serial`] is `serial` or later. The serial number after that of the
    /// rule seen last is a cursor: with it a walk goes on after any changes, and meets no rule twice and every
    /// rule once that is there all the while.
    pub fn rules_from(&self, serial: u64, version: Version) -> impl Iterator<Item = &RuleRef<R>> {
        self.roll.from(serial).filter(move |rule| rule.visible_in(version))
    }

    /// The rules of a version that are as specific as `criteria` or more (the loose match of OpenFlow's
    /// non-strict commands), in order of insertion.
    pub fn within<'a>(
        &'a self,
        criteria: &'a Match,
        version: Version,
    ) -> impl Iterator<Item = &'a RuleRef<R>> {
        self.within_from(0, criteria, version)
    }

    /// [`ClassifierWriter::within`], from a cursor as in [`ClassifierWriter::rules_from`].
    pub fn within_from<'a>(
        &'a self,
        serial: u64,
        criteria: &'a Match,
        version: Version,
    ) -> impl Iterator<Item = &'a RuleRef<R>> {
        self.rules_from(serial, version).filter(|rule| rule.within(criteria))
    }

    /// A rule of this priority in this version that some packet matches together with `matching`, if there is one;
    /// of several, any.
    ///
    /// Only tuples that have the priority are looked at: by one probe, if `matching` has all bits of the tuple's
    /// mask, else rule by rule.
    pub fn find_overlap(&mut self, matching: &Match, priority: i32, version: Version) -> Option<RuleRef<R>> {
        let hash = self.shared.hash;
        let guard = self.own.enter();
        let groups = self.tuples.values().flatten().filter(|group| group.priorities.contains_key(&priority));
        for Group { tuple, .. } in groups {
            let check = |head: &Link<Rule<R>>| {
                let meets = head.load(&guard).is_some_and(|rule| rule.overlaps(matching));
                let seek = || {
                    self.chains
                        .seek(tuple, head, priority, &guard, |link| visible(link, priority, version, &guard))
                };
                meets.then(seek).flatten()
            };
            let bits = matching.mask.words();
            let found = if tuple.mask.words().iter().all(|word| word.bits & !bits[word.at()] == 0) {
                let values = tuple.mask.values(&matching.key);
                tuple.head_of(hash_values(&values, hash), &values, &guard).and_then(check)
            } else {
                tuple.rules.all(&guard).find_map(check)
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The first rule of this priority that is there in a version, from a link on.
fn visible<R>(
    start: &Link<Rule<R>>,
    priority: i32,
    version: Version,
    guard: &Guard<'_>,
) -> Option<Arc<Rule<R>>> {
    let mut link = start;
    while let Some(rule) = link.load(guard).filter(|rule| rule.priority == priority) {
        if rule.visible_in(version) {
            return link.load_arc(guard);
        }
        link = &rule.next;
    }
    None
}
