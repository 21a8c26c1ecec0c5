//! `push_vlan` and `pop_vlan` (IEEE 802.1Q clause 9).

use ovs_flow::VLAN_CFI;
use ovs_packet::Packet;

use crate::DropReason;

/// Bytes of both Ethernet addresses, which stand in front of the first tag.
const ADDRESSES: usize = 12;
/// Bytes of a tag.
const TAG: usize = 4;

/// Pushes a tag in front of those that the packet has. `tci` carries [`VLAN_CFI`] as the mark of presence,
/// which is not sent.
pub(super) fn push(packet: &mut Packet, tpid: u16, tci: u16) -> Result<(), DropReason> {
    if packet.len() < ADDRESSES + 2 {
        return Err(DropReason::InvalidPacket);
    }
    packet.push_front(TAG).map_err(|_| DropReason::NoBuffer)?;
    let data = packet.data_mut();
    data.copy_within(TAG..TAG + ADDRESSES, 0);
    data[ADDRESSES..ADDRESSES + 2].copy_from_slice(&tpid.to_be_bytes());
    data[ADDRESSES + 2..ADDRESSES + TAG].copy_from_slice(&(tci & !VLAN_CFI).to_be_bytes());
    Ok(())
}

/// Pops the outermost tag; a packet without one is left alone.
pub(super) fn pop(packet: &mut Packet) -> Result<(), DropReason> {
    let data = packet.data_mut();
    if data.len() < ADDRESSES + TAG + 2 || !matches!(data[ADDRESSES..], [0x81, 0x00, ..] | [0x88, 0xa8, ..]) {
        return Ok(());
    }
    data.copy_within(..ADDRESSES, TAG);
    packet.pull_front(TAG).map_err(|_| DropReason::InvalidPacket)
}
