//! Ethernet addresses and VLAN tags (IEEE 802.1Q clause 9).

use super::EditError;
use crate::{
    Packet,
    wire::{
        EtherType,
        bytes::{put, u16_at},
    },
};

/// Bytes of both Ethernet addresses, which stand in front of the first tag.
const ADDRESSES: usize = 12;

/// Bytes of a tag: type and control information.
const TAG: usize = 4;

/// Sets the destination address. False if the packet is not that long.
pub fn set_ether_dst(packet: &mut Packet, address: [u8; 6]) -> bool {
    put(packet.data_mut(), 0, &address)
}

/// Sets the source address. False if the packet is not that long.
pub fn set_ether_src(packet: &mut Packet, address: [u8; 6]) -> bool {
    put(packet.data_mut(), 6, &address)
}

/// Pushes a tag in front of those that the packet has: type (0x8100, 0x88a8) and control information (priority,
/// drop eligible, VLAN), both in host order.
pub fn push_vlan(packet: &mut Packet, tpid: u16, tci: u16) -> Result<(), EditError> {
    if packet.len() < ADDRESSES + 2 {
        return Err(EditError::Truncated);
    }
    packet.push_front(TAG)?;
    let data = packet.data_mut();
    data.copy_within(TAG..TAG + ADDRESSES, 0);
    put(data, ADDRESSES, &tpid.to_be_bytes());
    put(data, ADDRESSES + 2, &tci.to_be_bytes());
    Ok(())
}

/// Pops the outermost tag and returns its type and control information; None if there is no whole tag.
pub fn pop_vlan(packet: &mut Packet) -> Option<(u16, u16)> {
    let (tpid, tci) = outermost(packet.data())?;
    packet.data_mut().copy_within(..ADDRESSES, TAG);
    packet.pull_front(TAG).ok()?;
    Some((tpid, tci))
}

/// Overwrites the outermost tag's control information. False if there is no whole tag.
pub fn set_vlan_tci(packet: &mut Packet, tci: u16) -> bool {
    outermost(packet.data()).is_some() && put(packet.data_mut(), ADDRESSES + 2, &tci.to_be_bytes())
}

/// The outermost tag, if the `EtherType` behind it is there as well.
fn outermost(data: &[u8]) -> Option<(u16, u16)> {
    let tpid = u16_at(data, ADDRESSES)?;
    let tci = u16_at(data, ADDRESSES + 2)?;
    u16_at(data, ADDRESSES + TAG)?;
    EtherType(tpid).is_vlan().then_some((tpid, tci))
}
