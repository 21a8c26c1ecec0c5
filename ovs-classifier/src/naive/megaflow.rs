//! A megaflow index as a list.

use alloc::vec::Vec;

use ovs_flow::{FlowKey, Match};

/// All megaflows, searched one by one.
#[derive(Clone, Debug, Default)]
pub struct MegaflowIndex<H> {
    flows: Vec<(Match, H)>,
}

impl<H: Copy> MegaflowIndex<H> {
    /// An empty one.
    pub fn new() -> Self {
        Self { flows: Vec::new() }
    }

    /// Megaflows held.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Adds a megaflow, or gives one of the same match a new handle and returns the old.
    pub fn insert(&mut self, matching: &Match, handle: H) -> Option<H> {
        if let Some((_, old)) = self.flows.iter_mut().find(|(m, _)| m == matching) {
            return Some(core::mem::replace(old, handle));
        }
        self.flows.push((*matching, handle));
        None
    }

    /// Removes the megaflow of just this match.
    pub fn remove(&mut self, matching: &Match) -> Option<H> {
        let at = self.flows.iter().position(|(m, _)| m == matching)?;
        Some(self.flows.remove(at).1)
    }

    /// All megaflows that match a key.
    pub fn matching<'a>(&'a self, key: &'a FlowKey) -> impl Iterator<Item = H> + 'a {
        self.flows.iter().filter(|(m, _)| m.matches(key)).map(|(_, handle)| *handle)
    }
}
