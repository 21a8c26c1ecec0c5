//! The tree of segments under one port of entry.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ovs_flow::WORDS;

use super::table::{NONE, Spot, Table};
use crate::classifier::tuple_mask::MaskWord;
use crate::hash::WordHash;

/// A node's number; 0 is the root.
pub(super) type NodeId = u32;

const ROOT: NodeId = 0;

/// All nodes of one tree.
pub(super) struct Tree {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
}

#[derive(Default)]
struct Node {
    /// The segment on the edge that leads here.
    segment: Box<[MaskWord]>,
    /// Of all megaflows below, by the hash of their values up to here. Not kept in the root.
    table: Table,
    /// Masks that end here: 0 or 1.
    ends: u32,
    children: Vec<NodeId>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: alloc::vec![Node::default()], free: Vec::new() }
    }

    /// The path of a mask with these segments, made where it is not there yet; the mask ends at its last.
    pub(super) fn add_path(&mut self, segments: Vec<Box<[MaskWord]>>) -> Box<[NodeId]> {
        let mut at = ROOT;
        let path: Box<[NodeId]> = segments
            .into_iter()
            .map(|segment| {
                at = self.child(at, &segment).unwrap_or_else(|| self.add_child(at, segment));
                at
            })
            .collect();
        self.nodes[at as usize].ends = 1;
        path
    }

    fn child(&self, of: NodeId, segment: &[MaskWord]) -> Option<NodeId> {
        let mut children = self.nodes[of as usize].children.iter();
        children.find(|child| *self.nodes[**child as usize].segment == *segment).copied()
    }

    fn add_child(&mut self, of: NodeId, segment: Box<[MaskWord]>) -> NodeId {
        let node = Node { segment, ..Node::default() };
        let id = if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            id
        } else {
            self.nodes.push(node);
            (self.nodes.len() - 1) as NodeId
        };
        self.nodes[of as usize].children.push(id);
        id
    }

    /// Takes a mask's path out as far as no other mask shares it.
    pub(super) fn remove_path(&mut self, path: &[NodeId]) {
        let Some(end) = path.last() else { return };
        self.nodes[*end as usize].ends = 0;
        for depth in (0..path.len()).rev() {
            let id = path[depth];
            let node = &self.nodes[id as usize];
            if node.ends > 0 || !node.children.is_empty() {
                return;
            }
            let above = if depth == 0 { ROOT } else { path[depth - 1] };
            self.nodes[above as usize].children.retain(|child| *child != id);
            self.nodes[id as usize] = Node::default();
            self.free.push(id);
        }
    }

    /// Calls `f` with each table along a path and the hash of a megaflow's values there.
    pub(super) fn for_path(
        &mut self,
        path: &[NodeId],
        word: impl Fn(usize) -> u64,
        hash: WordHash,
        mut f: impl FnMut(&mut Table, u64, bool),
    ) {
        let mut state = hash.start();
        for (depth, id) in path.iter().enumerate() {
            let node = &mut self.nodes[*id as usize];
            state = node.segment.iter().fold(state, |state, w| hash.add(state, word(w.at()) & w.bits));
            f(&mut node.table, hash.finish(state), depth + 1 == path.len());
        }
    }

    /// The spot at the end of a path.
    pub(super) fn spot(&self, path: &[NodeId], word: impl Fn(usize) -> u64, hash: WordHash) -> Option<&Spot> {
        let nodes = path.iter().map(|id| &self.nodes[*id as usize]);
        let words = nodes.flat_map(|node| node.segment.iter());
        let state = words.fold(hash.start(), |state, w| hash.add(state, word(w.at()) & w.bits));
        self.nodes[*path.last()? as usize].table.get(hash.finish(state))
    }

    /// What `accept` makes of the first megaflow that it takes, of those whose hash is right.
    #[inline]
    pub(super) fn search<F: FnMut(u32) -> Option<u32>>(&self, search: &mut Search<'_, F>) -> Option<u32> {
        self.below(ROOT, search.hash.start(), search)
    }

    fn below<F: FnMut(u32) -> Option<u32>>(
        &self,
        mut at: NodeId,
        mut state: u64,
        search: &mut Search<'_, F>,
    ) -> Option<u32> {
        loop {
            let children = &self.nodes[at as usize].children;
            let [only] = children[..] else {
                return children.iter().find_map(|child| self.enter(*child, state, search));
            };
            let node = &self.nodes[only as usize];
            if node.ends > 0 {
                return self.enter(only, state, search);
            }
            state = search.add(&node.segment, state);
            at = only;
        }
    }

    /// Looks into a node that may not have the key's bits.
    fn enter<F: FnMut(u32) -> Option<u32>>(
        &self,
        id: NodeId,
        state: u64,
        search: &mut Search<'_, F>,
    ) -> Option<u32> {
        let node = &self.nodes[id as usize];
        let state = search.add(&node.segment, state);
        search.probes += 1;
        let spot = node.table.get(search.hash.finish(state))?;
        let here = if spot.first == NONE { None } else { (search.accept)(spot.first) };
        if here.is_some() || node.children.is_empty() { here } else { self.below(id, state, search) }
    }
}

/// One search.
pub(super) struct Search<'a, F> {
    pub(super) key: &'a [u64; WORDS],
    pub(super) hash: WordHash,
    /// Tables looked into so far.
    pub(super) probes: u32,
    /// Which megaflow of those chained from this one on matches.
    pub(super) accept: F,
}

impl<F> Search<'_, F> {
    #[inline]
    fn add(&self, segment: &[MaskWord], state: u64) -> u64 {
        segment.iter().fold(state, |state, word| self.hash.add(state, self.key[word.at()] & word.bits))
    }
}
