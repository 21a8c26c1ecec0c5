//! Work that is left to a device: which, and where its headers are.

use ovs_packet::edit::complete_checksum;
use ovs_packet::{Offload, Packet};

use super::sys::{FACT_IP_CSUM, FACT_IPV6, FACT_TCP_CSUM, FACT_TSO, FACT_UDP_CSUM, RawPacket};

/// The longest headers that an mbuf has bits for.
const L2_MAX: usize = 127;
const L3_MAX: usize = 511;
/// Where the checksum stands in TCP and in UDP.
const TCP: u16 = 16;
const UDP: u16 = 6;

/// Says in `raw` what a device is to do to a packet that asks for it; `false`, and nothing is said, if its headers are
/// not such that a device could be told. A device that cuts packets of IPv4 is to complete that checksum too if it
/// `completes_ipv4`; others keep the packet's own in mind.
pub(super) fn describe(packet: &Packet, completes_ipv4: bool, raw: &mut RawPacket) -> bool {
    let facts = packet.facts();
    if facts.offload.intersects(Offload::TUNNEL) {
        return false;
    }
    let Some((l2, is_ipv6)) = network(packet.data()) else { return false };
    let start = usize::from(facts.csum_start);
    let Some(l3) = start.checked_sub(l2).filter(|l3| (20..=L3_MAX).contains(l3)) else { return false };
    if l2 > L2_MAX {
        return false;
    }
    let kind = match facts.csum_offset {
        TCP => FACT_TCP_CSUM,
        UDP => FACT_UDP_CSUM,
        _ => return false,
    };
    (raw.l2, raw.l3) = (l2 as u16, l3 as u16);
    raw.facts = kind | if is_ipv6 { FACT_IPV6 } else { 0 };
    if facts.offload.intersects(Offload::SEGMENT) {
        let Some(offset) = packet.data().get(start + 12) else { return false };
        raw.facts |= FACT_TSO | if completes_ipv4 && !is_ipv6 { FACT_IP_CSUM } else { 0 };
        raw.l4 = u16::from(offset >> 4) * 4;
        raw.segment = facts.segment_size;
    }
    true
}

/// Completes the checksum of a packet whose work cannot be left to a device; `None` if there is more to do than that.
pub(super) fn finish_checksum(packet: &mut Packet) -> Option<()> {
    if packet.facts().offload.intersects(Offload::SEGMENT) {
        return None;
    }
    complete_checksum(packet).ok()
}

/// Where the network header begins, behind any tags, and whether it is of IPv6.
fn network(bytes: &[u8]) -> Option<(usize, bool)> {
    let mut at = 12;
    loop {
        let kind = u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
        at += 2;
        match kind {
            0x8100 | 0x88a8 => at += 2,
            0x0800 => return Some((at, false)),
            0x86dd => return Some((at, true)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(bytes: &[u8], start: u16, offset: u16, offload: Offload) -> Packet {
        let mut packet = Packet::detached(bytes).unwrap();
        let facts = packet.facts_mut();
        facts.offload = offload | Offload::NEEDS_L4_CSUM;
        (facts.csum_start, facts.csum_offset, facts.segment_size) = (start, offset, 1448);
        packet
    }

    #[test]
    fn headers_are_found_behind_tags() {
        let mut bytes = vec![0; 90];
        bytes[12..18].copy_from_slice(&[0x81, 0, 0, 5, 0x08, 0]);
        bytes[18 + 20 + 12] = 8 << 4;
        let mut raw = RawPacket::EMPTY;
        assert!(describe(&asking(&bytes, 38, TCP, Offload::TSO4), true, &mut raw));
        assert_eq!((raw.l2, raw.l3, raw.l4, raw.segment), (18, 20, 32, 1448));
        assert_eq!(raw.facts, FACT_TCP_CSUM | FACT_TSO | FACT_IP_CSUM);
        bytes[16..18].copy_from_slice(&[0x86, 0xdd]);
        let mut raw = RawPacket::EMPTY;
        assert!(describe(&asking(&bytes, 58, UDP, Offload::empty()), true, &mut raw));
        assert_eq!((raw.l2, raw.l3, raw.facts), (18, 40, FACT_UDP_CSUM | FACT_IPV6));
    }

    #[test]
    fn what_no_device_could_be_told_is_left_to_software() {
        let mut bytes = vec![0; 90];
        bytes[12..14].copy_from_slice(&[8, 0]);
        let refused = |start, offset, offload| {
            let mut raw = RawPacket::EMPTY;
            !describe(&asking(&bytes, start, offset, offload), true, &mut raw)
        };
        assert!(refused(20, TCP, Offload::empty()) && refused(0, TCP, Offload::empty()));
        assert!(refused(34, 8, Offload::empty()), "a checksum of neither TCP nor UDP");
        assert!(refused(34, UDP, Offload::IN_VXLAN));
        assert!(refused(80, TCP, Offload::TSO4), "no TCP header there");
        let mut packet = asking(&bytes, 34, TCP, Offload::TSO4);
        assert!(finish_checksum(&mut packet).is_none());
        packet.facts_mut().offload.remove(Offload::TSO4);
        assert!(finish_checksum(&mut packet).is_some() && !packet.facts().is_unfinished());
    }
}
