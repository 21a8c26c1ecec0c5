//! Looking up a batch of keys.
//!
//! A batch goes through its lookups step by step, all keys before the next step: take the words out and hash them; look
//! at the tags; guess which megaflow it is, by hashes and filters alone; compare with that. So the memory of all keys
//! is under way at once, and nobody waits for it alone. Where the guess was wrong, which is rare, a search that compares
//! with everything in question follows. In a small index, whose memory is near, tags and slots are not fetched ahead.

use core::borrow::Borrow;

use ovs_flow::{SparseKey, WordMap};

use super::crowd::GROUP;
use super::index::Ports;
use super::port::{Moves, Port};
use super::store::{Held, NONE, PortKey};
use super::table::Table;
use crate::arch::{Kernel, Vectors};

/// Keys that are looked up together.
pub(super) const BATCH: usize = 32;
/// Tables with more megaflows than this are taken to lie beyond the near caches.
const DEEP: usize = 16_384;

/// A batch on its way.
pub(super) struct Lookup<'a, H, K> {
    pub(super) ports: &'a Ports,
    pub(super) held: &'a Held<H>,
    pub(super) table: &'a Table,
    pub(super) factor: u64,
    /// At most [`BATCH`].
    pub(super) keys: &'a [K],
    /// Room for [`BATCH`] keys.
    pub(super) words: &'a mut [PortKey],
    /// The numbers of the megaflows found, or [`NONE`].
    pub(super) found: &'a mut [u32; BATCH],
}

/// What a batch has cost.
#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) hits: u64,
    pub(super) hit_steps: u64,
    pub(super) miss_steps: u64,
}

/// What the keys of a batch usually have in common: where they come from, and which words they hold.
struct Last<'a> {
    map: WordMap,
    in_port: u32,
    port: Option<&'a Port>,
    moves: Moves,
}

impl<H, K: Borrow<SparseKey>> Kernel for Lookup<'_, H, K> {
    type Output = Cost;

    #[inline(always)]
    fn run<V: Vectors>(mut self, _: V) -> Cost {
        let mut ports = [None; BATCH];
        let mut hashes = [([0_u32; GROUP], 0_usize); BATCH];
        let deep = self.keys.len() > 1 && self.table.len() > DEEP;
        let mut last = Last { map: [0; 2], in_port: 0, port: None, moves: Moves::NONE };
        for (at, key) in self.keys.iter().map(Borrow::borrow).enumerate().take(BATCH) {
            let in_port = Ports::of_key(key);
            if at == 0 || last.map != key.map() || last.in_port != in_port {
                (last.map, last.in_port, last.port) = (key.map(), in_port, self.ports.get(in_port));
                if let Some(port) = last.port {
                    port.moves(key, &mut last.moves);
                }
            }
            ports[at] = last.port;
            let Some(port) = last.port else { continue };
            last.moves.take(key, &mut self.words[at]);
            hashes[at] = port.first_hashes(&self.words[at], self.factor);
            if deep {
                let (hashes, count) = &hashes[at];
                for hash in hashes.iter().take(*count) {
                    self.table.prefetch_tags(*hash);
                }
            }
        }
        if deep {
            self.fetch_slots(&hashes);
        }
        let mut steps = [0; BATCH];
        let mut guesses = [None; BATCH];
        for at in 0..self.keys.len().min(BATCH) {
            let Some(port) = ports[at] else { continue };
            let tables = (None::<&Held<H>>, self.table, self.factor);
            guesses[at] = port.search(&self.words[at], &hashes[at].0, tables, &mut steps[at]);
            if let Some((id, mask)) = guesses[at] {
                self.held.prefetch(id, mask);
            }
        }
        let mut cost = Cost::default();
        for (at, key) in self.keys.iter().map(Borrow::borrow).enumerate().take(BATCH) {
            let mut found = None;
            if let (Some((id, _)), Some(port)) = (guesses[at], ports[at]) {
                steps[at] += 1;
                found = if self.held.matches(id, &self.words[at]) {
                    Some(id)
                } else {
                    let tables = (Some(self.held), self.table, self.factor);
                    port.search(&self.words[at], &hashes[at].0, tables, &mut steps[at]).map(|(id, _)| id)
                };
            }
            if found.is_none() && !self.ports.anywhere().masks.is_empty() {
                found = self.search_anywhere(at, key, &mut last.moves, &mut steps[at]);
            }
            self.found[at] = found.unwrap_or(NONE);
            cost.hits += u64::from(found.is_some());
            let sum = if found.is_some() { &mut cost.hit_steps } else { &mut cost.miss_steps };
            *sum += u64::from(steps[at]);
        }
        cost
    }
}

impl<H, K: Borrow<SparseKey>> Lookup<'_, H, K> {
    /// Searches among the megaflows whose mask does not have the whole port.
    #[inline(always)]
    fn search_anywhere(
        &mut self,
        at: usize,
        key: &SparseKey,
        moves: &mut Moves,
        steps: &mut u32,
    ) -> Option<u32> {
        let anywhere = self.ports.anywhere();
        let words = &mut self.words[at];
        anywhere.moves(key, moves);
        moves.take(key, words);
        let (first, _) = anywhere.first_hashes(words, self.factor);
        anywhere.search(words, &first, (Some(self.held), self.table, self.factor), steps).map(|(id, _)| id)
    }

    /// Fetches the slots of what has the tags of these hashes.
    #[inline(always)]
    fn fetch_slots(&self, hashes: &[([u32; GROUP], usize); BATCH]) {
        for (hashes, count) in hashes.iter().take(self.keys.len()) {
            if *count == 0 {
                continue;
            }
            let mut left = self.table.may_have_any(hashes, *count);
            while left != 0 {
                self.table.prefetch_slots(hashes[left.trailing_zeros() as usize % GROUP]);
                left &= left - 1;
            }
        }
    }
}
