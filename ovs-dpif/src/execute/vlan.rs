//! `push_vlan` and `pop_vlan` (IEEE 802.1Q clause 9).

use ovs_flow::VLAN_CFI;
use ovs_packet::{Packet, edit};

use super::edit_failed;
use crate::DropReason;

/// Pushes a tag in front of those that the packet has. `tci` carries [`VLAN_CFI`] as the mark of presence,
/// which is not sent.
pub(super) fn push(packet: &mut Packet, tpid: u16, tci: u16) -> Result<(), DropReason> {
    edit::push_vlan(packet, tpid, tci & !VLAN_CFI).map_err(edit_failed)
}

/// Pops the outermost tag; a packet without one is left alone.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all actions that change a packet")]
pub(super) fn pop(packet: &mut Packet) -> Result<(), DropReason> {
    edit::pop_vlan(packet);
    Ok(())
}
