//! Finding the rule and saying which bits decided: the definition of the mask, for 64 tuples at a time.
//!
//! Most tuples of a big table add nothing to the mask that others have not added: a trie excludes them by the
//! same bits, before the same words of the first two stages. So a block of tuples is first divided by words
//! of bits, into those that fail in the first stages, those that tries exclude, and the rest, which are few
//! and are visited one by one.
//!
//! The order of visits matters at one point. A trie may exclude a tuple by more bits than the tuple's own
//! prefix has only if the mask has these bits already, because of a tuple before. Until it has them, such
//! tuples are visited one by one, too; once the mask has a trie's bits, the order says nothing any more.

use alloc::boxed::Box;

use ovs_flow::FlowMask;

use super::block::{Block, Head, first};
use super::lookup::Shared;
use super::memo::Memo;
use super::search::{Best, Query};
use super::tuple_mask::fold;
use super::visit::{Asked, MAX_TRIES, visit};

impl<R: Send + Sync + 'static> Shared<R> {
    /// The best rule; `mask` gets the bits that decided.
    pub(super) fn search_and_mask<'g>(
        &'g self,
        query: Query<'_, 'g>,
        best: &mut Best<'g, R>,
        asked: &mut Asked<'_>,
        mask: &mut FlowMask,
    ) {
        let mut memo = Memo::new(query.key, self.hash, query.guard);
        let Some(blocks) = self.visits.load(query.guard) else { return };
        for block in blocks {
            if !best.yields_to(block.top()) {
                return;
            }
            if block.stepwise {
                self.mask_steps(block, query, best, asked, mask);
            } else {
                memo.forget();
                mask_block(block, query, best, asked, &mut memo, mask);
            }
        }
    }

    /// Visits each tuple.
    #[cold]
    fn mask_steps<'g>(
        &'g self,
        block: &'g Block<R>,
        query: Query<'_, 'g>,
        best: &mut Best<'g, R>,
        asked: &mut Asked<'_>,
        mask: &mut FlowMask,
    ) {
        for next in &block.visits {
            if !best.yields_to(next.priority()) {
                return;
            }
            best.take(visit(&next.tuple, query, self.hash, asked, mask));
        }
    }
}

/// Visits the tuples of a block, those that add nothing of their own all at once.
fn mask_block<'g: 'a, 'a, R: Send + Sync + 'static>(
    block: &'g Block<R>,
    query: Query<'_, 'g>,
    best: &mut Best<'g, R>,
    asked: &mut Asked<'_>,
    memo: &mut Memo<'a>,
    mask: &mut FlowMask,
) {
    let Query { version, key, guard } = query;
    let failing = [memo.failing(block, 0), memo.failing(block, 1)];
    let mut left = block.all() & !failing[0] & !failing[1];
    let mut fate = Fate::new(block, left, asked, mask);
    memo.prepare(block, left & !fate.any);
    let mut quiet = fate.quiet();
    let mut decided = 0;
    while left & !quiet != 0 {
        let at = (left & !quiet).trailing_zeros() as usize;
        let next = &block.visits[at];
        if !best.yields_to(next.priority()) {
            break;
        }
        left &= !(u64::MAX >> (63 - at));
        if fate.is_excluded(at) && fate.ends(at, asked, mask) {
            quiet = fate.quiet();
            continue;
        }
        // Tuples that look at the same bits of the network layer add the same: all that fail with this one are done.
        let same = match next.deep {
            _ if fate.is_excluded(at) => {
                Some(next.deep.map_or(0, |deep| block.deep[usize::from(deep)].tuples))
            }
            Some(deep) => Some(memo.failing_deep(block, deep)).filter(|failing| failing >> at & 1 == 1),
            None => None,
        };
        if let Some(same) = same {
            left &= !same;
            next.fold_network(mask);
        } else {
            let found = memo.find(next, version, guard);
            next.fold_network(mask);
            next.tuple.fold_last(usize::from(next.network_end), found.is_some(), key, mask, guard);
            if found.is_some() {
                best.take(found);
                decided = at + 1;
            }
        }
        if !fate.knows_all() && fate.learn(asked, mask) {
            quiet = fate.quiet();
        }
    }
    let visited = match best.rule {
        None => block.all(),
        Some(_) => first(decided.max(block.visits.partition_point(|v| best.yields_to(v.priority())))),
    };
    fold_heads(&block.heads, visited, failing[0], mask);
}

/// Adds the words of the first two stages that the visited tuples came to.
fn fold_heads(heads: &[Box<[Head]>; 2], visited: u64, failed: u64, mask: &mut FlowMask) {
    for (heads, visited) in heads.iter().zip([visited, visited & !failed]) {
        for head in heads.iter().filter(|head| head.tuples & visited != 0) {
            fold(mask, head.level.words());
        }
    }
}

/// How the tries stand to the tuples of one block.
struct Fate {
    /// By trie: whom it excludes, if its bits are in the mask.
    excluded: [u64; MAX_TRIES],
    /// And whom it excludes in any case.
    hard: [u64; MAX_TRIES],
    /// By trie: the mask has the bits that decide.
    known: u16,
    /// The tries that exclude anyone.
    tries: u16,
    /// Whom any of them excludes.
    any: u64,
}

impl Fate {
    /// Asks the tries in which some of the tuples in `left` have prefixes.
    fn new<R: Send + Sync + 'static>(
        block: &Block<R>,
        left: u64,
        asked: &mut Asked<'_>,
        mask: &FlowMask,
    ) -> Self {
        let mut fate = Self { excluded: [0; MAX_TRIES], hard: [0; MAX_TRIES], known: 0, tries: 0, any: 0 };
        for (trie, lengths) in &block.tries {
            let trie = usize::from(*trie);
            if lengths.with & left == 0 {
                continue;
            }
            let found = asked.answer(trie);
            (fate.excluded[trie], fate.hard[trie]) = lengths.excluded(found);
            if fate.excluded[trie] & left != 0 {
                fate.tries |= 1 << trie;
                fate.any |= fate.excluded[trie];
                fate.known |= u16::from(asked.has_prefix(trie, mask, found.bits)) << trie;
            }
        }
        fate
    }

    /// The tuples that add nothing but words of the first two stages: the first trie that excludes them adds no
    /// bits that the mask has not.
    fn quiet(&self) -> u64 {
        let (mut quiet, mut others) = (0, u64::MAX);
        for trie in each(self.tries) {
            if self.known >> trie & 1 == 1 {
                quiet |= self.excluded[trie] & others;
                others &= !self.excluded[trie];
            } else {
                others &= !self.hard[trie];
            }
        }
        quiet
    }

    /// Whether a trie ends the visit of a tuple; the mask gets the bits that say so.
    fn ends(&mut self, at: usize, asked: &mut Asked<'_>, mask: &mut FlowMask) -> bool {
        for trie in each(self.tries).filter(|trie| self.excluded[*trie] >> at & 1 == 1) {
            if self.known >> trie & 1 == 1 {
                return true;
            }
            if self.hard[trie] >> at & 1 == 1 {
                let bits = asked.answer(trie).bits;
                asked.add_prefix(trie, mask, bits);
                self.known |= 1 << trie;
                return true;
            }
        }
        false
    }

    /// Whether no rule of a tuple can match, whatever the mask has.
    #[inline]
    fn is_excluded(&self, at: usize) -> bool {
        self.any >> at & 1 == 1
    }

    /// Whether the mask has the bits of every trie that excludes anyone.
    #[inline]
    fn knows_all(&self) -> bool {
        self.tries & !self.known == 0
    }

    /// Looks which tries' bits have come into the mask. Says whether any have.
    fn learn(&mut self, asked: &mut Asked<'_>, mask: &FlowMask) -> bool {
        let before = self.known;
        for trie in each(self.tries & !before) {
            let bits = asked.answer(trie).bits;
            let has = asked.has_prefix(trie, mask, bits);
            self.known |= u16::from(has) << trie;
        }
        self.known != before
    }
}

/// The numbers of the bits that are set.
fn each(mut bits: u16) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let at = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(at)
    })
}
