//! A trie of prefixes that tells how many bits of a value tell it apart from all that it is not in.
//!
//! A node stands for a prefix: one that rules have, or one at which two of them part. Its prefix is held
//! whole (not relative to its parent), so a node never changes when another is put above it or taken
//! away: a writer builds what is new beside the readers and swings one link.

use alloc::sync::Arc;

use super::fields::prefix_bits;
use crate::rcu::sync::Ordering;
use crate::rcu::{Domain, Guard, Link};
use core::sync::atomic::AtomicU32;

/// The trie of one field, values left-aligned in 128 bits.
pub(crate) struct Trie {
    root: Link<Node>,
}

struct Node {
    /// Bits beyond `len` are zero.
    prefix: u128,
    len: u8,
    /// Rules with just this prefix; written by the writer alone.
    rules: AtomicU32,
    children: [Link<Node>; 2],
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
    pub(crate) fn has(self, len: u8) -> bool {
        len > 0 && self.lengths >> (len - 1) & 1 == 1
    }
}

impl Trie {
    pub(crate) fn new() -> Self {
        Self { root: Link::new(None) }
    }

    /// Looks up a value of a field of `width` bits.
    pub(crate) fn lookup(&self, value: u128, width: u8, guard: &Guard<'_>) -> Found {
        let mut lengths = 0;
        let mut matched = 0;
        let mut more = false; // the node before has children
        let mut link = &self.root;
        while let Some(node) = link.load(guard) {
            let common = common_len(value, node.prefix).min(node.len);
            if common < node.len {
                return Found { lengths, bits: common + 1 };
            }
            matched = node.len;
            if node.rules.load(Ordering::Relaxed) > 0 && matched > 0 {
                lengths |= 1 << (matched - 1);
            }
            if matched >= width {
                return Found { lengths, bits: width };
            }
            more = !node.is_leaf();
            link = &node.children[bit(value, matched)];
        }
        Found { lengths, bits: if more { matched + 1 } else { matched } }
    }

    /// Adds a rule's prefix.
    pub(crate) fn insert(&self, value: u128, len: u8, guard: &Guard<'_>, domain: &Domain) {
        let prefix = value & prefix_bits(len);
        let mut link = &self.root;
        while let Some(node) = link.load(guard) {
            let common = common_len(prefix, node.prefix).min(node.len).min(len);
            if common == node.len && common == len {
                node.rules.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if common < node.len {
                // The two part above this node: a new one takes its place, and it becomes a child.
                let below = link.load_arc(guard);
                let fresh = Node::new(prefix & prefix_bits(common), common);
                fresh.children[bit(node.prefix, common)].replace(below, domain);
                if common == len {
                    fresh.rules.store(1, Ordering::Relaxed);
                } else {
                    fresh.children[bit(prefix, common)]
                        .replace(Some(Arc::new(Node::leaf(prefix, len))), domain);
                }
                link.replace(Some(Arc::new(fresh)), domain);
                return;
            }
            link = &node.children[bit(prefix, common)];
        }
        link.replace(Some(Arc::new(Node::leaf(prefix, len))), domain);
    }

    /// Takes a rule's prefix out; nothing happens if it is not there.
    pub(crate) fn remove(&self, value: u128, len: u8, guard: &Guard<'_>, domain: &Domain) {
        let prefix = value & prefix_bits(len);
        let mut above = None;
        let mut link = &self.root;
        while let Some(node) = link.load(guard) {
            if node.len > len || common_len(prefix, node.prefix) < node.len {
                return;
            }
            if node.len < len {
                above = Some((link, node));
                link = &node.children[bit(prefix, node.len)];
                continue;
            }
            let left = node.rules.load(Ordering::Relaxed).saturating_sub(1);
            node.rules.store(left, Ordering::Relaxed);
            if left == 0 {
                prune(link, node, guard, domain);
                if let Some((link, node)) = above {
                    prune(link, node, guard, domain);
                }
            }
            return;
        }
    }
}

/// Takes out a node that has no rules and does not part two children.
fn prune(link: &Link<Node>, node: &Node, guard: &Guard<'_>, domain: &Domain) {
    if node.rules.load(Ordering::Relaxed) > 0 {
        return;
    }
    match (node.children[0].load_arc(guard), node.children[1].load_arc(guard)) {
        (Some(_), Some(_)) => {}
        (one, other) => link.replace(one.or(other), domain),
    }
}

impl Node {
    fn new(prefix: u128, len: u8) -> Self {
        Self { prefix, len, rules: AtomicU32::new(0), children: [Link::new(None), Link::new(None)] }
    }

    fn leaf(prefix: u128, len: u8) -> Self {
        Self { rules: AtomicU32::new(1), ..Self::new(prefix, len) }
    }

    fn is_leaf(&self) -> bool {
        self.children.iter().all(Link::is_none)
    }
}

/// Bits from the first one on in which both agree.
fn common_len(a: u128, b: u128) -> u8 {
    (a ^ b).leading_zeros() as u8
}

/// Bit `at`, counted from the first; 0 beyond the last.
fn bit(value: u128, at: u8) -> usize {
    (value.checked_shl(u32::from(at)).unwrap_or(0) >> 127) as usize
}

#[cfg(test)]
mod tests;
