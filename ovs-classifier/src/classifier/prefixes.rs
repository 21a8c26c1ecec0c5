//! Prefixes that go into the tries or out of them, some at a time.
//!
//! The way down a big trie is a dozen places of memory, each known only when the one before is there. One prefix after
//! the other would wait for all of them in turn. So changes are gathered until lookups must see them, put in order
//! (neighbours go down the same way), and the ways of several are gone at once, to have the memory at hand, before
//! the changes are made. And a trie knows only whether some match has a prefix: how many have it is counted here, where
//! they are more than one, so that most changes are no changes of a trie.

use alloc::vec::Vec;
use core::array;

use super::Rule;
use super::counts::Counts;
use super::trie::{Value, Walk};
use super::visit::Tries;
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard};

/// The changes that wait.
pub(super) struct Prefixes {
    changes: Vec<Change>,
    /// How many matches have a prefix, where they are more than one.
    counts: Counts,
    hash: WordHash,
}

struct Change {
    value: u128,
    /// Of the value.
    hash: u64,
    trie: u8,
    len: u8,
    /// How many matches more or, if negative, fewer have it.
    matches: i32,
}

impl Change {
    fn prefix(&self) -> (u8, u128, u8) {
        (self.trie, self.value, self.len)
    }

    /// What tells equal values of several tries and lengths apart.
    fn seat(&self) -> u32 {
        u32::from(self.trie) << 8 | u32::from(self.len)
    }
}

/// As many changes as wait at most.
const MOST: usize = 1 << 16;
/// Ways that are gone at once.
const WAYS: usize = 8;

impl Prefixes {
    pub(super) fn new(hash: WordHash) -> Self {
        Self { changes: Vec::new(), counts: Counts::new(), hash }
    }

    /// Adds the prefixes of a match of which this is the first rule, or, if it is not `present` any more, the last.
    pub(super) fn add<R>(&mut self, rule: &Rule<R>, present: bool, tries: &Tries) {
        for (trie, (field, _)) in (0..).zip(tries) {
            let len = rule.mask.prefix_len(trie.into());
            if len > 0 {
                let value = field.value_of(rule.mask.words(), rule.values());
                let hash = self.hash.add(self.hash.start(), (value >> 64) as u64);
                let hash = self.hash.finish(self.hash.add(hash, value as u64));
                let change = Change { value, hash, trie, len, matches: if present { 1 } else { -1 } };
                self.counts.fetch(hash, change.seat());
                self.changes.push(change);
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
        let counts = &mut self.counts;
        self.changes.retain_mut(|change| {
            let (hash, seat) = (change.hash, change.seat());
            if change.matches > 0 && counts.knows(hash, seat) {
                counts.add_many(hash, seat, change.matches.unsigned_abs());
                return false;
            }
            while change.matches < 0 && counts.take(hash, seat) {
                change.matches += 1;
            }
            change.matches != 0
        });
        for changes in self.changes.chunks(WAYS) {
            walk(changes, tries, guard);
            for change in changes {
                let trie = &tries[usize::from(change.trie)].1;
                if change.matches > 0 {
                    counts.enter(change.hash, change.seat(), change.matches.unsigned_abs(), || {
                        trie.insert(change.value, change.len, guard, domain)
                    });
                    continue;
                }
                // Few changes are in no order: one before this may have added a match.
                for _ in change.matches..0 {
                    if !counts.take(change.hash, change.seat()) {
                        trie.remove(change.value, change.len, guard, domain);
                    }
                }
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
        more = walks.iter_mut().flatten().fold(false, |more, walk| walk.advance_to_last(guard) | more);
    }
}
