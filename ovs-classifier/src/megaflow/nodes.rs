//! The tree of segments under one port of entry.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ovs_flow::WORDS;

use super::filter::{ByteValues, Filter, bytes_of};
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
    /// What those hashes stand for, byte by byte.
    values: ByteValues,
    /// Masks that end here: 0 or 1.
    ends: u32,
    children: Vec<NodeId>,
    /// Of the children, when they are many.
    filter: Option<Filter>,
}

/// So many children are worth a filter; it goes when they are fewer than half.
const FILTERED: usize = 4;

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
        self.filter_new_child(of, id);
        id
    }

    /// Takes the child that came last into its node's filter, which is made if there is cause.
    fn filter_new_child(&mut self, of: NodeId, id: NodeId) {
        let node = &mut self.nodes[of as usize];
        let mut filter = node.filter.take();
        if filter.is_none() && node.children.len() >= FILTERED {
            let fresh = filter.insert(Filter::default());
            for child in &self.nodes[of as usize].children {
                let child = &self.nodes[*child as usize];
                fresh.push(&child.segment, &child.values);
            }
        } else if let Some(filter) = &mut filter {
            let child = &self.nodes[id as usize];
            filter.push(&child.segment, &child.values);
        }
        self.nodes[of as usize].filter = filter;
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
            self.remove_child(above, id);
            self.nodes[id as usize] = Node::default();
            self.free.push(id);
        }
    }

    fn remove_child(&mut self, of: NodeId, id: NodeId) {
        let Some(place) = self.place_of(of, id) else { return };
        let node = &mut self.nodes[of as usize];
        node.children.swap_remove(place);
        if let Some(filter) = &mut node.filter {
            filter.swap_remove(place);
        }
        if node.children.len() < FILTERED / 2 {
            node.filter = None;
        }
    }

    /// Notes that a node has its first, or lost its last, megaflow with these values in its segment.
    fn note_values(&mut self, above: NodeId, id: NodeId, word: impl Fn(usize) -> u64, added: bool) {
        let segment = core::mem::take(&mut self.nodes[id as usize].segment);
        let mut filter = self.nodes[above as usize].filter.take();
        let place = filter.as_ref().and_then(|_| self.place_of(above, id));
        for (byte, mask) in bytes_of(&segment) {
            let value = word(byte / 8).to_ne_bytes()[byte % 8] & mask;
            let values = &mut self.nodes[id as usize].values;
            let changed = if added { values.add(byte, value) } else { values.sub(byte, value) };
            if let (true, Some(filter), Some(place)) = (changed, &mut filter, place) {
                filter.set(place, byte, value, mask, added);
            }
        }
        self.nodes[above as usize].filter = filter;
        self.nodes[id as usize].segment = segment;
    }

    fn place_of(&self, of: NodeId, id: NodeId) -> Option<usize> {
        self.nodes[of as usize].children.iter().position(|child| *child == id)
    }

    /// Counts a megaflow in every node of a path, and chains it (number `id`) to those that end at the last with the
    /// same hash. Returns the one that was the first of these, or [`NONE`].
    pub(super) fn add_flow(
        &mut self,
        path: &[NodeId],
        id: u32,
        word: impl Fn(usize) -> u64,
        hash: WordHash,
    ) -> u32 {
        let (mut state, mut above, mut next) = (hash.start(), ROOT, NONE);
        for (depth, at) in path.iter().enumerate() {
            let node = &mut self.nodes[*at as usize];
            state = node.segment.iter().fold(state, |state, w| hash.add(state, word(w.at()) & w.bits));
            let spot = node.table.entry(hash.finish(state));
            spot.count += 1;
            if depth + 1 == path.len() {
                next = core::mem::replace(&mut spot.first, id);
            }
            if spot.count == 1 {
                self.note_values(above, *at, &word, true);
            }
            above = *at;
        }
        next
    }

    /// Undoes [`Tree::add_flow`] for a megaflow that is followed by `next` in its chain.
    pub(super) fn remove_flow(
        &mut self,
        path: &[NodeId],
        (id, next): (u32, u32),
        word: impl Fn(usize) -> u64,
        hash: WordHash,
    ) {
        let (mut state, mut above) = (hash.start(), ROOT);
        for (depth, at) in path.iter().enumerate() {
            let node = &mut self.nodes[*at as usize];
            state = node.segment.iter().fold(state, |state, w| hash.add(state, word(w.at()) & w.bits));
            let Some(spot) = node.table.get_mut(hash.finish(state)) else { return };
            spot.count -= 1;
            if depth + 1 == path.len() && spot.first == id {
                spot.first = next;
            }
            if spot.count == 0 {
                node.table.remove(hash.finish(state));
                self.note_values(above, *at, &word, false);
            }
            above = *at;
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
            let Node { children, filter, .. } = &self.nodes[at as usize];
            if let Some(filter) = filter {
                let mut places = filter.candidates(search.key);
                return places.find_map(|place| self.enter(children[place], state, search));
            }
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
