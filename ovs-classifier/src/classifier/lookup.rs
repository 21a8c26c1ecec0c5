//! Looking rules up.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ovs_flow::{FlowKey, FlowMask};

use super::block::Visits;
use super::search::{Best, Query};
use super::visit::Tries;
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
        if let Some((rule, tuple)) = self.first(query) {
            best.take(Some(rule));
            if let Some(mask) = mask {
                tuple.fold_to(tuple.mask.words().len(), mask);
            }
            return best;
        }
        match mask {
            None => self.search(query, &mut best),
            Some(mask) => self.search_and_mask(query, &mut best, mask),
        }
        best
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
