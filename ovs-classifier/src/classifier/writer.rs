//! Changing the table.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ovs_flow::Match;

use super::chain::{Chains, present};
use super::conjunction::check;
use super::level::Levels;
use super::lookup::Shared;
use super::order::Order;
use super::prefixes::Prefixes;
use super::roll::Roll;
use super::rule::Body;
use super::tuple::Tuple;
use super::tuple_mask::{MaskWord, TupleMask, hash_of, hash_values, words_of};
use super::visit::FieldTrie;
use super::{ClassifierConfig, ClassifierError, ClassifierReader, Clause, Rule, RuleRef, Version};
use crate::arch::{prefetch, prefetch_rest};
use crate::hash::WordHash;
use crate::rcu::{Domain, Link, Reader};

/// The one that changes a classifier's rules.
///
/// Changes are made for a version that readers do not use yet; they become visible when readers are told
/// to use it; the versions that changes are made for never go back. What is removed stays in memory, for
/// readers of older versions, until [`ClassifierWriter::gc`].
pub struct ClassifierWriter<R: Send + Sync + 'static> {
    config: ClassifierConfig,
    pub(super) shared: Arc<Shared<R>>,
    /// For the writer's own steps along links.
    pub(super) own: Reader,
    /// By hash of the mask; of equal hashes, any order.
    pub(super) tuples: BTreeMap<u64, Vec<Group<R>>>,
    masks: usize,
    levels: Levels,
    prefixes: Prefixes,
    order: Order<R>,
    pub(super) chains: Chains<R>,
    deferred: bool,
    pub(super) roll: Roll<R>,
    next_serial: u64,
    next_tuple: u64,
    /// Removed for a version, in the order of removal.
    removed: VecDeque<RuleRef<R>>,
    pub(super) scratch: Vec<MaskWord>,
}

/// As many rules as [`ClassifierWriter::gc`] looks ahead, and where it looks for what they lead to.
const AHEAD: usize = 8;
const NEAR: usize = 3;

/// A tuple, and how many of its rules have which priority.
pub(super) struct Group<R: Send + Sync + 'static> {
    pub(super) tuple: Arc<Tuple<R>>,
    pub(super) priorities: BTreeMap<i32, u32>,
}

/// What an insertion did.
#[derive(Debug)]
pub struct Inserted<R> {
    /// The new rule.
    pub rule: RuleRef<R>,
    /// The rule of the same match and priority that it removed for the same version.
    pub replaced: Option<RuleRef<R>>,
}

impl<R: Send + Sync + 'static> ClassifierWriter<R> {
    /// An empty classifier whose readers enter `domain`.
    pub fn new(domain: &Domain, config: ClassifierConfig) -> Self {
        let fields = config.fields();
        let tries = fields.iter().map(|field| (*field, FieldTrie::new(*field))).collect();
        let hash = WordHash::new(config.seed);
        Self {
            shared: Arc::new(Shared { domain: domain.clone(), hash, tries, visits: Link::new(None) }),
            own: domain.reader(),
            tuples: BTreeMap::new(),
            masks: 0,
            levels: Levels::new(),
            prefixes: Prefixes::new(hash),
            order: Order::new(fields),
            chains: Chains::new(),
            deferred: false,
            roll: Roll::new(),
            next_serial: 0,
            next_tuple: 0,
            removed: VecDeque::new(),
            scratch: Vec::new(),
            config,
        }
    }

    /// A handle for lookups.
    pub fn reader(&self) -> ClassifierReader<R> {
        ClassifierReader { shared: Arc::clone(&self.shared) }
    }

    /// Rules held, those that wait for [`ClassifierWriter::gc`] included.
    pub fn len(&self) -> usize {
        self.roll.len()
    }

    /// Whether no rule is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Different masks.
    pub fn masks(&self) -> usize {
        self.masks
    }

    /// Removed rules that wait for [`ClassifierWriter::gc`].
    pub fn waiting(&self) -> usize {
        self.removed.len()
    }

    /// The version for which the last of these was removed.
    pub fn last_removed(&self) -> Option<Version> {
        self.removed.back().map(|rule| rule.removed_in())
    }

    /// Adds a rule from `version` on; a rule of the same match and priority that is there is removed for the
    /// same version.
    ///
    /// # Errors
    /// The limits of the configuration, by name; nothing has changed then.
    pub fn insert(
        &mut self,
        matching: &Match,
        priority: i32,
        value: R,
        version: Version,
    ) -> Result<Inserted<R>, ClassifierError> {
        self.insert_clauses(matching, priority, Box::default(), value, version)
    }

    /// [`ClassifierWriter::insert`] for a rule that is no result but, if there are `clauses`, part of conjunctions.
    ///
    /// # Errors
    /// Those of [`ClassifierWriter::insert`], and clauses that no conjunction can have.
    pub fn insert_clauses(
        &mut self,
        matching: &Match,
        priority: i32,
        clauses: Box<[Clause]>,
        value: R,
        version: Version,
    ) -> Result<Inserted<R>, ClassifierError> {
        if self.roll.len() >= self.config.max_rules || self.roll.is_full() {
            return Err(ClassifierError::TooManyRules { limit: self.config.max_rules });
        }
        check(&clauses, &self.config)?;
        let tuple = self.tuple_for(matching, priority)?;
        let values = tuple.mask.values(&matching.key);
        let hash = hash_values(&values, self.shared.hash);
        let mask = Arc::clone(&tuple.mask);
        let serial = self.next_serial;
        self.next_serial += 1;
        let body = Body { mask, values, hash, serial, priority, added: version, clauses, value };
        let (rule, replaced) = self.link(&tuple, body);
        self.roll.push(Arc::clone(&rule));
        if let Some(old) = &replaced {
            old.set_removed(version);
            self.removed.push_back(Arc::clone(old));
        }
        if !self.deferred {
            self.publish();
        } else if self.prefixes.is_full() {
            self.settle();
        }
        Ok(Inserted { rule, replaced })
    }

    /// The tuple for a match's mask, counting one rule of `priority` more.
    fn tuple_for(&mut self, matching: &Match, priority: i32) -> Result<Arc<Tuple<R>>, ClassifierError> {
        words_of(&matching.mask, &mut self.scratch);
        let words = &*self.scratch;
        let hash = hash_of(words, self.shared.hash);
        let groups = self.tuples.get_mut(&hash).map_or(&mut [][..], |groups| groups);
        if let Some(group) = groups.iter_mut().find(|group| group.tuple.mask.words() == words) {
            let highest = group.highest();
            *group.priorities.entry(priority).or_insert(0) += 1;
            if Some(priority) > highest {
                self.order.set_priority(&group.tuple, priority);
            }
            return Ok(Arc::clone(&group.tuple));
        }
        if self.masks >= self.config.max_masks {
            return Err(ClassifierError::TooManyMasks { limit: self.config.max_masks });
        }
        let mask = TupleMask::new(words, hash, &self.config.fields());
        let limit = self.config.max_trie_depth;
        if let Some(len) = mask.longest_prefix().filter(|len| *len > limit) {
            return Err(ClassifierError::TrieTooDeep { len, limit });
        }
        let tuple = Tuple::new(Arc::new(mask), self.next_tuple, self.shared.hash, &mut self.levels);
        let tuple = Arc::new(tuple);
        self.next_tuple += 1;
        self.masks += 1;
        self.order.add(&tuple, priority);
        let group = Group { tuple: Arc::clone(&tuple), priorities: BTreeMap::from([(priority, 1)]) };
        self.tuples.entry(hash).or_default().push(group);
        Ok(tuple)
    }

    /// Puts a rule into its tuple's structures; returns it, and the present one of its match and priority.
    fn link(&mut self, tuple: &Tuple<R>, body: Body<R>) -> (RuleRef<R>, Option<RuleRef<R>>) {
        let Shared { domain, tries, .. } = &*self.shared;
        let guard = self.own.enter();
        tuple.fetch(body.hash, &body.values, &guard);
        let Some(head) = tuple.head_of(body.hash, &body.values, &guard) else {
            let rule = Arc::new(Rule::new(body, None));
            self.prefixes.add(&rule, true, tries);
            tuple.register(&rule, true, &mut self.levels, &guard, domain);
            let fill = |link: &Link<Rule<R>>| link.replace(Some(Arc::clone(&rule)), domain);
            tuple.rules.insert(rule.hash, &guard, domain, fill);
            return (rule, None);
        };
        let priority = body.priority;
        let (rule, replaced) = self.chains.seek(tuple, head, priority, &guard, |link| {
            let replaced = present(link, priority, &guard);
            let rule = Arc::new(Rule::new(body, link.load_arc(&guard)));
            link.replace(Some(Arc::clone(&rule)), domain);
            (rule, replaced)
        });
        self.chains.added(tuple, head, &rule, &guard);
        (rule, replaced)
    }

    /// Removes a rule from `version` on. Says whether it was there: `false` if it is removed already.
    pub fn remove_at(&mut self, rule: &RuleRef<R>, version: Version) -> bool {
        if rule.removed_in() != Version::NEVER || !self.roll.contains(rule) {
            return false;
        }
        rule.set_removed(version);
        self.removed.push_back(Arc::clone(rule));
        true
    }

    /// Takes back a removal whose version no reader has used yet. Says whether it was removed.
    pub fn restore(&mut self, rule: &RuleRef<R>) -> bool {
        let found = self.take_from_removed(rule);
        if found {
            rule.set_removed(Version::NEVER);
        }
        found
    }

    /// Looks from the end, where a change that is taken back has just put it.
    fn take_from_removed(&mut self, rule: &RuleRef<R>) -> bool {
        let at = self.removed.iter().rposition(|removed| Arc::ptr_eq(removed, rule));
        at.and_then(|at| self.removed.remove(at)).is_some()
    }

    /// Takes a rule out at once, for every version: one whose version no reader has used yet. Says whether
    /// it was there.
    pub fn discard(&mut self, rule: &RuleRef<R>) -> bool {
        if !self.roll.contains(rule) {
            return false;
        }
        if rule.removed_in() == Version::NEVER {
            rule.set_removed(Version::MIN);
        } else {
            self.take_from_removed(rule);
        }
        self.unlink(rule);
        if !self.deferred {
            self.publish();
        }
        true
    }

    /// Takes out what was removed for `oldest` or an earlier version, when `oldest` is the oldest version that
    /// any reader still uses. Says how many rules went.
    pub fn gc(&mut self, oldest: Version) -> usize {
        self.gc_some(oldest, usize::MAX)
    }

    /// As [`ClassifierWriter::gc`], but takes out `max` rules at most, those removed first: for who has other things to do,
    /// too.
    pub fn gc_some(&mut self, oldest: Version, max: usize) -> usize {
        let mut gone = 0;
        while gone < max
            && let Some(rule) = self.removed.pop_front_if(|rule| rule.removed_in() <= oldest)
        {
            if let Some(later) = self.removed.get(AHEAD) {
                prefetch(&**later);
                prefetch_rest(&**later);
            }
            if let Some(later) = self.removed.get(NEAR)
                && let Some(groups) = self.tuples.get(&later.mask.hash())
                && let Some(group) = groups.iter().find(|group| Arc::ptr_eq(&group.tuple.mask, &later.mask))
            {
                group.tuple.fetch(later.hash, later.values(), &self.own.enter());
            }
            self.unlink(&rule);
            gone += 1;
        }
        if !self.deferred {
            self.publish();
        }
        gone
    }

    /// Takes a rule out of all structures.
    fn unlink(&mut self, rule: &RuleRef<R>) {
        self.roll.remove(rule);
        let hash = rule.mask.hash();
        let Some(groups) = self.tuples.get_mut(&hash) else { return };
        let Some(at) = groups.iter().position(|group| Arc::ptr_eq(&group.tuple.mask, &rule.mask)) else {
            return;
        };
        let group = &mut groups[at];
        let highest = group.highest();
        if let Some(count) = group.priorities.get_mut(&rule.priority) {
            *count -= 1;
            if *count == 0 {
                group.priorities.remove(&rule.priority);
            }
        }
        let Shared { domain, tries, .. } = &*self.shared;
        let guard = self.own.enter();
        let tuple = &group.tuple;
        if let Some(head) = tuple.head_of(rule.hash, rule.values(), &guard) {
            self.chains.cut(tuple, head, rule, &guard, domain);
            if head.is_none() {
                tuple.rules.vacated(rule.hash, &guard);
                self.prefixes.add(rule, false, tries);
                tuple.register(rule, false, &mut self.levels, &guard, domain);
            }
        }
        match group.highest() {
            None => {
                self.order.remove(tuple);
                tuple.seats.iter().for_each(|seat| self.levels.leave_seat(seat));
                groups.swap_remove(at);
                if groups.is_empty() {
                    self.tuples.remove(&hash);
                }
                self.masks -= 1;
            }
            Some(now) if Some(now) != highest => self.order.set_priority(tuple, now),
            Some(_) => {}
        }
    }

    /// Brings the tries up to date.
    fn settle(&mut self) {
        let guard = self.own.enter();
        self.prefixes.settle(&self.shared.tries, &guard, &self.shared.domain);
    }

    /// From now on, changes to tries and to the order of masks are kept back from lookups until
    /// [`ClassifierWriter::publish`]: a bulk change sorts once.
    pub fn defer(&mut self) {
        self.deferred = true;
    }

    /// Ends [`ClassifierWriter::defer`]; must come before readers are told of the version.
    pub fn publish(&mut self) {
        self.deferred = false;
        self.settle();
        if let Some(visits) = self.order.publish() {
            self.shared.visits.replace(Some(Arc::new(visits)), &self.shared.domain);
        }
    }
}

impl<R: Send + Sync + 'static> Group<R> {
    fn highest(&self) -> Option<i32> {
        self.priorities.last_key_value().map(|(priority, _)| *priority)
    }
}

impl<R: Send + Sync + 'static> fmt::Debug for ClassifierWriter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassifierWriter")
            .field("rules", &self.len())
            .field("masks", &self.masks())
            .finish_non_exhaustive()
    }
}
