//! A trie of prefixes that tells how many bits of a value tell it apart from all that it is not in.
//!
//! Few prefixes stand side by side in a *bucket*, which a lookup goes through as a list; when a bucket is
//! full it becomes a *branch*, an array indexed by the next few bits that skips the bits in which all of
//! its prefixes agree. The more prefixes there are the wider is the array, and when they have become many
//! times as many the branch is made anew: a hundred thousand IPv4 prefixes are three branches and a bucket
//! deep, not twenty nodes, and what a lookup touches is small enough for a processor's caches.
//!
//! The writer changes buckets in place and branches by marks that come before what they lead to and go after
//! it: a reader sees every prefix that was there before it came and is there after. What else it may see of
//! prefixes that come or go adds bits to what it finds, and takes none.

mod branch;
mod bucket;
mod value;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch::{prefetch, prefetch_rest};
use crate::rcu::{Domain, Guard, Link};
use branch::{Branch, Slot};
use bucket::{Added, BUCKET, Bucket};
pub(crate) use value::Value;

/// The trie of one field.
pub(crate) struct Trie<K: Value> {
    root: Link<Node<K>>,
}

enum Node<K: Value> {
    Bucket(Bucket<K>),
    Branch(Branch<K>),
}

/// A prefix.
#[derive(Clone, Copy)]
struct Entry<K> {
    prefix: K,
    len: u8,
}

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
}

/// A look-up on its way.
pub(crate) struct Walk<'g, K: Value> {
    next: Option<&'g Node<K>>,
    /// Between the halves of a step.
    slot: Option<&'g Slot<K>>,
    value: K,
    said: Said<K>,
}

/// What a look-up has found so far.
#[derive(Clone, Copy)]
pub(crate) struct Said<K> {
    /// The last bit of each prefix that the value begins with.
    ends: K,
    /// As in [`Found::bits`].
    bits: u8,
}

impl<K: Value> Said<K> {
    #[inline]
    fn found(self) -> Found {
        Found { lengths: self.ends.lengths(), bits: self.bits }
    }
}

impl<'g, K: Value> Walk<'g, K> {
    /// Goes one node further. Says whether there is another one.
    #[inline]
    pub(crate) fn step(&mut self, guard: &'g Guard<'_>) -> bool {
        self.next = match self.next {
            None => return false,
            Some(Node::Bucket(bucket)) => {
                bucket.look(self.value, &mut self.said);
                None
            }
            Some(Node::Branch(branch)) => {
                branch.step(self.value, &mut self.said).and_then(|link| link.load(guard))
            }
        };
        self.next.is_some()
    }

    /// The first half of a step: begins to fetch what the second half reads. Of several walks, all make one half and then
    /// all the other: so the memory of all is waited for at once.
    #[inline]
    pub(crate) fn approach(&mut self) {
        if let Some(Node::Branch(branch)) = self.next {
            self.slot = branch.slot_for(self.value, &mut self.said);
            match self.slot {
                Some(slot) => prefetch(slot),
                None => self.next = None,
            }
        }
    }

    /// The second half: begins to fetch the next node. Says whether there is one.
    #[inline]
    pub(crate) fn advance(&mut self, guard: &'g Guard<'_>) -> bool {
        self.next = match (self.next, self.slot.take()) {
            (Some(Node::Bucket(bucket)), _) => {
                bucket.look(self.value, &mut self.said);
                None
            }
            (Some(Node::Branch(branch)), Some(slot)) => {
                branch.pass(slot, self.value, &mut self.said).and_then(|link| link.load(guard))
            }
            _ => None,
        };
        if let Some(next) = self.next {
            prefetch(next);
            prefetch_rest(next);
        }
        self.next.is_some()
    }

    /// The second half for who only wants what is on the way to be at hand: ends at the last node.
    #[inline]
    pub(crate) fn advance_to_last(&mut self, guard: &'g Guard<'_>) -> bool {
        matches!(self.next, Some(Node::Branch(_))) && self.advance(guard)
    }

    /// What was found, when there is no other step.
    #[inline]
    pub(crate) fn found(&self) -> Found {
        self.said.found()
    }
}

impl<K: Value> Trie<K> {
    pub(crate) fn new() -> Self {
        Self { root: Link::new(None) }
    }

    /// Looks up a value.
    #[inline]
    pub(crate) fn lookup(&self, value: K, guard: &Guard<'_>) -> Found {
        let mut walk = self.walk(value, guard);
        while walk.step(guard) {}
        walk.said.found()
    }

    /// Looks up a value here and another in another trie, side by side: what is slow is memory, and so the memory of
    /// both is waited for at once.
    #[inline]
    pub(crate) fn lookup_two(&self, value: K, other: (&Self, K), guard: &Guard<'_>) -> [Found; 2] {
        let (mut one, mut two) = (self.walk(value, guard), other.0.walk(other.1, guard));
        while one.step(guard) & two.step(guard) {}
        while one.step(guard) {}
        while two.step(guard) {}
        [one.said.found(), two.said.found()]
    }

    /// Begins to look up a value.
    #[inline]
    pub(crate) fn walk<'g>(&'g self, value: K, guard: &'g Guard<'_>) -> Walk<'g, K> {
        Walk { next: self.root.load(guard), slot: None, value, said: Said { ends: K::of(0), bits: 0 } }
    }

    /// Adds a prefix, the first `len` bits of a value; `len` is not 0. Says whether it is new.
    pub(crate) fn insert(&self, value: K, len: u8, guard: &Guard<'_>, domain: &Domain) -> bool {
        put(&self.root, Entry { prefix: value.cut(len), len }, guard, domain)
    }

    /// Takes a prefix out. Nothing happens if it is not there.
    pub(crate) fn remove(&self, value: K, len: u8, guard: &Guard<'_>, domain: &Domain) {
        take(&self.root, value.cut(len), len, guard, domain);
    }

    /// Whether no prefix is left.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_none()
    }
}

/// Adds a prefix at a link or below. Says whether the prefix is new.
/// Goes one level down for each branch, and so at most as deep as a value has bits.
fn put<K: Value>(link: &Link<Node<K>>, entry: Entry<K>, guard: &Guard<'_>, domain: &Domain) -> bool {
    match link.load(guard) {
        None => {
            link.replace(Some(Arc::new(Node::Bucket(Bucket::of(&[entry])))), domain);
            true
        }
        Some(Node::Bucket(bucket)) => match bucket.add(entry) {
            Added::Known => false,
            Added::New => true,
            Added::Full => {
                let mut more: Vec<Entry<K>> = bucket.entries().collect();
                more.push(entry);
                link.replace(Some(Arc::new(Node::of(more))), domain);
                true
            }
        },
        Some(Node::Branch(branch)) if branch.contains(entry.prefix, entry.len) => {
            let new = match branch.enter(entry) {
                Ok(below) => put(below, entry, guard, domain),
                Err(new) => new,
            };
            if new && branch.grow() {
                let mut all = Vec::new();
                gather(link, &mut all, guard);
                link.replace(Some(Arc::new(Node::of(all))), domain);
            }
            new
        }
        Some(Node::Branch(branch)) => {
            let above = Branch::above(branch, entry, link.load_arc(guard));
            link.replace(Some(Arc::new(Node::Branch(above))), domain);
            put(link, entry, guard, domain)
        }
    }
}

/// What a call of [`take`] did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// The prefix was not there.
    Nothing,
    /// The prefix is gone.
    Prefix,
    /// And it was the last: the link points nowhere now.
    All,
}

/// Takes a prefix out at a link or below. As deep as [`put`].
fn take<K: Value>(link: &Link<Node<K>>, prefix: K, len: u8, guard: &Guard<'_>, domain: &Domain) -> Taken {
    let taken = match link.load(guard) {
        Some(Node::Bucket(bucket)) => bucket.take(prefix, len),
        Some(Node::Branch(branch)) if branch.contains(prefix, len) => {
            let below = match branch.below(prefix, len) {
                Some(below) => take(below, prefix, len, guard, domain),
                None if branch.leave(prefix, len) => Taken::All,
                None => Taken::Nothing,
            };
            if below == Taken::All {
                branch.settle(prefix);
            }
            if below != Taken::Nothing {
                branch.shrink();
            }
            match below {
                Taken::All if !branch.is_empty() => Taken::Prefix,
                other => other,
            }
        }
        None | Some(Node::Branch(_)) => Taken::Nothing,
    };
    if taken == Taken::All {
        link.replace(None, domain);
    }
    taken
}

/// Collects what stands at a link and below. As deep as [`put`].
fn gather<K: Value>(link: &Link<Node<K>>, into: &mut Vec<Entry<K>>, guard: &Guard<'_>) {
    match link.load(guard) {
        None => {}
        Some(Node::Bucket(bucket)) => into.extend(bucket.entries()),
        Some(Node::Branch(branch)) => {
            into.extend(branch.own_entries());
            branch.links().for_each(|link| gather(link, into, guard));
        }
    }
}

impl<K: Value> Node<K> {
    /// A bucket, or a branch if these are too many.
    fn of(entries: Vec<Entry<K>>) -> Self {
        if entries.len() <= BUCKET {
            Self::Bucket(Bucket::of(&entries))
        } else {
            Self::Branch(Branch::of(entries))
        }
    }
}

/// Adds to a count that one thread writes.
fn count(to: &AtomicU32, more: u32) {
    to.store(to.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
