//! Looking rules up.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use ovs_flow::{FlowKey, FlowMask};

use super::order::Visits;
use super::tuple::{Asked, Tries};
use super::{Rule, Version};
use crate::rcu::{Domain, Guard, Link};

/// What the writer and the readers of one classifier share.
pub(super) struct Shared<R: Send + Sync + 'static> {
    pub(super) domain: Domain,
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
    /// # Panics
    /// If the guard belongs to another domain.
    pub fn lookup<'g>(
        &'g self,
        version: Version,
        key: &FlowKey,
        mask: Option<&mut FlowMask>,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        assert!(guard.is_of(&self.shared.domain), "a guard of another domain");
        match mask {
            None => self.find(version, key, guard),
            Some(mask) => self.find_and_mask(version, key, mask, guard),
        }
    }

    fn find<'g>(&'g self, version: Version, key: &FlowKey, guard: &'g Guard<'_>) -> Option<&'g Rule<R>> {
        let mut best: Option<&Rule<R>> = None;
        for visit in self.shared.visits.load(guard)? {
            if best.is_some_and(|rule| visit.priority <= rule.priority()) {
                break;
            }
            best = higher(best, visit.tuple.find(version, key, guard));
        }
        best
    }

    fn find_and_mask<'g>(
        &'g self,
        version: Version,
        key: &FlowKey,
        mask: &mut FlowMask,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        let mut asked = Asked::new(&self.shared.tries, key, guard);
        let mut best: Option<&Rule<R>> = None;
        for visit in self.shared.visits.load(guard)? {
            if best.is_some_and(|rule| visit.priority <= rule.priority()) {
                break;
            }
            best = higher(best, visit.tuple.find_and_mask(version, key, &mut asked, mask, guard));
        }
        best
    }
}

/// The second, if its priority is higher.
#[inline]
fn higher<'g, R>(best: Option<&'g Rule<R>>, found: Option<&'g Rule<R>>) -> Option<&'g Rule<R>> {
    match (best, found) {
        (Some(best), Some(found)) if found.priority() <= best.priority() => Some(best),
        (best, found) => found.or(best),
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
