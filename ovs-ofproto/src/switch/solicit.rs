//! Questions for neighbours: ARP (RFC 826) and neighbour solicitations (RFC 4861 section 4.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ovs_packet::checksum::{Sum, pseudo_v6};
use ovs_packet::wire::IpProtocol;

use crate::translate::Solicit;

/// The frame that asks; `None` if the two addresses are of different families.
pub(super) fn question(asked: &Solicit) -> Option<Vec<u8>> {
    match (asked.source, asked.target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => Some(arp(asked.mac.0, source, target)),
        (IpAddr::V6(source), IpAddr::V6(target)) => Some(solicitation(asked.mac.0, source, target)),
        _ => None,
    }
}

fn arp(mac: [u8; 6], source: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(mac);
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]);
    frame.extend(mac);
    frame.extend(source.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

fn solicitation(mac: [u8; 6], source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let wanted = target.octets();
    let [.., a, b, c] = wanted;
    let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c];
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(wanted);
    message.extend([1, 1]);
    message.extend(mac);
    let pseudo = pseudo_v6(source.octets(), group, IpProtocol::ICMPV6, message.len() as u32);
    let checksum = Sum::of(&message).and(pseudo).checksum();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    let mut frame = vec![0x33, 0x33, 0xff, a, b, c];
    frame.extend(mac);
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, message.len() as u8, 58, 255]);
    frame.extend(source.octets());
    frame.extend(group);
    frame.extend(message);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::BridgeId;
    use ovs_netdev::EtherAddr;
    use ovs_packet::wire::IpProtocol;

    fn asked(source: &str, target: &str) -> Option<Vec<u8>> {
        let (source, target) = (source.parse().unwrap(), target.parse().unwrap());
        question(&Solicit { bridge: BridgeId(0), mac: EtherAddr([2, 0, 0, 0, 0, 1]), source, target })
    }

    #[test]
    fn questions_are_whole_packets() {
        let frame = asked("10.0.0.1", "10.0.0.2").unwrap();
        assert_eq!((frame.len(), &frame[12..14], &frame[38..]), (42, &[8, 6][..], &[10, 0, 0, 2][..]));
        let frame = asked("2001:db8::1", "2001:db8::2").unwrap();
        assert_eq!(frame.len(), 86);
        let (source, group): ([u8; 16], [u8; 16]) =
            (frame[22..38].try_into().unwrap(), frame[38..54].try_into().unwrap());
        let pseudo = pseudo_v6(source, group, IpProtocol::ICMPV6, 32);
        assert_eq!(Sum::of(&frame[54..]).and(pseudo).checksum(), 0);
        assert_eq!(asked("10.0.0.1", "::2"), None);
    }
}
