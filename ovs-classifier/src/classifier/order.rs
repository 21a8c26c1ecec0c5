//! The order in which lookups visit tuples.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::tuple::Tuple;

/// The tuples as readers see them: by descending highest priority.
pub(crate) type Visits<R> = Box<[Visit<R>]>;

/// One tuple, and the highest priority of its rules.
pub(crate) struct Visit<R: Send + Sync + 'static> {
    pub(crate) priority: i32,
    pub(crate) tuple: Arc<Tuple<R>>,
}

impl<R: Send + Sync + 'static> Clone for Visit<R> {
    fn clone(&self) -> Self {
        Self { priority: self.priority, tuple: Arc::clone(&self.tuple) }
    }
}

/// The writer's copy, sorted when it is published: a stable sort, so of tuples with equal priority the
/// one that had it first goes first. A tuple that goes leaves its place to the last one, which so comes before
/// its equals: that is what the original's masks show.
pub(crate) struct Order<R: Send + Sync + 'static> {
    visits: Vec<Visit<R>>,
    changed: bool,
}

impl<R: Send + Sync + 'static> Order<R> {
    pub(crate) fn new() -> Self {
        Self { visits: Vec::new(), changed: false }
    }

    pub(crate) fn add(&mut self, tuple: &Arc<Tuple<R>>, priority: i32) {
        self.visits.push(Visit { priority, tuple: Arc::clone(tuple) });
        self.changed = true;
    }

    pub(crate) fn set_priority(&mut self, tuple: &Arc<Tuple<R>>, priority: i32) {
        if let Some(visit) = self.visits.iter_mut().find(|visit| Arc::ptr_eq(&visit.tuple, tuple)) {
            self.changed |= visit.priority != priority;
            visit.priority = priority;
        }
    }

    pub(crate) fn remove(&mut self, tuple: &Arc<Tuple<R>>) {
        if let Some(at) = self.visits.iter().position(|visit| Arc::ptr_eq(&visit.tuple, tuple)) {
            self.visits.swap_remove(at);
            self.changed = true;
        }
    }

    /// The order for readers, if it changed since the last call.
    pub(crate) fn publish(&mut self) -> Option<Visits<R>> {
        if !core::mem::take(&mut self.changed) {
            return None;
        }
        self.visits.sort_by_key(|visit| core::cmp::Reverse(visit.priority));
        Some(self.visits.clone().into_boxed_slice())
    }
}
