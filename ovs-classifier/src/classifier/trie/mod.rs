//! A trie of prefixes that tells how many bits of a value tell it apart from all that it is not in.
//!
//! Few prefixes stand side by side in a *bucket*, which a lookup goes through as a list; when a bucket is
//! full it becomes a *branch*, an array indexed by the next few bits that skips the bits in which all of
//! its prefixes agree. So a hundred thousand IPv4 prefixes are three branches and a bucket deep, not twenty
//! nodes, and a prefix far from all others costs its place in a bucket and no more.
//!
//! A bucket never changes when readers can see it, a branch only by marks that come before what they lead
//! to and go after it: a reader sees every prefix that was there before it came and is there after.

mod branch;
mod value;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::rcu::{Domain, Guard, Link};
use branch::Branch;
pub(crate) use value::Value;

/// The trie of one field.
pub(crate) struct Trie<K: Value> {
    root: Link<Node<K>>,
}

enum Node<K: Value> {
    Bucket(Box<[Entry<K>]>),
    Branch(Box<Branch<K>>),
}

/// A prefix, and how many matches have it; the count is the writer's alone, and never 0.
struct Entry<K> {
    prefix: K,
    matches: AtomicU32,
    len: u8,
}

/// As many prefixes as a lookup goes through one by one.
const BUCKET: usize = 12;

/// What a look-up found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bit `len - 1` is set if the first `len` bits of the value are some rule's prefix.
    pub(crate) lengths: u128,
    /// So many of the value's bits decide that; never more than the field has.
    pub(crate) bits: u8,
}

impl Found {
    /// What stands for "every length may match".
    pub(crate) const ANY: Self = Self { lengths: u128::MAX, bits: 0 };

    /// Whether a rule with a prefix of this length can match.
    #[inline]
    pub(crate) fn has(self, len: u8) -> bool {
        len > 0 && self.lengths >> (len - 1) & 1 == 1
    }

    /// Takes one prefix into account: all of it agrees with the value, or so many bits.
    #[inline]
    fn see(&mut self, common: u8, len: u8) {
        if common >= len {
            self.lengths |= 1 << (len - 1);
            self.bits = self.bits.max(len);
        } else {
            self.bits = self.bits.max(common + 1);
        }
    }
}

impl<K: Value> Trie<K> {
    pub(crate) fn new() -> Self {
        Self { root: Link::new(None) }
    }

    /// Looks up a value.
    #[inline]
    pub(crate) fn lookup(&self, value: K, guard: &Guard<'_>) -> Found {
        let mut found = Found { lengths: 0, bits: 0 };
        let mut next = self.root.load(guard);
        while let Some(node) = next {
            match node {
                Node::Bucket(entries) => {
                    for entry in entries {
                        found.see(value.common(entry.prefix), entry.len);
                    }
                    break;
                }
                Node::Branch(branch) => match branch.step(value, &mut found) {
                    Some(link) => next = link.load(guard),
                    None => break,
                },
            }
        }
        found
    }

    /// Adds a match's prefix; `len` is not 0.
    pub(crate) fn insert(&self, value: K, len: u8, guard: &Guard<'_>, domain: &Domain) {
        let prefix = value.cut(len);
        let mut link = &self.root;
        loop {
            match link.load(guard) {
                None => {
                    let entries = Box::new([Entry { prefix, matches: AtomicU32::new(1), len }]);
                    link.replace(Some(Arc::new(Node::Bucket(entries))), domain);
                    return;
                }
                Some(Node::Bucket(entries)) => {
                    if let Some(entry) = entries.iter().find(|entry| entry.is(prefix, len)) {
                        count(&entry.matches, 1);
                        return;
                    }
                    let mut more: Vec<Entry<K>> = entries.iter().map(Entry::copy).collect();
                    more.push(Entry { prefix, matches: AtomicU32::new(1), len });
                    link.replace(Some(Arc::new(Node::of(more))), domain);
                    return;
                }
                Some(Node::Branch(branch)) if branch.contains(prefix, len) => {
                    match branch.enter(prefix, len) {
                        Some(below) => link = below,
                        None => return,
                    }
                }
                Some(Node::Branch(branch)) => {
                    let above = Branch::above(branch, prefix, len, link.load_arc(guard));
                    link.replace(Some(Arc::new(Node::Branch(Box::new(above)))), domain);
                }
            }
        }
    }

    /// Takes a prefix out; nothing happens if it is not there.
    pub(crate) fn remove(&self, value: K, len: u8, guard: &Guard<'_>, domain: &Domain) {
        take(&self.root, value.cut(len), len, guard, domain);
    }

    /// Whether no prefix is left.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_none()
    }
}

/// Takes a prefix out at a link or below. Says whether that left nothing, and the link points nowhere now.
/// Goes one level down for each branch, and so at most as deep as a value has bits.
fn take<K: Value>(link: &Link<Node<K>>, prefix: K, len: u8, guard: &Guard<'_>, domain: &Domain) -> bool {
    match link.load(guard) {
        None => false,
        Some(Node::Bucket(entries)) => {
            let Some(at) = entries.iter().position(|entry| entry.is(prefix, len)) else { return false };
            if entries[at].matches.load(Ordering::Relaxed) > 1 {
                count(&entries[at].matches, u32::MAX);
                return false;
            }
            let mut rest: Vec<Entry<K>> = entries.iter().map(Entry::copy).collect();
            rest.swap_remove(at);
            let empty = rest.is_empty();
            link.replace((!empty).then(|| Arc::new(Node::of(rest))), domain);
            empty
        }
        Some(Node::Branch(branch)) => {
            if !branch.contains(prefix, len) {
                return false;
            }
            let changed = match branch.below(prefix, len) {
                Some(below) => take(below, prefix, len, guard, domain),
                None => branch.leave(prefix, len),
            };
            if !changed {
                return false;
            }
            branch.settle(prefix);
            let empty = branch.is_empty();
            if empty {
                link.replace(None, domain);
            }
            empty
        }
    }
}

impl<K: Value> Node<K> {
    /// A bucket, or a branch if these are too many.
    fn of(entries: Vec<Entry<K>>) -> Self {
        if entries.len() <= BUCKET {
            Self::Bucket(entries.into())
        } else {
            Self::Branch(Box::new(Branch::of(entries)))
        }
    }
}

impl<K: Value> Entry<K> {
    fn is(&self, prefix: K, len: u8) -> bool {
        self.len == len && self.prefix == prefix
    }

    fn copy(&self) -> Self {
        Self { matches: AtomicU32::new(self.matches.load(Ordering::Relaxed)), ..*self }
    }
}

/// Adds to a count that one thread writes.
fn count(to: &AtomicU32, more: u32) {
    to.store(to.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
