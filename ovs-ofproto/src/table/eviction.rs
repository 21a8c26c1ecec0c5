//! Which rule makes room in a full table.
//!
//! Only rules with a timeout go. They lie in groups by the values of some fields, so that who adds many makes room among
//! its own: of the largest group the rule goes that is of least importance, of those the one that would end first. Where a
//! rule was used since it was put in order, it is put in order again when its turn comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ovs_classifier::RuleRef;
use ovs_flow::{Subfield, Wide};

use super::timers::due;
use crate::rule::Flow;

/// The values of the fields that make groups; `None` for one that a rule does not match exactly.
type GroupKey = Vec<Option<Wide>>;
/// Importance, time of its end, place in the table.
type Order = (u16, Duration, u64);

/// The rules of a table that may go.
#[derive(Debug, Default)]
pub(crate) struct Evictable {
    fields: Vec<Subfield>,
    groups: BTreeMap<GroupKey, BTreeMap<Order, RuleRef<Flow>>>,
    /// Groups by size.
    sizes: BTreeSet<(usize, GroupKey)>,
    /// Where each rule lies.
    places: BTreeMap<u64, (GroupKey, Order)>,
}

fn order(rule: &RuleRef<Flow>) -> Option<Order> {
    let (end, _) = due(rule.value())?;
    Some((rule.value().importance, end, rule.serial()))
}

impl Evictable {
    /// Nothing yet, to be grouped by these fields.
    pub fn new(fields: Vec<Subfield>) -> Self {
        Self { fields, ..Self::default() }
    }

    /// What it groups by.
    pub fn fields(&self) -> &[Subfield] {
        &self.fields
    }

    /// A rule came.
    pub fn insert(&mut self, rule: &RuleRef<Flow>) {
        let Some(order) = order(rule) else { return };
        let (matching, places) = (rule.to_match(), rule.value().places());
        let value = |field: &Subfield| {
            let exact = places.get(&matching.mask.fields, *field) == Wide::ones(field.width());
            exact.then(|| places.get(&matching.key, *field))
        };
        let key: GroupKey = self.fields.iter().map(value).collect();
        self.put(key, order, rule);
    }

    fn put(&mut self, key: GroupKey, order: Order, rule: &RuleRef<Flow>) {
        self.places.insert(order.2, (key.clone(), order));
        let group = self.groups.entry(key.clone()).or_default();
        self.sizes.remove(&(group.len(), key.clone()));
        group.insert(order, Arc::clone(rule));
        self.sizes.insert((group.len(), key));
    }

    /// A rule went.
    pub fn remove(&mut self, serial: u64) {
        let Some((key, order)) = self.places.remove(&serial) else { return };
        let Some(group) = self.groups.get_mut(&key) else { return };
        self.sizes.remove(&(group.len(), key.clone()));
        group.remove(&order);
        if group.is_empty() {
            self.groups.remove(&key);
        } else {
            self.sizes.insert((group.len(), key));
        }
    }

    /// The rule that goes next; it stays until it is removed.
    pub fn choose(&mut self) -> Option<RuleRef<Flow>> {
        loop {
            let (_, key) = self.sizes.last()?;
            let (before, rule) = self.groups.get(key)?.first_key_value()?;
            let (before, rule, key) = (*before, Arc::clone(rule), key.clone());
            match order(&rule) {
                Some(now) if now > before => {
                    self.remove(before.2);
                    self.put(key, now, &rule);
                }
                _ => return Some(rule),
            }
        }
    }
}
