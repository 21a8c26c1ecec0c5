//! Changes of groups that come by a connection, and what is told of groups.

use ovs_openflow::{GroupFeatures, GroupMod, GroupModCommand, OfError, StatsReplyBody, Version};

use super::check::check_actions;
use super::connection::ConnId;
use crate::switch::Switch;

/// Weights, liveness, chains.
const CAPABILITIES: u32 = 0b111;
/// The standard's actions, by the numbers of 1.0.
const ACTIONS_V10: u32 = 0x0fff;
/// The standard's actions, by the numbers that 1.1 gives them: all but the copies of times to live.
const ACTIONS_V11: u32 = 0x01ff_e7ff;
/// By the numbers of 1.2 and later, where fields are set by one action.
const ACTIONS_V12: u32 = 0x03ff_8001;

/// Checks a change of groups before anything is done.
pub(in crate::switch) fn check_group_mod(change: &GroupMod) -> Result<(), OfError> {
    if change.command == GroupModCommand::Delete {
        return Ok(());
    }
    change.buckets.iter().try_for_each(|bucket| check_actions(&bucket.actions, None))
}

impl Switch {
    pub(super) fn serve_group_mod(&mut self, id: ConnId, change: &GroupMod) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        self.apply_group_mod(&name, change)
    }

    /// Carries out a change of groups.
    pub(in crate::switch) fn apply_group_mod(
        &mut self,
        bridge: &str,
        change: &GroupMod,
    ) -> Result<(), OfError> {
        check_group_mod(change)?;
        self.change_rules(bridge, |state, round| state.group_mod(change, round))
            .unwrap_or(Err(OfError::BrcEperm))
    }

    pub(super) fn group_descs(&self, bridge: &str, group: u32) -> StatsReplyBody {
        let state = self.bridges.get(bridge);
        let found = state.into_iter().flat_map(|state| state.groups.named(group));
        StatsReplyBody::GroupDesc(found.map(|group| group.describe()).collect())
    }

    pub(super) fn group_stats(&mut self, bridge: &str, group: u32) -> StatsReplyBody {
        self.refresh_counters();
        let now = self.now;
        let state = self.bridges.get(bridge);
        let counted = state.into_iter().flat_map(|state| {
            state.groups.named(group).map(|group| group.count(state.groups.references(group.id), now))
        });
        StatsReplyBody::Group(counted.collect())
    }
}

/// What groups can do: everything, in each type.
pub(super) fn group_features(version: Version) -> GroupFeatures {
    let actions = match version {
        Version::V10 => ACTIONS_V10,
        Version::V11 => ACTIONS_V11,
        _ => ACTIONS_V12,
    };
    GroupFeatures {
        types: 0xf,
        capabilities: CAPABILITIES,
        max_groups: [GroupMod::MAX; 4],
        actions: [actions; 4],
    }
}
