//! Changes of flows that come by a connection.

use ovs_flow::TableId;
use ovs_openflow::action::check_consistency;
use ovs_openflow::{FlowMod, FlowModCommand, OfError, Version};

use super::check::check_actions;
use super::connection::ConnId;
use crate::switch::Switch;

/// Checks a change of flows that came by a version before anything is done.
pub(in crate::switch) fn check_flow_mod(change: &FlowMod, version: Version) -> Result<(), OfError> {
    if change.table == TableId::INTERNAL {
        return Err(OfError::BrcEperm);
    }
    let deletes = matches!(change.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
    if deletes {
        return Ok(());
    }
    // What packets get on their way through the datapath is the switch's own business.
    if change.matching.key.recirc_id != 0 || change.matching.mask.fields.dp_hash != 0 {
        return Err(OfError::BrcEperm);
    }
    // A modification of all tables could go back from each of them but the first.
    let table = if change.table == TableId::ALL { TableId(0) } else { change.table };
    check_actions(&change.actions, Some(table))?;
    check_consistency(&change.actions, &change.matching, version)
}

impl Switch {
    pub(super) fn serve_flow_mod(&mut self, id: ConnId, change: &FlowMod) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        let version = self.connections.get(&id).and_then(|conn| conn.protocol).map(|known| known.version);
        self.apply_flow_mod(&name, change, version.unwrap_or(Version::V10))
    }

    /// Carries out a change of flows.
    pub(in crate::switch) fn apply_flow_mod(
        &mut self,
        bridge: &str,
        change: &FlowMod,
        version: Version,
    ) -> Result<(), OfError> {
        check_flow_mod(change, version)?;
        self.change_rules(bridge, |state, round| state.flow_mod(change, round))
            .unwrap_or(Err(OfError::BrcEperm))
    }
}
