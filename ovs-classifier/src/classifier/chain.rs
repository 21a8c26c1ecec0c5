//! Chains of rules with the same match, and how the writer finds its place in long ones.
//!
//! A chain is a list from the highest priority to the lowest; of equal priorities (rules of different versions) the
//! newest stands first. Most chains are one rule long. In one that is longer than a few, going along the list
//! would make a table of a million priorities of one match quadratic, so its rules are in an index, too.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::cmp::Reverse;

use super::tuple::Tuple;
use super::{Rule, RuleRef};
use crate::rcu::{Domain, Guard, Link};

/// As many rules as are passed one by one.
const SHORT: usize = 16;

/// The rules of long chains: by tuple, match, and place in the chain.
pub(super) struct Chains<R: Send + Sync + 'static> {
    rules: BTreeMap<Key, RuleRef<R>>,
}

/// The tuple's number, the hash of the match, priority, serial number.
type Key = (u64, u64, Reverse<i32>, Reverse<u64>);

/// Before all rules of a match with this priority.
fn before(tuple: u64, hash: u64, priority: i32) -> Key {
    (tuple, hash, Reverse(priority), Reverse(u64::MAX))
}

fn key<R>(tuple: u64, rule: &Rule<R>) -> Key {
    (tuple, rule.hash, Reverse(rule.priority), Reverse(rule.serial))
}

impl<R: Send + Sync + 'static> Chains<R> {
    pub(super) fn new() -> Self {
        Self { rules: BTreeMap::new() }
    }

    /// Calls `then` with the link, in the chain that begins at `head`, at which the first rule of this priority
    /// or a lower one stands, or nothing.
    pub(super) fn seek<T>(
        &self,
        tuple: &Tuple<R>,
        head: &Link<Rule<R>>,
        priority: i32,
        guard: &Guard<'_>,
        then: impl FnOnce(&Link<Rule<R>>) -> T,
    ) -> T {
        let mut link = head;
        let mut passed = 0;
        while let Some(rule) = link.load(guard).filter(|rule| rule.priority > priority) {
            passed += 1;
            if passed > SHORT
                && let Some(above) = self.above(tuple.number, rule, before(tuple.number, rule.hash, priority))
            {
                return then(&above.next);
            }
            link = &rule.next;
        }
        then(link)
    }

    /// The last rule before a place in a chain of which `some` is a rule, if the chain is in the index.
    fn above(&self, tuple: u64, some: &Rule<R>, place: Key) -> Option<&RuleRef<R>> {
        let (found, rule) = self.rules.range(..place).next_back()?;
        (found.0 == tuple && found.1 == some.hash && rule.values() == some.values()).then_some(rule)
    }

    /// Takes note of a rule that was just put into the chain that begins at `head`.
    pub(super) fn added(
        &mut self,
        tuple: &Tuple<R>,
        head: &Link<Rule<R>>,
        rule: &RuleRef<R>,
        guard: &Guard<'_>,
    ) {
        let Some(first) = head.load(guard) else { return };
        let second = first.next.load(guard);
        let indexed = |rule: Option<&Rule<R>>| {
            !self.rules.is_empty()
                && rule.is_some_and(|rule| self.rules.contains_key(&key(tuple.number, rule)))
        };
        // The new rule itself may be the first.
        if indexed(Some(first)) || indexed(second) {
            self.rules.insert(key(tuple.number, rule), Arc::clone(rule));
            return;
        }
        let mut length = 0;
        let mut link = head;
        while let Some(rule) = link.load(guard).filter(|_| length <= SHORT) {
            length += 1;
            link = &rule.next;
        }
        if length > SHORT {
            let mut link = head;
            while let Some(rule) = link.load_arc(guard) {
                let next = link.load(guard).map(|rule| &rule.next);
                self.rules.insert(key(tuple.number, &rule), rule);
                let Some(next) = next else { break };
                link = next;
            }
        }
    }

    /// Takes a rule out of the chain that begins at `head`.
    pub(super) fn cut(
        &mut self,
        tuple: &Tuple<R>,
        head: &Link<Rule<R>>,
        rule: &Rule<R>,
        guard: &Guard<'_>,
        domain: &Domain,
    ) {
        let own = key(tuple.number, rule);
        let above =
            if self.rules.remove(&own).is_some() { self.above(tuple.number, rule, own) } else { None };
        let mut link = above.map_or(head, |above| &above.next);
        while let Some(here) = link.load(guard) {
            if core::ptr::eq(here, rule) {
                link.replace(here.next.load_arc(guard), domain);
                return;
            }
            link = &here.next;
        }
    }
}

/// The rule of this priority that is not removed, at a link that [`Chains::seek`] gave.
pub(super) fn present<R>(link: &Link<Rule<R>>, priority: i32, guard: &Guard<'_>) -> Option<RuleRef<R>> {
    // Of equal ones the newest stands first: if that is removed, all are.
    let rule = link.load_arc(guard)?;
    (rule.priority == priority && rule.removed_in() == super::Version::NEVER).then_some(rule)
}
