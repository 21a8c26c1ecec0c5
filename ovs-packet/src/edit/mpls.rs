//! MPLS label stack entries (RFC 3032): label 20 bits, traffic class 3, bottom of stack 1, TTL 8.

use super::{EditError, Located};
use crate::{
    Packet,
    wire::{
        EtherType,
        bytes::{put, u32_at},
    },
};

/// Bytes of an entry.
const ENTRY: usize = 4;

/// The bottom-of-stack bit.
const BOTTOM: u32 = 0x100;

/// The outermost entry, in host order.
pub fn top_mpls(packet: &Packet) -> Option<u32> {
    let located = Located::of(packet)?;
    if located.ether_type.is_mpls() { u32_at(packet.data(), located.l3) } else { None }
}

/// Overwrites the outermost entry. False if there is none.
pub fn set_mpls(packet: &mut Packet, entry: u32) -> bool {
    match (Located::of(packet), top_mpls(packet)) {
        (Some(located), Some(_)) => put(packet.data_mut(), located.l3, &entry.to_be_bytes()),
        _ => false,
    }
}

/// Pushes an entry behind the VLAN tags, and makes the `EtherType` `ether_type` (0x8847, 0x8848). The bottom bit is
/// the caller's to set: it is the first entry exactly if [`top_mpls`] gives none.
pub fn push_mpls(packet: &mut Packet, ether_type: u16, entry: u32) -> Result<(), EditError> {
    if !EtherType(ether_type).is_mpls() {
        return Err(EditError::WrongHeader);
    }
    let located = Located::of(packet).ok_or(EditError::Truncated)?;
    packet.push_front(ENTRY)?;
    let data = packet.data_mut();
    data.copy_within(ENTRY..ENTRY + located.l3, 0);
    put(data, located.l3, &entry.to_be_bytes());
    put_ether_type(packet, located.l3, ether_type);
    // The entry stands in front of the network header but behind the link header, which moved to the front.
    packet.layers_mut().l2_5 = located.l3 as u16;
    Ok(())
}

/// Pops the outermost entry and returns it. `ether_type` says what the bytes behind it are; it takes the place of
/// the packet's own if the entry was the last (or if the caller says another MPLS type).
pub fn pop_mpls(packet: &mut Packet, ether_type: u16) -> Result<u32, EditError> {
    let located = Located::of(packet).ok_or(EditError::Truncated)?;
    if !located.ether_type.is_mpls() {
        return Err(EditError::WrongHeader);
    }
    let entry = u32_at(packet.data(), located.l3).ok_or(EditError::Truncated)?;
    packet.data_mut().copy_within(..located.l3, ENTRY);
    packet.pull_front(ENTRY).map_err(|_| EditError::Truncated)?;
    put_ether_type(packet, located.l3, ether_type);
    packet.layers_mut().l2_5 = if entry & BOTTOM == 0 { located.l3 as u16 } else { crate::ABSENT };
    Ok(entry)
}

/// Sets the `EtherType` in front of `l3`, or the packet type of a packet without a link header.
fn put_ether_type(packet: &mut Packet, l3: usize, ether_type: u16) {
    match l3.checked_sub(2) {
        Some(at) => {
            put(packet.data_mut(), at, &ether_type.to_be_bytes());
        }
        None => packet.facts_mut().packet_type = 1 << 16 | u32::from(ether_type),
    }
}
