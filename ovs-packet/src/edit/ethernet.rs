//! Ethernet headers: addresses, and packets with and without one (OpenFlow 1.5 section 7.2.3.11).

use super::{EditError, locate::ETHER_TYPE_SPACE};
use crate::{
    Packet,
    wire::bytes::{array_at, put, u16_at},
};

/// Bytes of an Ethernet header without tags.
const HEADER: usize = 14;

/// Sets the destination address. False if the packet is no Ethernet frame, or not that long.
pub fn set_ether_dst(packet: &mut Packet, address: [u8; 6]) -> bool {
    packet.facts().packet_type == 0 && put(packet.data_mut(), 0, &address)
}

/// Sets the source address. False if the packet is no Ethernet frame, or not that long.
pub fn set_ether_src(packet: &mut Packet, address: [u8; 6]) -> bool {
    packet.facts().packet_type == 0 && put(packet.data_mut(), 6, &address)
}

/// Puts an Ethernet header in front of a packet that has none. Its type is the packet's own; the packet is an
/// Ethernet frame from then on. [`EditError::WrongHeader`] if it is one already.
pub fn push_ethernet(packet: &mut Packet, dst: [u8; 6], src: [u8; 6]) -> Result<(), EditError> {
    let kind = packet.facts().packet_type;
    if kind >> 16 != ETHER_TYPE_SPACE {
        return Err(EditError::WrongHeader);
    }
    let header = packet.push_front(HEADER)?;
    put(header, 0, &dst);
    put(header, 6, &src);
    put(header, 12, &(kind as u16).to_be_bytes());
    packet.facts_mut().packet_type = 0;
    Ok(())
}

/// Takes the Ethernet header off and returns its destination and source; the packet's type is the header's from
/// then on. VLAN tags are not part of it: a tagged frame becomes a packet that begins with a tag's second half,
/// of the tag's type.
pub fn pop_ethernet(packet: &mut Packet) -> Result<([u8; 6], [u8; 6]), EditError> {
    if packet.facts().packet_type != 0 {
        return Err(EditError::WrongHeader);
    }
    let data = packet.data();
    let (Some(dst), Some(src), Some(kind)) = (array_at(data, 0), array_at(data, 6), u16_at(data, 12)) else {
        return Err(EditError::Truncated);
    };
    packet.pull_front(HEADER).map_err(|_| EditError::Truncated)?;
    packet.facts_mut().packet_type = ETHER_TYPE_SPACE << 16 | u32::from(kind);
    Ok((dst, src))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_without_ethernet_has_no_ethernet_addresses() {
        let mut packet = Packet::detached(&[0x45; 20]).unwrap();
        packet.facts_mut().packet_type = ETHER_TYPE_SPACE << 16 | 0x0800;
        assert!(!set_ether_dst(&mut packet, [1; 6]) && !set_ether_src(&mut packet, [2; 6]));
        assert_eq!(packet.data(), [0x45; 20]);
        packet.facts_mut().packet_type = 0;
        assert!(set_ether_dst(&mut packet, [1; 6]) && set_ether_src(&mut packet, [2; 6]));
    }
}
