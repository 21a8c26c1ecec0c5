//! Finding the rule: through the blocks in the order of visits, past all tuples that cannot have it.

use ovs_flow::FlowKey;

use super::block::{Block, Visit, Visits};
use super::conjunction::Soft;
use super::lookup::Shared;
use super::memo::Memo;
use super::tuple::Tuple;
use super::tuple_mask::hash_words;
use super::visit::Asked;
use super::{Rule, Version};
use crate::rcu::Guard;

/// One lookup's question.
#[derive(Clone, Copy)]
pub(super) struct Query<'k, 'g> {
    pub(super) version: Version,
    pub(super) key: &'k FlowKey,
    pub(super) guard: &'g Guard<'g>,
}

/// The best rule so far, and the clauses met on the way.
pub(super) struct Best<'g, R> {
    pub(super) rule: Option<&'g Rule<R>>,
    pub(super) soft: Soft<'g, R>,
    /// Whether clauses count.
    conjunctions: bool,
}

impl<'g, R> Best<'g, R> {
    pub(super) fn new(conjunctions: bool) -> Self {
        Self { rule: None, soft: Soft::new(), conjunctions }
    }

    /// Whether a rule of this priority comes before what is known.
    #[inline]
    pub(super) fn yields_to(&self, priority: i32) -> bool {
        self.rule.is_none_or(|rule| rule.priority() < priority)
    }

    /// Takes what a tuple has for the key.
    #[inline]
    pub(super) fn take(&mut self, found: Option<&'g Rule<R>>) {
        if let Some(rule) = found.filter(|rule| self.yields_to(rule.priority())) {
            if rule.clauses().is_empty() {
                self.rule = Some(rule);
            } else if self.conjunctions {
                self.soft.meet(rule);
            }
        }
    }
}

impl<R: Send + Sync + 'static> Shared<R> {
    /// The order of visits, and the hash of the key under the mask of the tuple that is visited first; begins to fetch
    /// what [`first`] reads.
    #[inline]
    pub(super) fn begin<'g>(&'g self, query: Query<'_, 'g>) -> Option<(&'g Visits<R>, u64)> {
        let blocks = self.visits.load(query.guard)?;
        let tuple = &blocks.first()?.visits.first()?.tuple;
        let hash = hash_words(tuple.mask.words(), query.key, self.hash, self.hash.start());
        let hash = self.hash.finish(hash);
        tuple.rules.prefetch(hash, query.guard);
        Some((blocks, hash))
    }

    /// The best rule, without a word on why.
    pub(super) fn search<'g>(&'g self, query: Query<'_, 'g>, best: &mut Best<'g, R>, asked: &mut Asked<'_>) {
        let Query { version, key, guard } = query;
        let mut memo = Memo::new(key, self.hash, guard);
        let Some(blocks) = self.visits.load(guard) else { return };
        for block in blocks {
            if !best.yields_to(block.top()) {
                return;
            }
            memo.forget();
            let mut left = possible(block, &mut memo, asked);
            memo.prepare(block, left);
            while left != 0 {
                let at = left.trailing_zeros() as usize;
                let visit = &block.visits[at];
                left &= left - 1;
                if !best.yields_to(visit.priority()) {
                    return;
                }
                let failing = visit.deep.map_or(0, |deep| memo.failing_deep(block, deep));
                left &= !failing;
                if failing >> at & 1 == 0 {
                    best.take(memo.find(visit, version, guard));
                }
            }
        }
    }
}

/// The tuples of a block that the first two stages and the tries leave.
#[inline]
fn possible<'a, R: Send + Sync + 'static>(
    block: &'a Block<R>,
    memo: &mut Memo<'a>,
    asked: &mut Asked<'_>,
) -> u64 {
    let mut left = block.all() & !memo.failing(block, 0) & !memo.failing(block, 1);
    for (trie, lengths) in &block.tries {
        if left & lengths.with != 0 {
            left &= !lengths.excluded(asked.answer(usize::from(*trie))).0;
        }
    }
    left
}

/// The rule in the tuple that is visited first, and that, if it ends the visits: then neither tries nor levels have
/// anything to say.
#[inline]
pub(super) fn first<'g, R: Send + Sync + 'static>(
    query: Query<'_, 'g>,
    (blocks, hash): (&'g Visits<R>, u64),
) -> Option<(&'g Rule<R>, &'g Tuple<R>)> {
    let block = blocks.first()?;
    let tuple = &*block.visits.first()?.tuple;
    let rule = tuple.find(hash, query.version, query.key, query.guard)?;
    let next = block.visits.get(1).map(Visit::priority).or_else(|| Some(blocks.get(1)?.top()));
    let ends = rule.clauses().is_empty() && next.is_none_or(|next| rule.priority() >= next);
    ends.then_some((rule, tuple))
}
