//! The groups of a bridge, and which flows name them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ovs_classifier::RuleRef;
use ovs_openflow::{Action, GroupMod, GroupModCommand, GroupType, OfError};

use super::Group;
use super::edit::{check_ids, ids, number};
use crate::rule::Flow;
use crate::users::Users;

/// Groups by number, as a snapshot has them.
pub(crate) type GroupIndex = Arc<BTreeMap<u32, Arc<Group>>>;

/// The groups that a bridge keeps, whatever number they have.
const MAX_GROUPS: usize = 1 << 20;

/// The groups of a bridge.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    index: GroupIndex,
    users: Users,
    /// Changed since the snapshot was made.
    pub changed: bool,
}

impl Groups {
    /// For a snapshot.
    pub fn index(&self) -> &GroupIndex {
        &self.index
    }

    pub fn get(&self, group: u32) -> Option<&Arc<Group>> {
        self.index.get(&group)
    }

    /// One group, or all of them, in the order of their numbers.
    pub fn named(&self, group: u32) -> impl Iterator<Item = &Arc<Group>> {
        let all = matches!(group, GroupMod::ALL | GroupMod::ANY);
        self.index.values().filter(move |found| all || found.id == group)
    }

    /// Puts a group in, or takes it out; gives what was there.
    pub fn set(&mut self, id: u32, group: Option<Arc<Group>>) -> Option<Arc<Group>> {
        self.changed = true;
        let index = Arc::make_mut(&mut self.index);
        match group {
            Some(group) => index.insert(id, group),
            None => index.remove(&id),
        }
    }

    /// What a change makes of a group that is there or not.
    pub fn changed(&self, change: &GroupMod, now: Duration) -> Result<Group, OfError> {
        let old = self.get(change.group);
        let (kind, selection, mut buckets) = match change.command {
            GroupModCommand::Add if old.is_some() => return Err(OfError::GmfcGroupExists),
            GroupModCommand::Modify if old.is_none() => return Err(OfError::GmfcUnknownGroup),
            GroupModCommand::InsertBucket | GroupModCommand::RemoveBucket => {
                let old = old.ok_or(OfError::GmfcUnknownGroup)?;
                (old.kind, old.selection.clone(), old.edited(change)?)
            }
            _ => (change.kind, change.selection.clone(), change.buckets.clone()),
        };
        if kind == GroupType::Indirect && buckets.len() > 1 && change.command != GroupModCommand::InsertBucket
        {
            return Err(OfError::GmfcInvalidGroup);
        }
        check_ids(ids(change))?;
        if old.is_none() && self.index.len() >= MAX_GROUPS {
            return Err(OfError::GmfcOutOfGroups);
        }
        number(&mut buckets);
        let created = old.map_or(now, |old| old.created);
        let group = Group::new(change.group, kind, selection, buckets, created);
        // As in the original, buckets that stay go on counting where the group itself begins anew.
        let edits = matches!(change.command, GroupModCommand::InsertBucket | GroupModCommand::RemoveBucket);
        Ok(match old.filter(|_| edits) {
            Some(old) => group.keep_counters(old),
            None => group,
        })
    }

    /// How many flows name a group.
    pub fn references(&self, group: u32) -> u32 {
        self.users.count(group)
    }

    /// The flows that name a group.
    pub fn users(&self, group: u32) -> Vec<RuleRef<Flow>> {
        self.users.of(group)
    }

    /// A flow came or went.
    pub fn link(&mut self, rule: &RuleRef<Flow>, there: bool) {
        each_group(&rule.value().actions, &mut |group| self.users.link(group, rule, there));
    }

    /// Whether all groups are there that actions name.
    pub fn have_all_of(&self, actions: &[Action]) -> bool {
        let mut all = true;
        each_group(actions, &mut |group| all &= self.index.contains_key(&group));
        all
    }
}

/// Calls `each` with the groups that actions name.
fn each_group(actions: &[Action], each: &mut dyn FnMut(u32)) {
    for action in actions {
        match action {
            Action::Group(group) => each(*group),
            Action::WriteActions(list) | Action::Clone(list) => each_group(list, each),
            _ => {}
        }
    }
}
