//! The order in which lookups visit tuples.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::PrefixField;
use super::block::{BLOCK, Block, Visits};
use super::tuple::Tuple;

/// The writer's list of tuples, sorted when it is published: a stable sort, so of tuples with equal priority the
/// one that had it first goes first. A tuple that goes leaves its place to the last one, which so comes before
/// its equals: that is what the original's masks show.
///
/// Publishing costs a pass over the list, and a new block for each 64 tuples that are not what they were; a
/// change of priority that leaves the order as it is costs neither.
pub(crate) struct Order<R: Send + Sync + 'static> {
    tuples: Vec<(i32, Arc<Tuple<R>>)>,
    fields: Vec<PrefixField>,
    /// As published, with the tuples in them.
    blocks: Vec<Arc<Block<R>>>,
    changed: bool,
}

impl<R: Send + Sync + 'static> Order<R> {
    pub(crate) fn new(fields: Vec<PrefixField>) -> Self {
        Self { tuples: Vec::new(), fields, blocks: Vec::new(), changed: false }
    }

    pub(crate) fn add(&mut self, tuple: &Arc<Tuple<R>>, priority: i32) {
        tuple.set_place(self.tuples.len());
        self.tuples.push((priority, Arc::clone(tuple)));
        self.changed = true;
    }

    pub(crate) fn set_priority(&mut self, tuple: &Tuple<R>, priority: i32) {
        let at = tuple.place();
        let before = at.checked_sub(1).and_then(|at| self.tuples.get(at)).map(|(priority, _)| *priority);
        let after = self.tuples.get(at + 1).map(|(priority, _)| *priority);
        let Some((mine, _)) = self.tuples.get_mut(at) else { return };
        *mine = priority;
        self.changed |=
            before.is_some_and(|before| before < priority) || after.is_some_and(|after| after > priority);
        if !self.changed
            && let Some(block) = self.blocks.get(at / BLOCK)
        {
            block.visits[at % BLOCK].set_priority(priority);
        }
    }

    pub(crate) fn remove(&mut self, tuple: &Tuple<R>) {
        self.tuples.swap_remove(tuple.place());
        if let Some((_, moved)) = self.tuples.get(tuple.place()) {
            moved.set_place(tuple.place());
        }
        self.changed = true;
    }

    /// The order for readers, if it changed since the last call.
    pub(crate) fn publish(&mut self) -> Option<Visits<R>> {
        if !core::mem::take(&mut self.changed) {
            return None;
        }
        self.tuples.sort_by_key(|(priority, _)| core::cmp::Reverse(*priority));
        for (place, (_, tuple)) in self.tuples.iter().enumerate() {
            tuple.set_place(place);
        }
        let old = core::mem::take(&mut self.blocks);
        for (at, tuples) in self.tuples.chunks(BLOCK).enumerate() {
            let same = old.get(at).filter(|block| block.is_of(tuples));
            let block = same.map_or_else(|| Arc::new(Block::new(tuples, &self.fields)), Arc::clone);
            self.blocks.push(block);
        }
        Some(Box::from(self.blocks.as_slice()))
    }
}
