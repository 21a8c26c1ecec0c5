//! Changing the table.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ovs_flow::Match;

use super::lookup::Shared;
use super::order::Order;
use super::rule::Body;
use super::select::Roll;
use super::trie::Trie;
use super::tuple::Tuple;
use super::tuple_mask::{MaskWord, TupleMask, words_of};
use super::{ClassifierConfig, ClassifierError, ClassifierReader, Rule, RuleRef, Version};
use crate::hash::WordHash;
use crate::rcu::{Domain, Guard, Link, Reader};

/// The one that changes a classifier's rules.
///
/// Changes are made for a version that readers do not use yet; they become visible when readers are told
/// to use it; the versions that changes are made for never go back. What is removed stays in memory, for readers of older versions, until [`ClassifierWriter::gc`].
pub struct ClassifierWriter<R: Send + Sync + 'static> {
    config: ClassifierConfig,
    hash: WordHash,
    shared: Arc<Shared<R>>,
    /// For the writer's own steps along links.
    own: Reader,
    tuples: BTreeMap<Box<[MaskWord]>, Group<R>>,
    order: Order<R>,
    deferred: bool,
    roll: Roll<R>,
    next_serial: u64,
    /// Removed for a version, in the order of removal.
    removed: VecDeque<RuleRef<R>>,
    scratch: Vec<MaskWord>,
}

/// A tuple, and how many of its rules have which priority.
struct Group<R: Send + Sync + 'static> {
    tuple: Arc<Tuple<R>>,
    priorities: BTreeMap<i32, usize>,
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
        let tries = config.fields().into_iter().map(|field| (field, Trie::new())).collect();
        Self {
            hash: WordHash::new(config.seed),
            shared: Arc::new(Shared { domain: domain.clone(), tries, visits: Link::new(None) }),
            own: domain.reader(),
            tuples: BTreeMap::new(),
            order: Order::new(),
            deferred: false,
            roll: Roll::new(),
            next_serial: 0,
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
        self.tuples.len()
    }

    /// Removed rules that wait for [`ClassifierWriter::gc`].
    pub fn waiting(&self) -> usize {
        self.removed.len()
    }

    /// Adds a rule from `version` on; a rule of the same match and priority that is there is removed for the
    /// same version.
    pub fn insert(
        &mut self,
        matching: &Match,
        priority: i32,
        value: R,
        version: Version,
    ) -> Result<Inserted<R>, ClassifierError> {
        if self.roll.len() >= self.config.max_rules {
            return Err(ClassifierError::TooManyRules { limit: self.config.max_rules });
        }
        let tuple = self.tuple_for(matching, priority)?;
        let values = tuple.mask.values(&matching.key);
        let hash = tuple.mask.hash_key(&matching.key, self.hash);
        let mask = Arc::clone(&tuple.mask);
        let serial = self.next_serial;
        self.next_serial += 1;
        let body = Body { mask, values, hash, serial, priority, added: version, value };
        let (rule, replaced) = self.link(&tuple, body);
        self.roll.push(Arc::clone(&rule));
        if let Some(old) = &replaced {
            old.set_removed(version);
            self.removed.push_back(Arc::clone(old));
        }
        if !self.deferred {
            self.publish();
        }
        Ok(Inserted { rule, replaced })
    }

    /// The tuple for a match's mask, counting one rule of `priority` more.
    fn tuple_for(&mut self, matching: &Match, priority: i32) -> Result<Arc<Tuple<R>>, ClassifierError> {
        words_of(&matching.mask, &mut self.scratch);
        if let Some(group) = self.tuples.get_mut(&*self.scratch) {
            let highest = group.highest();
            *group.priorities.entry(priority).or_insert(0) += 1;
            if Some(priority) > highest {
                self.order.set_priority(&group.tuple, priority);
            }
            return Ok(Arc::clone(&group.tuple));
        }
        if self.tuples.len() >= self.config.max_masks {
            return Err(ClassifierError::TooManyMasks { limit: self.config.max_masks });
        }
        let mask = Arc::new(TupleMask::new(&self.scratch, &self.config.fields()));
        let tuple = Arc::new(Tuple::new(mask, self.hash));
        self.order.add(&tuple, priority);
        let group = Group { tuple: Arc::clone(&tuple), priorities: BTreeMap::from([(priority, 1)]) };
        self.tuples.insert(self.scratch.as_slice().into(), group);
        Ok(tuple)
    }

    /// Puts a rule into its tuple's structures; returns it, and the present one of its match and priority.
    fn link(&mut self, tuple: &Tuple<R>, body: Body<R>) -> (RuleRef<R>, Option<RuleRef<R>>) {
        let Shared { domain, tries, .. } = &*self.shared;
        let guard = self.own.enter();
        let Some(mut link) = tuple.head_of(body.hash, &body.values, &guard) else {
            let rule = Arc::new(Rule::new(body, None));
            tuple.register(&rule, tries, &guard, domain);
            let fill = |link: &Link<Rule<R>>| link.replace(Some(Arc::clone(&rule)), domain);
            tuple.rules.insert(rule.hash, &guard, domain, fill);
            return (rule, None);
        };
        while let Some(rule) = link.load(&guard).filter(|rule| rule.priority > body.priority) {
            link = &rule.next;
        }
        let replaced = present(link, body.priority, &guard);
        let rule = Arc::new(Rule::new(body, link.load_arc(&guard)));
        link.replace(Some(Arc::clone(&rule)), domain);
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
        let mut gone = 0;
        while let Some(rule) = self.removed.pop_front_if(|rule| rule.removed_in() <= oldest) {
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
        let Some(group) = self.tuples.get_mut(rule.mask.words()) else { return };
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
        if let Some(head) = tuple.head_of(rule.hash, &rule.values, &guard) {
            cut(head, rule, &guard, domain);
            if head.is_none() {
                tuple.rules.vacated(&guard);
                tuple.unregister(rule, tries, &guard, domain);
            }
        }
        match group.highest() {
            None => {
                self.order.remove(tuple);
                self.tuples.remove(rule.mask.words());
            }
            Some(now) if Some(now) != highest => self.order.set_priority(tuple, now),
            Some(_) => {}
        }
    }

    /// From now on, changes to the order of masks are kept back from lookups until
    /// [`ClassifierWriter::publish`]: a bulk change sorts once.
    pub fn defer(&mut self) {
        self.deferred = true;
    }

    /// Ends [`ClassifierWriter::defer`]; must come before readers are told of the version.
    pub fn publish(&mut self) {
        self.deferred = false;
        if let Some(visits) = self.order.publish() {
            self.shared.visits.replace(Some(Arc::new(visits)), &self.shared.domain);
        }
    }

    /// The rule with just this match and priority that is there in `version`.
    pub fn find_exact(&mut self, matching: &Match, priority: i32, version: Version) -> Option<RuleRef<R>> {
        words_of(&matching.mask, &mut self.scratch);
        let tuple = &self.tuples.get(&*self.scratch)?.tuple;
        let guard = self.own.enter();
        let values = tuple.mask.values(&matching.key);
        let mut link = tuple.head_of(tuple.mask.hash_key(&matching.key, self.hash), &values, &guard)?;
        while let Some(rule) = link.load(&guard).filter(|rule| rule.priority >= priority) {
            if rule.priority == priority && rule.visible_in(version) {
                return link.load_arc(&guard);
            }
            link = &rule.next;
        }
        None
    }

    /// All rules of a version, in order of insertion.
    pub fn rules(&self, version: Version) -> impl Iterator<Item = &RuleRef<R>> {
        self.rules_from(0, version)
    }

    /// The rules of a version whose [`Rule::serial`] is `serial` or later: to go on with a walk that was
    /// interrupted.
    pub fn rules_from(&self, serial: u64, version: Version) -> impl Iterator<Item = &RuleRef<R>> {
        self.roll.from(serial).filter(move |rule| rule.visible_in(version))
    }

    /// The rules of a version that are as specific as `criteria` or more (the loose match of OpenFlow's
    /// non-strict commands), in order of insertion.
    pub fn within<'a>(
        &'a self,
        criteria: &'a Match,
        version: Version,
    ) -> impl Iterator<Item = &'a RuleRef<R>> {
        self.rules(version).filter(|rule| rule.within(criteria))
    }

    /// A rule of this priority in this version that some packet matches together with `matching`.
    pub fn find_overlap(&self, matching: &Match, priority: i32, version: Version) -> Option<&RuleRef<R>> {
        self.rules(version).find(|rule| rule.priority == priority && rule.overlaps(matching))
    }
}

/// The rule of this priority that is not removed, at a link or behind it.
fn present<'g, R>(mut link: &'g Link<Rule<R>>, priority: i32, guard: &'g Guard<'_>) -> Option<RuleRef<R>> {
    while let Some(rule) = link.load(guard).filter(|rule| rule.priority == priority) {
        if rule.removed_in() == Version::NEVER {
            return link.load_arc(guard);
        }
        link = &rule.next;
    }
    None
}

/// Takes a rule out of the chain at `link`.
fn cut<'g, R: Send + Sync + 'static>(
    mut link: &'g Link<Rule<R>>,
    rule: &Rule<R>,
    guard: &'g Guard<'_>,
    domain: &Domain,
) {
    while let Some(here) = link.load(guard) {
        if core::ptr::eq(here, rule) {
            link.replace(here.next.load_arc(guard), domain);
            return;
        }
        link = &here.next;
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
