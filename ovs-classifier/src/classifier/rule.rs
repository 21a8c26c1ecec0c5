//! Rules and versions.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::AtomicU32;

use ovs_flow::{FlowKey, FlowMask, Match};

use super::Clause;
use super::slots::Payload;
use super::tuple_mask::TupleMask;
use crate::rcu::sync::{AtomicU64, Ordering};
use crate::rcu::{Guard, Link};

/// A version of a table: what a reader sees is the rules added at or before it and not removed by it.
///
/// Whoever changes a classifier makes a group of changes for the next version and then tells readers to
/// use that version; each of them sees all of the group or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u64);

impl Version {
    /// The first.
    pub const MIN: Self = Self(0);
    /// Later than every version in use.
    pub const NEVER: Self = Self(u64::MAX);

    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One of the references to a rule.
pub type RuleRef<R> = Arc<Rule<R>>;

/// A match with a priority, the versions in which it exists, and the user's value.
///
/// Kept small: only the words of the key under the mask, and one mask for all rules that have the same. With its
/// counts of references and a value of four bytes it fills two cache lines, and what a lookup reads comes first.
#[repr(C)]
pub struct Rule<R> {
    pub(super) hash: u64,
    pub(super) mask: Arc<TupleMask>,
    /// The key's words, one for each of the mask, if they are few.
    few: [u64; Values::FEW],
    added: Version,
    removed: AtomicU64,
    pub(super) priority: i32,
    /// Where the writer's list has it; [`Rule::UNLISTED`] when it is in no structure any more.
    pub(super) place: AtomicU32,
    /// Counts insertions: the order of iteration.
    pub(super) serial: u64,
    /// The next rule of the same match, of this or a lower priority.
    pub(super) next: Link<Self>,
    /// What most rules have not.
    more: Option<Box<More>>,
    value: R,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Rule<u32>>() + 2 * size_of::<usize>() <= 128);

/// Clauses, and the key's words, if they are many.
struct More {
    clauses: Box<[Clause]>,
    values: Box<[u64]>,
}

/// Words without an allocation of their own, if they are as few as those of most rules.
pub(crate) enum Values {
    Few(u8, [u64; Values::FEW]),
    Many(Box<[u64]>),
}

impl Values {
    const FEW: usize = 5;
}

impl FromIterator<u64> for Values {
    fn from_iter<I: IntoIterator<Item = u64>>(words: I) -> Self {
        let mut few = [0; Self::FEW];
        let mut count = 0;
        let mut words = words.into_iter();
        for place in &mut few {
            let Some(word) = words.next() else { return Self::Few(count, few) };
            *place = word;
            count += 1;
        }
        match words.next() {
            None => Self::Few(count, few),
            Some(word) => Self::Many(few.into_iter().chain([word]).chain(words).collect()),
        }
    }
}

impl core::ops::Deref for Values {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        match self {
            Self::Few(count, words) => &words[..usize::from(*count)],
            Self::Many(words) => words,
        }
    }
}

impl<R> Rule<R> {
    /// [`Rule::place`] of a rule that is in no list.
    pub(super) const UNLISTED: u32 = u32::MAX;

    pub(super) fn new(body: Body<R>, next: Option<Arc<Self>>) -> Self {
        let Body { mask, values, hash, serial, priority, added, clauses, value } = body;
        let (few, values) = match values {
            Values::Few(_, few) => (few, Box::default()),
            Values::Many(values) => ([0; Values::FEW], values),
        };
        let more = !clauses.is_empty() || !values.is_empty();
        Self {
            hash,
            mask,
            few,
            added,
            removed: AtomicU64::new(Version::NEVER.0),
            priority,
            place: AtomicU32::new(Self::UNLISTED),
            serial,
            next: Link::new(next),
            more: more.then(|| Box::new(More { clauses, values })),
            value,
        }
    }

    /// The key's words, one for each of the mask.
    #[inline]
    pub(super) fn values(&self) -> &[u64] {
        match (self.few.get(..self.mask.words().len()), &self.more) {
            (None, Some(more)) => &more.values,
            (few, _) => few.unwrap_or(&self.few),
        }
    }

    /// The user's value.
    pub fn value(&self) -> &R {
        &self.value
    }

    /// Higher wins.
    pub fn priority(&self) -> i32 {
        self.priority
    }

    /// Counts the classifier's insertions; iteration goes by it.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// What the rule is to conjunctions; a rule that has clauses is never the result of a lookup.
    pub fn clauses(&self) -> &[Clause] {
        self.more.as_ref().map_or(&[], |more| &more.clauses)
    }

    /// The rule of the same match and the next lower priority in a version.
    pub(super) fn lower<'g>(&'g self, version: Version, guard: &'g Guard<'_>) -> Option<&'g Self> {
        let mut rule = self.next.load(guard)?;
        while !rule.visible_in(version) {
            rule = rule.next.load(guard)?;
        }
        Some(rule)
    }

    /// What the rule matches, written out.
    pub fn to_match(&self) -> Match {
        Match { key: self.to_key(), mask: self.to_mask() }
    }

    pub(super) fn to_key(&self) -> FlowKey {
        let mut key = FlowKey::default();
        for (word, value) in self.mask.words().iter().zip(self.values()) {
            key.words_mut()[word.at()] = *value;
        }
        key
    }

    /// The bits that the rule looks at.
    pub fn to_mask(&self) -> FlowMask {
        self.mask.to_mask()
    }

    /// Whether every packet matches.
    #[inline]
    pub fn matches_everything(&self) -> bool {
        self.mask.words().is_empty()
    }

    /// Whether a packet with this key matches.
    #[inline]
    pub fn matches(&self, key: &FlowKey) -> bool {
        let key = key.words();
        self.mask.words().iter().zip(self.values()).all(|(word, value)| key[word.at()] & word.bits == *value)
    }

    /// Whether it is there in this version.
    #[inline]
    pub fn visible_in(&self, version: Version) -> bool {
        self.added <= version && version < self.removed_in()
    }

    /// The first version in which it is there.
    pub fn added_in(&self) -> Version {
        self.added
    }

    /// The first version in which it is not there any more, [`Version::NEVER`] if it stays.
    pub fn removed_in(&self) -> Version {
        Version(self.removed.load(Ordering::Acquire))
    }

    pub(super) fn set_removed(&self, version: Version) {
        self.removed.store(version.0, Ordering::Release);
    }

    /// Whether it is at least as specific as `criteria`: every packet it matches is in `criteria`.
    pub(super) fn within(&self, criteria: &Match) -> bool {
        let (key, mask) = (criteria.key.words(), criteria.mask.words());
        let mut rest = self.mask.words().iter().zip(self.values()).peekable();
        (0..key.len()).all(|at| {
            let mine = rest.next_if(|(word, _)| word.at() == at);
            let (bits, value) = mine.map_or((0, 0), |(word, value)| (word.bits, *value));
            bits & mask[at] == mask[at] && (value ^ key[at]) & mask[at] == 0
        })
    }

    /// Whether some packet could match both.
    pub(super) fn overlaps(&self, other: &Match) -> bool {
        let (key, mask) = (other.key.words(), other.mask.words());
        self.mask
            .words()
            .iter()
            .zip(self.values())
            .all(|(word, value)| (value ^ key[word.at()]) & word.bits & mask[word.at()] == 0)
    }
}

/// A chain of rules in the table of their tuple.
impl<R: Send + Sync + 'static> Payload for Link<Rule<R>> {
    fn vacant() -> Self {
        Self::new(None)
    }

    fn is_vacant(&self) -> bool {
        self.is_none()
    }

    fn copy(&self, guard: &Guard<'_>) -> Option<(u64, Self)> {
        let rule = self.load_arc(guard)?;
        Some((rule.hash, Self::new(Some(rule))))
    }

    fn fetch(&self) {
        Self::fetch(self);
    }

    fn empty(&mut self) {
        drop(self.take());
    }
}

/// What a new rule is made of.
pub(super) struct Body<R> {
    pub(super) mask: Arc<TupleMask>,
    pub(super) values: Values,
    pub(super) hash: u64,
    pub(super) serial: u64,
    pub(super) priority: i32,
    pub(super) added: Version,
    pub(super) clauses: Box<[Clause]>,
    pub(super) value: R,
}

impl<R: fmt::Debug> fmt::Debug for Rule<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("priority", &self.priority)
            .field("match", &self.to_match())
            .field("added", &self.added)
            .field("removed", &self.removed_in())
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

impl<R> Drop for Rule<R> {
    /// Takes a chain apart link by link: recursion would need a stack as deep as the chain is long.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut rule) = next.and_then(Arc::into_inner) {
            next = rule.next.take();
        }
    }
}
