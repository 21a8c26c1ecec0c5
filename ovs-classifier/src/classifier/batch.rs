//! Lookups of several keys.
//!
//! Packets come in bursts of one flow, so a key that repeats the one before it has its answer. Of different keys,
//! the ways through the tries are gone side by side: a node leads to the next one, and so the memory of all keys is
//! waited for at once. What follows the tries is done for one key after the other: it does more than it waits, and what it
//! knows on its way would not fit into the nearest cache for several keys.

use core::array;
use core::ops::Range;

use ovs_flow::{FlowKey, FlowMask};

use super::lookup::Shared;
use super::search::{Best, Query, first};
use super::visit::Asked;
use super::{Rule, Version};
use crate::rcu::Guard;

/// Different keys that are looked up at once.
pub(super) const LANES: usize = 8;
/// Keys from which these are taken.
const SPAN: usize = 64;

impl<R: Send + Sync + 'static> Shared<R> {
    /// See [`super::ClassifierReader::lookup_batch`].
    pub(super) fn look_up_batch<'g>(
        &'g self,
        version: Version,
        keys: &[FlowKey],
        mut masks: Option<&mut [FlowMask]>,
        found: &mut [Option<&'g Rule<R>>],
        guard: &'g Guard<'_>,
    ) {
        let count = keys.len().min(found.len()).min(masks.as_deref().map_or(usize::MAX, <[_]>::len));
        let mut start = 0;
        while start < count {
            let (new, span) = span(&keys[..count], masks.as_deref(), start);
            start = span.end;
            let mut masks = masks.as_deref_mut().map(|masks| &mut masks[span.clone()]);
            let (keys, found) = (&keys[span.clone()], &mut found[span]);
            let queries = (0..keys.len()).filter(|at| new >> at & 1 == 1);
            let queries = queries.map(move |at| (at, Query { version, key: &keys[at], guard }));
            self.look_up_new(queries, masks.as_deref_mut(), found);
            for at in (1..keys.len()).filter(|at| new >> at & 1 == 0) {
                found[at] = found[at - 1];
                if let Some(masks) = masks.as_deref_mut() {
                    masks[at] = masks[at - 1];
                }
            }
        }
    }

    /// Answers at most [`LANES`] different questions, by the place of the answer.
    fn look_up_new<'k, 'g>(
        &'g self,
        mut queries: impl Iterator<Item = (usize, Query<'k, 'g>)>,
        mut masks: Option<&mut [FlowMask]>,
        found: &mut [Option<&'g Rule<R>>],
    ) {
        let queries: [_; LANES] = array::from_fn(|_| queries.next());
        let begun = queries.map(|query| self.begin(query?.1));
        let mut open: [Option<(usize, Query<'_, '_>, Asked<'_>)>; LANES] = [const { None }; LANES];
        for ((open, query), begun) in open.iter_mut().zip(queries).zip(begun) {
            let Some((at, query)) = query else { continue };
            let Some((rule, tuple)) = begun.and_then(|begun| first(query, begun)) else {
                *open = Some((at, query, Asked::new(&self.tries, query.key, query.guard)));
                continue;
            };
            found[at] = Some(rule);
            if let Some(masks) = masks.as_deref_mut() {
                tuple.fold_to(tuple.mask.words().len(), &mut masks[at]);
            }
        }
        Asked::ask_all(&mut open.each_mut().map(|open| open.as_mut().map(|(_, _, asked)| asked)));
        for (at, query, asked) in open.iter_mut().flatten() {
            let mut mask = masks.as_deref_mut().map(|masks| &mut masks[*at]);
            let mut best = Best::new(true);
            self.rest(*query, &mut best, asked, mask.as_deref_mut());
            found[*at] = self.conclude(best, *query, mask, None);
        }
    }
}

/// The keys from one on of which at most [`LANES`] are no repetition of the one before, and which these are, as bits.
fn span(keys: &[FlowKey], masks: Option<&[FlowMask]>, start: usize) -> (u64, Range<usize>) {
    let (mut new, mut end) = (1_u64, start + 1);
    while end < keys.len() && end - start < SPAN {
        let same = keys[end].words() == keys[end - 1].words()
            && masks.is_none_or(|masks| masks[end].words() == masks[end - 1].words());
        if !same {
            if new.count_ones() as usize == LANES {
                break;
            }
            new |= 1 << (end - start);
        }
        end += 1;
    }
    (new, start..end)
}
