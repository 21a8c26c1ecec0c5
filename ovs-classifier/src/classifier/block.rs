//! Up to 64 tuples that stand next to each other in the order of visits, arranged so that a lookup deals with
//! all of them by a few operations on 64-bit words: bit `i` is the block's tuple `i`.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::AtomicI32;

use ovs_flow::FlowMask;

use super::PrefixField;
use super::level::{Level, Seat, Seats};
use super::memo::HEADS;
use super::trie::Found;
use super::tuple::Tuple;
use super::tuple_mask::{MaskWord, fold};
use crate::rcu::Guard;
use crate::rcu::sync::Ordering;

/// As many tuples as a word has bits.
pub(super) const BLOCK: usize = 64;

/// The order of visits as lookups see it.
pub(super) type Visits<R> = Box<[Arc<Block<R>>]>;

/// Tuples in the order of visits; immutable but for priorities that change without changing the order.
pub(super) struct Block<R: Send + Sync + 'static> {
    pub(super) visits: Box<[Visit<R>]>,
    /// Of the tries in which tuples have prefixes: which tuples, by the prefix's length.
    pub(super) tries: Box<[(u8, ByLength)]>,
    /// The levels of the first two stages.
    pub(super) heads: [Box<[Head]>; 2],
    /// Those of the third stage, which are asked only for what tries and heads leave.
    pub(super) deep: Box<[Head]>,
    /// A trie can exclude some of the tuples before the third stage: all are visited step by step.
    pub(super) stepwise: bool,
}

/// Tuples by the length of their prefix in one field.
pub(super) struct ByLength {
    /// Those that have one.
    pub(super) with: u64,
    /// The lengths that some of them have, as in [`Found::lengths`].
    lengths: u128,
    /// By length, up to one more than there is, and at least to 64.
    exactly: Box<[u64]>,
    /// Those whose prefix is as long or longer.
    at_least: Box<[u64]>,
}

/// One tuple.
pub(super) struct Visit<R: Send + Sync + 'static> {
    /// The highest of its rules.
    priority: AtomicI32,
    pub(super) tuple: Arc<Tuple<R>>,
    /// The number of its level of the third stage.
    pub(super) deep: Option<u8>,
    /// How many words of the mask the first three stages have.
    pub(super) network_end: u8,
    /// Those of them that no head has, if they are few enough.
    network: Option<[MaskWord; NETWORK]>,
    /// The head whose words the mask begins with, by stage and place in the memo, and how many they are.
    pub(super) head: Option<(u8, u8)>,
    pub(super) head_end: u8,
}

/// A row of a level's seats, and which tuples of the block have one in it.
pub(super) struct Head {
    pub(super) level: Arc<Level>,
    row: u32,
    pub(super) tuples: u64,
    /// All their bits in the row.
    seats: u64,
    /// By bit in the row, the tuple.
    by_seat: [u8; BLOCK],
    /// The number of its first tuple.
    pub(super) first: u8,
}

impl<R: Send + Sync + 'static> Block<R> {
    /// A block of these tuples, with tries of so many fields.
    pub(super) fn new(visits: &[(i32, Arc<Tuple<R>>)], fields: &[PrefixField]) -> Self {
        let stepwise = visits.iter().any(|(_, tuple)| tuple.mask.has_early_tries());
        let mut visits: Box<[Visit<R>]> = visits
            .iter()
            .map(|(priority, tuple)| Visit {
                priority: AtomicI32::new(*priority),
                tuple: Arc::clone(tuple),
                deep: None,
                network_end: tuple.mask.network_end() as u8,
                network: network(tuple),
                head: None,
                head_end: 0,
            })
            .collect();
        let early = [heads(&visits, 0), heads(&visits, 1)];
        for (stage, heads) in (0..).zip(&early) {
            for head in heads {
                let slot = head.slot();
                for (at, visit) in visits.iter_mut().enumerate() {
                    if head.tuples >> at & 1 == 1 {
                        visit.head = Some((stage, slot));
                        visit.head_end = head.level.words().len() as u8;
                    } else if visit.head == Some((stage, slot))
                        && !visit.tuple.seat_of(stage.into()).is_some_and(|seat| head.is_in(&seat.level))
                    {
                        // The memo will have this head's level instead of that one.
                        (visit.head, visit.head_end) = (None, 0);
                    }
                }
            }
        }
        let deep = heads(&visits, 2);
        for (number, head) in (0..).zip(&deep) {
            for (at, visit) in visits.iter_mut().enumerate().filter(|(at, _)| head.tuples >> at & 1 == 1) {
                debug_assert!(visit.deep.is_none(), "tuple {at} has one seat a stage");
                visit.deep = Some(number);
            }
        }
        Self {
            tries: (0..)
                .zip(fields)
                .map(|(trie, field)| (trie, ByLength::new(&visits, trie.into(), field.bits())))
                .filter(|(_, lengths)| lengths.with != 0)
                .collect(),
            heads: early,
            deep,
            stepwise,
            visits,
        }
    }

    /// Whether it has just these tuples with these priorities.
    pub(super) fn is_of(&self, tuples: &[(i32, Arc<Tuple<R>>)]) -> bool {
        let same = |(visit, (priority, tuple)): (&Visit<R>, &(i32, Arc<Tuple<R>>))| {
            visit.priority() == *priority && Arc::ptr_eq(&visit.tuple, tuple)
        };
        self.visits.len() == tuples.len() && self.visits.iter().zip(tuples).all(same)
    }

    /// The highest priority of all.
    #[inline]
    pub(super) fn top(&self) -> i32 {
        self.visits.first().map_or(i32::MIN, Visit::priority)
    }

    /// All of its tuples.
    #[inline]
    pub(super) fn all(&self) -> u64 {
        first(self.visits.len())
    }
}

impl ByLength {
    fn new<R: Send + Sync + 'static>(visits: &[Visit<R>], trie: usize, bits: u8) -> Self {
        let mut exactly = vec![0; usize::from(bits.max(64)) + 1];
        for (at, visit) in visits.iter().enumerate() {
            exactly[usize::from(visit.tuple.mask.prefix_len(trie))] |= 1 << at;
        }
        exactly[0] = 0;
        let with = exactly.iter().fold(0, |with, tuples| with | tuples);
        let used = (0..).zip(&exactly[1..]).filter(|(_, tuples)| **tuples != 0);
        let lengths = used.fold(0, |lengths, (bit, _)| lengths | 1 << bit);
        let mut at_least = exactly.clone();
        for len in (1..at_least.len()).rev() {
            at_least[len - 1] |= at_least[len];
        }
        Self { with, lengths, exactly: exactly.into(), at_least: at_least.into() }
    }

    /// The tuples that have a prefix of the field, but none of the lengths that were found; and those of them
    /// whose prefix has as many bits as decide that.
    #[inline]
    pub(super) fn excluded(&self, found: Found) -> (u64, u64) {
        if found == Found::ANY {
            return (0, 0);
        }
        let lengths = found.lengths & self.lengths;
        let mut left = self.with & !self.of_lengths(lengths as u64, 0);
        if lengths >> 64 != 0 {
            left &= !self.of_lengths((lengths >> 64) as u64, 64);
        }
        (left, left & self.at_least.get(usize::from(found.bits)).copied().unwrap_or(0))
    }

    /// The tuples with any of these lengths, which stand behind `base`. Four at a time: few packets have more, and how
    /// many they have is nothing that could be foreseen.
    #[inline]
    fn of_lengths(&self, mut lengths: u64, base: usize) -> u64 {
        let mut tuples = 0;
        loop {
            for _ in 0..4 {
                let len = if lengths == 0 { 0 } else { base + lengths.trailing_zeros() as usize + 1 };
                tuples |= self.exactly[len];
                lengths &= lengths.wrapping_sub(1);
            }
            if lengths == 0 {
                return tuples;
            }
        }
    }
}

impl<R: Send + Sync + 'static> Visit<R> {
    #[inline]
    pub(super) fn priority(&self) -> i32 {
        self.priority.load(Ordering::Relaxed)
    }

    pub(super) fn set_priority(&self, priority: i32) {
        self.priority.store(priority, Ordering::Relaxed);
    }

    /// Adds the words up to the end of the third stage to a mask, but perhaps those of heads.
    #[inline]
    pub(super) fn fold_network(&self, mask: &mut FlowMask) {
        match &self.network {
            Some(words) => fold(mask, words),
            None => self.tuple.fold_to(usize::from(self.network_end), mask),
        }
    }
}

/// As many words as a visit has at hand: those of IPv4 addresses and of what stands beside the protocol.
const NETWORK: usize = 2;

/// The words up to the end of the third stage that no head of the first two has.
fn network<R: Send + Sync + 'static>(tuple: &Tuple<R>) -> Option<[MaskWord; NETWORK]> {
    let seated = tuple.mask.stages().iter().zip(&tuple.seats).filter(|(stage, _)| stage.number < 2);
    let start = seated.map(|(stage, _)| stage.words.end).next_back().unwrap_or(0);
    let words = &tuple.mask.words()[start..tuple.mask.network_end()];
    (words.len() <= NETWORK)
        .then(|| core::array::from_fn(|at| words.get(at).copied().unwrap_or(MaskWord::NONE)))
}

impl Head {
    fn new(seat: &Seat) -> Self {
        let (level, row) = (Arc::clone(&seat.level), seat.row());
        Self { level, row, tuples: 0, seats: 0, by_seat: [0; BLOCK], first: 0 }
    }

    /// Adds a tuple, by its number and its seat.
    fn add(&mut self, at: usize, seat: &Seat) {
        self.tuples |= 1 << at;
        self.seats |= seat.bit();
        self.by_seat[seat.bit().trailing_zeros() as usize % BLOCK] = at as u8;
        self.first = self.tuples.trailing_zeros() as u8 % BLOCK as u8;
    }

    #[inline]
    pub(super) fn is_in(&self, level: &Level) -> bool {
        core::ptr::eq(Arc::as_ptr(&self.level), level)
    }

    /// Where a lookup remembers the level.
    #[inline]
    pub(super) fn slot(&self) -> u8 {
        self.level.number() % HEADS as u8
    }

    /// The tuples that have a seat here but are not among those that agree with the key.
    #[inline]
    pub(super) fn failing(&self, agreeing: Option<&Seats>, guard: &Guard<'_>) -> u64 {
        let mut agreeing = agreeing.map_or(0, |seats| seats.row(self.row, guard)) & self.seats;
        if agreeing == self.seats {
            return 0;
        }
        let mut failing = self.tuples;
        while agreeing != 0 {
            failing &= !(1 << (self.by_seat[agreeing.trailing_zeros() as usize % BLOCK] % BLOCK as u8));
            agreeing &= agreeing - 1;
        }
        failing
    }
}

/// The first `count` of a block's tuples.
#[inline]
pub(super) fn first(count: usize) -> u64 {
    if count == 0 { 0 } else { u64::MAX >> (BLOCK - count.min(BLOCK)) }
}

fn heads<R: Send + Sync + 'static>(visits: &[Visit<R>], stage: usize) -> Box<[Head]> {
    let mut heads: Vec<Head> = Vec::new();
    for (at, visit) in visits.iter().enumerate() {
        let Some(seat) = visit.tuple.seat_of(stage) else { continue };
        let same = |head: &&mut Head| head.is_in(&seat.level) && head.row == seat.row();
        if let Some(head) = heads.iter_mut().find(same) {
            head.add(at, seat);
        } else {
            let mut head = Head::new(seat);
            head.add(at, seat);
            heads.push(head);
        }
    }
    heads.sort_by(|a, b| a.level.words().cmp(b.level.words()));
    heads.into()
}
