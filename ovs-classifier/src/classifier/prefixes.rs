//! Prefixes that go into the tries or out of them, some at a time.
//!
//! The way down a big trie is a dozen places of memory, each known only when the one before is there. One prefix after
//! the other would wait for all of them in turn. So changes are gathered until lookups must see them, put in order
//! (neighbours go down the same way), and the ways of several are gone at once, to have the memory at hand, before
//! the changes are made.

use alloc::vec::Vec;
use core::array;

use super::Rule;
use super::trie::{Value, Walk};
use super::visit::Tries;
use crate::rcu::{Domain, Guard};

/// The changes that wait.
pub(super) struct Prefixes {
    changes: Vec<Change>,
}

struct Change {
    value: u128,
    trie: u8,
    len: u8,
    /// How many matches more or, if negative, fewer have it.
    matches: i32,
}

impl Change {
    fn prefix(&self) -> (u8, u128, u8) {
        (self.trie, self.value, self.len)
    }
}

/// As many changes as wait at most.
const MOST: usize = 1 << 16;
/// Ways that are gone at once.
const WAYS: usize = 8;

impl Prefixes {
    pub(super) fn new() -> Self {
        Self { changes: Vec::new() }
    }

    /// Adds the prefixes of a match of which this is the first rule, or, if it is not `present` any more, the last.
    pub(super) fn add<R>(&mut self, rule: &Rule<R>, present: bool, tries: &Tries) {
        for (trie, (field, _)) in (0..).zip(tries) {
            let len = rule.mask.prefix_len(trie.into());
            if len > 0 {
                let value = field.value_of(rule.mask.words(), rule.values());
                self.changes.push(Change { value, trie, len, matches: if present { 1 } else { -1 } });
            }
        }
    }

    /// Whether it is time to [`Prefixes::settle`].
    pub(super) fn is_full(&self) -> bool {
        self.changes.len() >= MOST
    }

    /// Makes the changes.
    pub(super) fn settle(&mut self, tries: &Tries, guard: &Guard<'_>, domain: &Domain) {
        if self.changes.len() > WAYS {
            self.changes.sort_unstable_by_key(Change::prefix);
        }
        // What many rules have changes once, and what came and went does not.
        self.changes.dedup_by(|change, kept| {
            let same = change.prefix() == kept.prefix();
            kept.matches += if same { change.matches } else { 0 };
            same
        });
        self.changes.retain(|change| change.matches != 0);
        for changes in self.changes.chunks(WAYS) {
            walk(changes, tries, guard);
            for change in changes {
                tries[usize::from(change.trie)].1.set(
                    change.value,
                    change.len,
                    change.matches,
                    guard,
                    domain,
                );
            }
        }
        self.changes.clear();
        self.changes.shrink_to(WAYS * 64);
    }
}

/// Goes the ways of these changes, side by side.
fn walk(changes: &[Change], tries: &Tries, guard: &Guard<'_>) {
    let trie = |change: &Change| &tries[usize::from(change.trie)].1;
    let mut narrow: [_; WAYS] =
        array::from_fn(|at| changes.get(at).and_then(|change| trie(change).narrow_walk(change.value, guard)));
    go(&mut narrow, guard);
    let mut wide: [_; WAYS] =
        array::from_fn(|at| changes.get(at).and_then(|change| trie(change).wide_walk(change.value, guard)));
    go(&mut wide, guard);
}

fn go<'g, K: Value>(walks: &mut [Option<Walk<'g, K>>; WAYS], guard: &'g Guard<'_>) {
    let mut more = true;
    while more {
        walks.iter_mut().flatten().for_each(Walk::approach);
        more = walks.iter_mut().flatten().fold(false, |more, walk| walk.advance(guard) | more);
    }
}
