//! What one lookup knows of the levels of a block.

use ovs_flow::FlowKey;

use super::block::{BLOCK, Block, Visit};
use super::level::{Level, Seats};
use super::tuple_mask::hash_words;
use super::{Rule, Version};
use crate::hash::WordHash;
use crate::rcu::Guard;

/// As many heads of a stage as a lookup remembers.
pub(super) const HEADS: usize = 8;

/// What a lookup remembers of a level: that it was asked, its answer, and the hash of the words up to there.
type Answer<'a> = (Option<&'a Level>, Option<&'a Seats>, u64);

/// What one lookup knows of the levels of one block.
///
/// The hash of a rule's words goes on from that of the words up to the third stage, and this from that of the words
/// up to the second: what masks have in common is hashed once.
pub(super) struct Memo<'a> {
    key: &'a FlowKey,
    hash: WordHash,
    guard: &'a Guard<'a>,
    /// The levels of the third stage whose words were hashed, and the hashes.
    hashed: u64,
    states: [u64; BLOCK],
    /// Those of them that were asked, and what they said.
    known: u64,
    failing: [u64; BLOCK],
    /// Of the first two stages, the levels asked last: blocks have them in common.
    heads: [[Answer<'a>; HEADS]; 2],
}

impl<'a> Memo<'a> {
    #[inline]
    pub(super) fn new(key: &'a FlowKey, hash: WordHash, guard: &'a Guard<'a>) -> Self {
        Self {
            key,
            hash,
            guard,
            hashed: 0,
            states: [0; BLOCK],
            known: 0,
            failing: [0; BLOCK],
            heads: [[(None, None, 0); HEADS]; 2],
        }
    }

    /// Goes on to another block.
    #[inline]
    pub(super) fn forget(&mut self) {
        (self.hashed, self.known) = (0, 0);
    }

    /// The tuples of a block that have no rule which agrees with the key up to the first or second stage; both must
    /// be asked for before anything else of a block.
    #[inline]
    pub(super) fn failing<R: Send + Sync + 'static>(&mut self, block: &'a Block<R>, stage: usize) -> u64 {
        let mut failing = 0;
        for head in &block.heads[stage] {
            let known = &mut self.heads[stage][usize::from(head.slot()) % HEADS];
            if !known.0.is_some_and(|level| head.is_in(level)) {
                let state = hash_words(head.level.words(), self.key, self.hash, self.hash.start());
                let answer = head.level.agreeing(self.hash.finish(state), self.guard);
                *known = (Some(&head.level), answer, state);
            }
            failing |= head.failing(known.1, self.guard);
        }
        failing
    }

    /// The hash of the first words of a tuple's mask, and how many they are.
    #[inline]
    fn state<R: Send + Sync + 'static>(&self, visit: &Visit<R>) -> (u64, usize) {
        match visit.head {
            Some((stage, slot)) => {
                let (_, _, state) = self.heads[usize::from(stage) % 2][usize::from(slot) % HEADS];
                (state, usize::from(visit.head_end))
            }
            None => (self.hash.start(), 0),
        }
    }

    /// Prepares [`Memo::failing_deep`] for the levels of these tuples: what they will look at is fetched at once.
    #[inline(always)]
    pub(super) fn prepare<R: Send + Sync + 'static>(&mut self, block: &Block<R>, mut tuples: u64) {
        while tuples != 0 {
            let at = tuples.trailing_zeros() as usize;
            tuples &= tuples - 1;
            if let Some(deep) = block.visits[at].deep {
                let head = &block.deep[usize::from(deep)];
                tuples &= !head.tuples;
                head.level.prefetch(self.hash.finish(self.state_of(block, deep)), self.guard);
            }
        }
    }

    /// The hash of the words of a level of the third stage.
    #[inline(always)]
    fn state_of<R: Send + Sync + 'static>(&mut self, block: &Block<R>, number: u8) -> u64 {
        let at = usize::from(number) % BLOCK;
        if self.hashed >> at & 1 == 0 {
            self.hashed |= 1 << at;
            let head = &block.deep[at];
            let (state, words) = self.state(&block.visits[usize::from(head.first)]);
            self.states[at] = hash_words(&head.level.words()[words..], self.key, self.hash, state);
        }
        self.states[at]
    }

    /// The tuples of a level of a block's third stage that have no rule which agrees with the key up to there.
    #[inline(always)]
    pub(super) fn failing_deep<R: Send + Sync + 'static>(&mut self, block: &Block<R>, number: u8) -> u64 {
        let at = usize::from(number) % BLOCK;
        if self.known >> at & 1 == 0 {
            self.known |= 1 << at;
            let state = self.state_of(block, number);
            let head = &block.deep[at];
            self.failing[at] =
                head.failing(head.level.agreeing(self.hash.finish(state), self.guard), self.guard);
        }
        self.failing[at]
    }

    /// The rule of a tuple for the key, in a version; if the tuple has a level of the third stage, that was asked.
    #[inline(always)]
    pub(super) fn find<'g, R: Send + Sync + 'static>(
        &self,
        visit: &'g Visit<R>,
        version: Version,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        let (state, words) = match visit.deep {
            Some(deep) => (self.states[usize::from(deep) % BLOCK], usize::from(visit.network_end)),
            None => self.state(visit),
        };
        let state = hash_words(&visit.tuple.mask.words()[words..], self.key, self.hash, state);
        let hash = self.hash.finish(state);
        visit.tuple.rules.prefetch_slots(hash, guard);
        visit.tuple.find(hash, version, self.key, guard)
    }
}
