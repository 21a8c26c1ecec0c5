//! What encoding an action must know beside the action: the packets' protocol, and whether they have a tag.

use ovs_flow::{Match, VLAN_CFI};

use super::Action;
use crate::Version;

/// Follows a list of actions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub version: Version,
    /// The IP protocol of the packets, 0 if it is not known.
    pub nw_proto: u8,
    /// Whether the packets are known to have a tag here.
    pub has_vlan: bool,
}

impl Context {
    pub(super) fn new(matching: &Match, version: Version) -> Self {
        let (key, mask) = (&matching.key, &matching.mask.fields);
        let has_vlan = key.vlans[0].tci.get() & mask.vlans[0].tci.get() & VLAN_CFI != 0;
        Self { version, nw_proto: key.nw_proto & mask.nw_proto, has_vlan }
    }

    /// The tags after an action.
    pub(super) fn after(&mut self, action: &Action) {
        match action {
            Action::PushVlan(_) => self.has_vlan = true,
            Action::SetVlanVid { push: true, .. } | Action::SetVlanPcp { push: true, .. } => {
                self.has_vlan = true;
            }
            Action::PopVlan { .. } => self.has_vlan = false,
            _ => {}
        }
    }
}
