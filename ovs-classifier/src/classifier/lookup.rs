//! Looking rules up.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ovs_flow::{FlowKey, FlowMask};

use super::block::Visits;
use super::search::{Best, Query, first};
use super::visit::{Asked, Tries};
use super::{Rule, Version};
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard, Link};

/// What the writer and the readers of one classifier share.
pub(super) struct Shared<R: Send + Sync + 'static> {
    pub(super) domain: Domain,
    pub(super) hash: WordHash,
    pub(super) tries: Box<Tries>,
    pub(super) visits: Link<Visits<R>>,
}

/// A handle to look rules up by, from any thread.
pub struct ClassifierReader<R: Send + Sync + 'static> {
    pub(super) shared: Arc<Shared<R>>,
}

impl<R: Send + Sync + 'static> ClassifierReader<R> {
    /// The domain whose guards lookups take.
    pub fn domain(&self) -> &Domain {
        &self.shared.domain
    }

    /// The matching rule of the highest priority in `version`.
    ///
    /// If there is a `mask`, it gets the bits of `key` that decide the answer, beside those that it has (which
    /// may spare others): any key that agrees with this one under the mask has the same answer. The
    /// module's head defines which bits. Among matching rules of equal priority, which is
    /// undefined by OpenFlow, the one in the tuple visited first wins.
    ///
    /// A rule with clauses is no result; if the clauses that match make a conjunction whole, the lookup is
    /// made again with `conj_id` set to its number ([`super::Clause`]).
    ///
    /// # Panics
    /// If the guard belongs to another domain.
    #[inline]
    pub fn lookup<'g>(
        &'g self,
        version: Version,
        key: &FlowKey,
        mask: Option<&mut FlowMask>,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        self.shared.look_up(Query { version, key, guard }, mask, None)
    }

    /// [`ClassifierReader::lookup`] for several keys, each with a mask of its own if there are `masks`: the same answers, sooner,
    /// since the memory of several keys is waited for at once, and what equals the key and mask before it has the answer of that.
    /// As many keys are looked up as the shortest slice has.
    ///
    /// # Panics
    /// If the guard belongs to another domain.
    pub fn lookup_batch<'g>(
        &'g self,
        version: Version,
        keys: &[FlowKey],
        masks: Option<&mut [FlowMask]>,
        found: &mut [Option<&'g Rule<R>>],
        guard: &'g Guard<'_>,
    ) {
        assert!(guard.is_of(&self.shared.domain), "a guard of another domain");
        self.shared.look_up_batch(version, keys, masks, found, guard);
    }

    /// [`ClassifierReader::lookup`]; if a conjunction decided, its clauses that matched are added to `met`, in the
    /// order in which they were met, so that a trace can name them.
    ///
    /// # Panics
    /// If the guard belongs to another domain.
    pub fn explain<'g>(
        &'g self,
        version: Version,
        key: &FlowKey,
        mask: Option<&mut FlowMask>,
        met: &mut Vec<&'g Rule<R>>,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        self.shared.look_up(Query { version, key, guard }, mask, Some(met))
    }
}

impl<R: Send + Sync + 'static> Shared<R> {
    #[inline]
    fn look_up<'g>(
        &'g self,
        query: Query<'_, 'g>,
        mut mask: Option<&mut FlowMask>,
        met: Option<&mut Vec<&'g Rule<R>>>,
    ) -> Option<&'g Rule<R>> {
        assert!(query.guard.is_of(&self.domain), "a guard of another domain");
        let best = self.best(query, mask.as_deref_mut(), true);
        self.conclude(best, query, mask, met)
    }

    /// The answer, when the best rule is known: that, or what a conjunction leads to.
    #[inline]
    pub(super) fn conclude<'g>(
        &'g self,
        best: Best<'g, R>,
        query: Query<'_, 'g>,
        mut mask: Option<&mut FlowMask>,
        met: Option<&mut Vec<&'g Rule<R>>>,
    ) -> Option<&'g Rule<R>> {
        if !best.soft.above(best.rule) {
            return best.rule;
        }
        let mut key = *query.key;
        let again = |id| {
            key.conj_id = id;
            self.best(Query { key: &key, ..query }, mask.as_deref_mut(), false).rule
        };
        best.soft.resolve(best.rule, query.version, query.guard, again, met)
    }

    #[inline]
    fn best<'g>(
        &'g self,
        query: Query<'_, 'g>,
        mask: Option<&mut FlowMask>,
        conjunctions: bool,
    ) -> Best<'g, R> {
        let mut best = Best::new(conjunctions);
        if let Some((rule, tuple)) = self.begin(query).and_then(|begun| first(query, begun)) {
            best.take(Some(rule));
            if let Some(mask) = mask {
                tuple.fold_to(tuple.mask.words().len(), mask);
            }
            return best;
        }
        self.rest(query, &mut best, &mut Asked::new(&self.tries, query.key, query.guard), mask);
        best
    }

    /// All visits, if the first tuple does not end them.
    #[inline]
    pub(super) fn rest<'g>(
        &'g self,
        query: Query<'_, 'g>,
        best: &mut Best<'g, R>,
        asked: &mut Asked<'_>,
        mask: Option<&mut FlowMask>,
    ) {
        match mask {
            None => self.search(query, best, asked),
            Some(mask) => self.search_and_mask(query, best, asked, mask),
        }
    }
}

impl<R: Send + Sync + 'static> Clone for ClassifierReader<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R: Send + Sync + 'static> fmt::Debug for ClassifierReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassifierReader").finish_non_exhaustive()
    }
}
