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
