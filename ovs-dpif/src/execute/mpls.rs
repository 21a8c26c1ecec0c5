//! `push_mpls` and `pop_mpls` (RFC 3032).

use ovs_packet::{Packet, edit};

use super::edit_failed;
use crate::DropReason;

/// Pushes a label stack entry behind the VLAN tags.
pub(super) fn push(packet: &mut Packet, ethertype: u16, lse: u32) -> Result<(), DropReason> {
    edit::push_mpls(packet, ethertype, lse).map_err(edit_failed)
}

/// Pops the outermost entry; a packet without one is left alone.
pub(super) fn pop(packet: &mut Packet, ethertype: u16) -> Result<(), DropReason> {
    match edit::pop_mpls(packet, ethertype) {
        Ok(_) | Err(edit::EditError::WrongHeader) => Ok(()),
        Err(error) => Err(edit_failed(error)),
    }
}

/// Puts an entry in front of the packet's network header, or in front of its Ethernet header; the packet is of type MPLS
/// if nothing stands before the entry.
pub(super) fn add(packet: &mut Packet, ethertype: u16, lse: u32, behind_eth: bool) -> Result<(), DropReason> {
    if behind_eth && packet.facts().packet_type == 0 {
        return push(packet, ethertype, lse);
    }
    let entry = packet.push_front(4).map_err(|_| DropReason::NoBuffer)?;
    entry.copy_from_slice(&lse.to_be_bytes());
    packet.facts_mut().packet_type = 1 << 16 | u32::from(ethertype);
    Ok(())
}
