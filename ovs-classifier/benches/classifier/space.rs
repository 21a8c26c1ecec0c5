//! Tuple-space search as it is usually done: a hash table a mask, all of them probed in order of priority.

use std::collections::HashMap;

use ovs_flow::{FlowKey, Match};

/// The comparison's baseline.
#[derive(Default)]
pub struct TupleSpace {
    tuples: Vec<Tuple>,
    by_mask: HashMap<Vec<(usize, u64)>, usize>,
}

struct Tuple {
    words: Vec<(usize, u64)>,
    highest: i32,
    rules: HashMap<Vec<u64>, i32>,
}

impl TupleSpace {
    pub fn insert(&mut self, matching: &Match, priority: i32) {
        let words: Vec<(usize, u64)> =
            matching.mask.words().iter().copied().enumerate().filter(|(_, bits)| *bits != 0).collect();
        let at = *self.by_mask.entry(words.clone()).or_insert_with(|| {
            self.tuples.push(Tuple { words, highest: i32::MIN, rules: HashMap::new() });
            self.tuples.len() - 1
        });
        let tuple = &mut self.tuples[at];
        tuple.highest = tuple.highest.max(priority);
        let key = tuple.words.iter().map(|(at, _)| matching.key.words()[*at]).collect();
        let known = tuple.rules.entry(key).or_insert(priority);
        *known = (*known).max(priority);
    }

    /// To be called after the last insertion.
    pub fn sort(&mut self) {
        self.tuples.sort_by_key(|tuple| std::cmp::Reverse(tuple.highest));
    }

    pub fn lookup(&self, key: &FlowKey, scratch: &mut Vec<u64>) -> Option<i32> {
        let mut best = None;
        for tuple in &self.tuples {
            if best >= Some(tuple.highest) {
                break;
            }
            scratch.clear();
            scratch.extend(tuple.words.iter().map(|(at, bits)| key.words()[*at] & bits));
            best = best.max(tuple.rules.get(scratch.as_slice()).copied());
        }
        best
    }
}
