//! All rules with one mask.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use ovs_flow::{FlowKey, FlowMask};

use super::fields::{ports, prefix_bits};
use super::level::{Levels, Seat};
use super::slots::SlotMap;
use super::trie::Trie;
use super::tuple_mask::{Stage, TupleMask, fold};
use super::{Rule, Version};
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard, Link};

/// The rules of one mask.
pub(crate) struct Tuple<R: Send + Sync + 'static> {
    pub(crate) mask: Arc<TupleMask>,
    /// Counts the classifier's tuples.
    pub(crate) number: u64,
    hash: WordHash,
    /// By match: the chain of its rules, highest priority first.
    pub(crate) rules: SlotMap<Link<Rule<R>>>,
    /// For each stage but the last, the place among tuples whose masks are the same up to there.
    pub(crate) seats: Box<[Seat]>,
    ports: Trie<u32>,
    /// Where the writer's order has it.
    place: AtomicUsize,
}

impl<R: Send + Sync + 'static> Tuple<R> {
    pub(crate) fn new(mask: Arc<TupleMask>, number: u64, hash: WordHash, levels: &mut Levels) -> Self {
        let before = mask.stages().split_last().map_or(&[][..], |(_, before)| before);
        let seat = |stage: &Stage| levels.take_seat(&mask.words()[..stage.words.end], stage.number);
        let seats = before.iter().map(seat).collect();
        Self {
            mask,
            number,
            hash,
            rules: SlotMap::new(),
            seats,
            ports: Trie::new(),
            place: AtomicUsize::new(0),
        }
    }

    /// Its place in the writer's order.
    pub(crate) fn place(&self) -> usize {
        self.place.load(Ordering::Relaxed)
    }

    pub(crate) fn set_place(&self, place: usize) {
        self.place.store(place, Ordering::Relaxed);
    }

    /// The seat in the level of a stage, unless the mask has nothing there or ends there.
    pub(crate) fn seat_of(&self, number: usize) -> Option<&Seat> {
        self.mask
            .stages()
            .iter()
            .zip(&self.seats)
            .find(|(stage, _)| stage.number == number)
            .map(|(_, seat)| seat)
    }

    /// The rule for a key in a version; `hash` is that of the key under the mask.
    #[inline(always)]
    pub(crate) fn find<'g>(
        &'g self,
        hash: u64,
        version: Version,
        key: &FlowKey,
        guard: &'g Guard<'_>,
    ) -> Option<&'g Rule<R>> {
        let matching = |rule: &&Rule<R>| rule.hash == hash && rule.matches(key);
        let rule = self.rules.find(hash, guard, |link| link.load(guard).filter(matching))?;
        if rule.visible_in(version) { Some(rule) } else { rule.lower(version, guard) }
    }

    /// Begins to fetch what [`Tuple::head_of`] and [`Tuple::register`] touch for a match with this hash and these values.
    pub(crate) fn fetch(&self, hash: u64, values: &[u64], guard: &Guard<'_>) {
        self.rules.prefetch(hash, guard);
        self.rules.prefetch_slots(hash, guard);
        for (seat, hash) in self.seats.iter().zip(self.mask.stage_hashes(values, self.hash)) {
            seat.level.prefetch(hash, guard);
        }
    }

    /// The link to the head of the chain of rules with these values.
    pub(crate) fn head_of<'g>(
        &'g self,
        hash: u64,
        values: &[u64],
        guard: &'g Guard<'_>,
    ) -> Option<&'g Link<Rule<R>>> {
        let same = |rule: &Rule<R>| rule.hash == hash && rule.values() == values;
        self.rules.find(hash, guard, |link| link.load(guard).is_some_and(same).then_some(link))
    }

    /// Adds the mask's words up to the end of a stage.
    #[inline]
    pub(crate) fn fold_to(&self, end: usize, mask: &mut FlowMask) {
        fold(mask, &self.mask.words()[..end]);
    }

    /// What a lookup that came to the last stage adds to the mask beside the first `from` words: all others; but if it
    /// found no rule, of the ports only what tells the key's from those of all rules.
    #[inline]
    pub(crate) fn fold_last(
        &self,
        from: usize,
        found: bool,
        key: &FlowKey,
        mask: &mut FlowMask,
        guard: &Guard<'_>,
    ) {
        let before = mask.words()[ports::WORD];
        fold(mask, &self.mask.words()[from..]);
        let ports = self.mask.ports();
        if !found && ports & !ports::of_word(before) != 0 {
            let told = self.ports.lookup(ports::value(key) & ports, guard);
            let word = &mut mask.words_mut()[ports::WORD];
            *word = (*word & !ports::word_bits()) | (before & ports::word_bits());
            ports::add(mask, ports & (prefix_bits(told.bits) >> 96) as u32);
        }
    }

    /// Registers a match of which this is the first rule, so that lookups can come to it, but for its prefixes; or, if it
    /// is not `present` any more, undoes that.
    pub(crate) fn register(
        &self,
        rule: &Rule<R>,
        present: bool,
        levels: &mut Levels,
        guard: &Guard<'_>,
        domain: &Domain,
    ) {
        if self.mask.ports() != 0 {
            let (ports, len) = (self.ports_of(rule), self.mask.ports_len());
            let key = self.hash.add(self.hash.add(self.hash.start(), self.number), ports.into());
            let key = self.hash.finish(key);
            if present {
                levels.ports.enter(key, 0, 1, || self.ports.insert(ports, len, guard, domain));
            } else if !levels.ports.take(key, 0) {
                self.ports.remove(ports, len, guard, domain);
            }
        }
        for (seat, hash) in self.seats.iter().zip(self.mask.stage_hashes(rule.values(), self.hash)) {
            if present {
                levels.add(seat, hash, guard, domain);
            } else {
                levels.remove(seat, hash, guard, domain);
            }
        }
    }

    fn ports_of(&self, rule: &Rule<R>) -> u32 {
        let words = self.mask.words().iter().zip(rule.values());
        words.filter(|(word, _)| word.at() == ports::WORD).map(|(_, value)| ports::of_word(*value)).sum()
    }
}
