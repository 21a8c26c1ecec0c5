//! Which flows name a group or a meter: they go when it goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use ovs_classifier::RuleRef;

use crate::rule::Flow;

/// A rule, by table and place in it.
type RuleKey = (u8, u64);

/// Rules by what they name.
#[derive(Debug, Default)]
pub(crate) struct Users(BTreeMap<u32, BTreeMap<RuleKey, RuleRef<Flow>>>);

impl Users {
    /// A rule that names this came or went.
    pub fn link(&mut self, named: u32, rule: &RuleRef<Flow>, there: bool) {
        let key = (rule.value().table.0, rule.serial());
        if there {
            self.0.entry(named).or_default().insert(key, Arc::clone(rule));
        } else if let Some(users) = self.0.get_mut(&named) {
            users.remove(&key);
            if users.is_empty() {
                self.0.remove(&named);
            }
        }
    }

    /// How many rules name this.
    pub fn count(&self, named: u32) -> u32 {
        self.0.get(&named).map_or(0, |users| users.len() as u32)
    }

    /// The rules that name this, by table and order of insertion.
    pub fn of(&self, named: u32) -> Vec<RuleRef<Flow>> {
        self.0.get(&named).map(|users| users.values().cloned().collect()).unwrap_or_default()
    }
}
