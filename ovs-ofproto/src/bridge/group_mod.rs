//! Changes of groups.

use std::sync::Arc;

use ovs_openflow::{FlowRemovedReason, GroupMod, GroupModCommand, OfError};

use super::{BridgeState, Round, Undo};
use crate::group::Group;
use crate::revalidate::Change;

impl BridgeState {
    /// Carries out a change of groups whose actions have been checked. The flows that name a group go with it.
    pub fn group_mod(&mut self, change: &GroupMod, round: &mut Round<'_>) -> Result<(), OfError> {
        if change.command != GroupModCommand::Delete {
            let group = self.groups.changed(change, round.now)?;
            self.set_group(change.group, Some(Arc::new(group)), round);
            return Ok(());
        }
        let gone: Vec<u32> = match change.group {
            GroupMod::ALL => self.groups.named(GroupMod::ALL).map(|group| group.id).collect(),
            // To delete what is not there is no error.
            one => self.groups.get(one).map(|group| group.id).into_iter().collect(),
        };
        for id in gone {
            for rule in self.groups.users(id) {
                self.remove(&rule, FlowRemovedReason::GroupDelete, round);
            }
            self.set_group(id, None, round);
        }
        Ok(())
    }

    fn set_group(&mut self, id: u32, group: Option<Arc<Group>>, round: &mut Round<'_>) {
        let old = self.groups.set(id, group);
        round.changes.note(Change::Group { bridge: self.id, group: id });
        if let Some(undo) = &mut round.undo {
            undo.push(Undo::Group { id, old });
        }
    }
}
