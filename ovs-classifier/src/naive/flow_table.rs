//! A flow table as a list.

use alloc::vec::Vec;

use ovs_flow::{FlowKey, Match};

/// All flows, in order of insertion. `I` is the id that the fast table gave.
#[derive(Clone, Debug, Default)]
pub struct FlowTable<I, V> {
    flows: Vec<(I, Match, V)>,
}

impl<I: Copy + PartialEq, V> FlowTable<I, V> {
    /// An empty one.
    pub fn new() -> Self {
        Self { flows: Vec::new() }
    }

    /// All flows.
    pub fn flows(&self) -> &[(I, Match, V)] {
        &self.flows
    }

    /// Adds a flow; `false` if there is one of the same match.
    pub fn insert(&mut self, id: I, matching: &Match, value: V) -> bool {
        let fresh = self.find(matching).is_none();
        if fresh {
            self.flows.push((id, *matching, value));
        }
        fresh
    }

    /// Removes a flow. Says whether it was there.
    pub fn remove(&mut self, id: I) -> bool {
        let before = self.flows.len();
        self.flows.retain(|(i, _, _)| *i != id);
        self.flows.len() < before
    }

    /// The flow with an id.
    pub fn get(&self, id: I) -> Option<&V> {
        self.flows.iter().find(|(i, _, _)| *i == id).map(|(_, _, value)| value)
    }

    /// The flow of just this match.
    pub fn find(&self, matching: &Match) -> Option<I> {
        self.flows.iter().find(|(_, m, _)| m == matching).map(|(id, _, _)| *id)
    }

    /// The flows that match a key.
    pub fn matching<'a>(&'a self, key: &'a FlowKey) -> impl Iterator<Item = I> + 'a {
        self.flows.iter().filter(|(_, m, _)| m.matches(key)).map(|(id, _, _)| *id)
    }
}
