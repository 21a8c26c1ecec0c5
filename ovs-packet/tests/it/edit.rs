//! Edits keep checksums right, and are undone by their opposites.

use ovs_packet::{Offload, Packet, edit};
use proptest::prelude::*;

use crate::frames::{A4, A6, assert_checksums, ethernet, ip, tcp, udp};

fn packet(frame: &[u8]) -> Packet {
    Packet::detached(frame).unwrap()
}

fn sctp(payload: &[u8]) -> Vec<u8> {
    let mut l4 = vec![0, 1, 0, 2, 9, 9, 9, 9, 0, 0, 0, 0];
    l4.extend(payload);
    let crc = ovs_packet::checksum::crc32c(&[&l4]);
    l4[8..12].copy_from_slice(&crc.to_le_bytes());
    l4
}

/// Every L4 protocol over both IP versions, with and without a tag.
fn all(payload: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for v6 in [false, true] {
        for vlans in [&[][..], &[7], &[7, 9]] {
            frames.push(ip(v6, vlans, 6, tcp(0x18, payload), Some(16)));
            frames.push(ip(v6, vlans, 17, udp(payload), Some(6)));
            frames.push(ip(v6, vlans, 132, sctp(payload), None));
            let icmp = [&[if v6 { 128 } else { 8 }, 0, 0, 0, 0, 1, 0, 2], payload].concat();
            frames.push(ip(v6, vlans, if v6 { 58 } else { 1 }, icmp, Some(2)));
        }
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_edit_keeps_the_checksums(payload in prop::collection::vec(any::<u8>(), 0..64), x: [u8; 16], y: [u8; 16], a: u16, b: u16, c: u8, d: u8) {
        for frame in all(&payload) {
            assert_checksums(&frame);
            let mut packet = packet(&frame);
            if let Some(mut ip) = edit::Ipv4::of(&mut packet) {
                ip.set_src(x[..4].try_into().unwrap());
                ip.set_dst(y[..4].try_into().unwrap());
                ip.set_tos(c);
                ip.set_ttl(d);
                assert_eq!((ip.src(), ip.dst(), ip.tos(), ip.ttl()), (x[..4].try_into().unwrap(), y[..4].try_into().unwrap(), c, d));
            } else {
                let mut ip = edit::Ipv6::of(&mut packet).unwrap();
                ip.set_src(x);
                ip.set_dst(y);
                ip.set_traffic_class(c);
                ip.set_hop_limit(d);
                ip.set_flow_label(u32::from(a));
                assert_eq!((ip.src(), ip.dst(), ip.traffic_class(), ip.hop_limit(), ip.flow_label()), (x, y, c, d, u32::from(a)));
            }
            assert_checksums(packet.data());
            if let Some(mut ports) = edit::Ports::of(&mut packet) {
                ports.set(a, b);
                assert_eq!((ports.src(), ports.dst()), (a, b));
            } else {
                edit::Icmp::of(&mut packet).unwrap().set(c, d);
            }
            assert_checksums(packet.data());
        }
    }

    #[test]
    fn a_partial_checksum_stays_completable(payload in prop::collection::vec(any::<u8>(), 0..64), x: [u8; 16], a: u16, b: u16) {
        for (v6, l4, protocol, field) in [(false, tcp(0x10, &payload), 6, 16), (true, udp(&payload), 17, 6)] {
            let mut frame = ip(v6, &[], protocol, l4.clone(), None);
            let start = frame.len() - l4.len();
            let sum = if v6 {
                ovs_packet::checksum::pseudo_v6(A6, crate::frames::B6, ovs_packet::wire::IpProtocol(protocol), l4.len() as u32)
            } else {
                ovs_packet::checksum::pseudo_v4(A4, crate::frames::B4, ovs_packet::wire::IpProtocol(protocol), l4.len() as u16)
            };
            frame[start + field..start + field + 2].copy_from_slice(&sum.value().to_be_bytes());
            let mut packet = packet(&frame);
            let facts = packet.facts_mut();
            facts.offload = Offload::NEEDS_L4_CSUM;
            facts.csum_start = start as u16;
            facts.csum_offset = field as u16;
            edit::push_vlan(&mut packet, 0x8100, 5).unwrap();
            match edit::Ipv4::of(&mut packet) {
                Some(mut ip) => ip.set_dst(x[..4].try_into().unwrap()),
                None => edit::Ipv6::of(&mut packet).unwrap().set_dst(x),
            }
            edit::Ports::of(&mut packet).unwrap().set(a, b);
            edit::complete_checksum(&mut packet).unwrap();
            prop_assert_eq!(packet.facts().offload, Offload::CSUM_VALID);
            assert_checksums(packet.data());
        }
    }

    #[test]
    fn nothing_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..120), ether_type in prop::sample::select(vec![0x0800u16, 0x86dd, 0x8100, 0x8847, 0x0806, 0x88a8]), start: u16, offset: u16, size: u16) {
        if bytes.len() > 14 {
            bytes[12..14].copy_from_slice(&ether_type.to_be_bytes());
            bytes[14] = if ether_type == 0x0800 { 0x45 } else { 0x60 };
        }
        let mut pool = ovs_packet::Pool::new(ovs_packet::PoolConfig::default());
        let mut packet = pool.packet_from(&bytes).unwrap();
        if let Some(mut ip) = edit::Ipv4::of(&mut packet) { ip.set_dst([1, 2, 3, 4]); ip.set_ttl(1); }
        if let Some(mut ip) = edit::Ipv6::of(&mut packet) { ip.set_dst([1; 16]); }
        if let Some(mut ports) = edit::Ports::of(&mut packet) { ports.set(1, 2); }
        if let Some(mut icmp) = edit::Icmp::of(&mut packet) { icmp.set(135, 0); }
        if let Some(mut nd) = edit::Neighbor::of(&mut packet) { nd.set_target([3; 16]); nd.set_source_ether([1; 6]); nd.set_target_ether([2; 6]); }
        if let Some(mut arp) = edit::Arp::of(&mut packet) { arp.set_sender_ip([0; 4]); }
        let _ = edit::push_mpls(&mut packet, 0x8847, 0x100);
        let _ = edit::pop_mpls(&mut packet, 0x0800);
        let _ = edit::push_vlan(&mut packet, 0x8100, 1);
        edit::set_vlan_tci(&mut packet, 2);
        edit::pop_vlan(&mut packet);
        for offload in [Offload::NEEDS_L4_CSUM, Offload::TSO4 | Offload::NEEDS_L4_CSUM, Offload::TSO6, Offload::USO] {
            let mut copy = packet.try_clone_into(&mut pool).unwrap();
            let facts = copy.facts_mut();
            (facts.offload, facts.csum_start, facts.csum_offset, facts.segment_size) = (offload, start % 128, offset % 32, size % 32);
            let _ = edit::finish(copy, Offload::empty(), &mut pool, &mut |_| ());
        }
    }
}

#[test]
fn tags_and_labels_come_off_as_they_went_on() {
    let frame = ip(false, &[100], 17, udp(b"x"), Some(6));
    let mut packet = packet(&frame);
    packet.layers_mut().l3 = 18;
    assert_eq!(edit::top_mpls(&packet), None);
    edit::push_mpls(&mut packet, 0x8847, 0x0001_0140).unwrap();
    edit::push_mpls(&mut packet, 0x8848, 0x0002_0040).unwrap();
    assert_eq!((packet.layers().l2_5, packet.layers().l3), (18, 26));
    assert_eq!(packet.data()[12..26], [0x81, 0, 0, 100, 0x88, 0x48, 0, 2, 0, 0x40, 0, 1, 1, 0x40][..]);
    assert!(edit::set_mpls(&mut packet, 0x0003_0040));
    assert_eq!(edit::pop_mpls(&mut packet, 0x8847), Ok(0x0003_0040));
    assert_eq!(edit::top_mpls(&packet), Some(0x0001_0140));
    assert_eq!(edit::pop_mpls(&mut packet, 0x0800), Ok(0x0001_0140));
    assert_eq!(
        (packet.data(), packet.layers().l3, packet.layers().l2_5),
        (&frame[..], 18, ovs_packet::ABSENT)
    );
    assert_eq!(edit::pop_mpls(&mut packet, 0x0800), Err(edit::EditError::WrongHeader));
    assert_eq!(edit::pop_vlan(&mut packet), Some((0x8100, 100)));
    assert_eq!(edit::pop_vlan(&mut packet), None);
    assert_eq!(packet.layers().l3, 14);
}

#[test]
fn udp_without_a_checksum_stays_without() {
    let mut packet = packet(&ip(false, &[], 17, udp(b"hello"), None));
    edit::Ipv4::of(&mut packet).unwrap().set_src([9, 9, 9, 9]);
    edit::Ports::of(&mut packet).unwrap().set(1, 2);
    assert_eq!(packet.data()[40..42], [0, 0]);
}

#[test]
fn a_later_fragment_has_no_ports() {
    let mut frame = ip(false, &[], 17, udp(b"hello"), Some(6));
    frame[20..22].copy_from_slice(&[0x00, 0x10]);
    assert!(edit::Ports::of(&mut packet(&frame)).is_none());
}

#[test]
fn arp_and_neighbour_fields() {
    let mut frame = ethernet(&[], 0x0806);
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
    let mut arp_packet = packet(&frame);
    let mut arp = edit::Arp::of(&mut arp_packet).unwrap();
    assert_eq!((arp.operation(), arp.sender_ip(), arp.target_ip()), (1, [10, 0, 0, 1], [10, 0, 0, 2]));
    arp.set_operation(2);
    arp.set_target_ether([5; 6]);
    assert_eq!((arp.operation(), arp.target_ether(), arp.sender_ether()), (2, [5; 6], [2, 0, 0, 0, 0, 1]));

    let mut l4 = vec![135, 0, 0, 0, 0, 0, 0, 0];
    l4.extend(A6);
    l4.extend([1, 1, 2, 0, 0, 0, 0, 1]);
    let mut solicitation = packet(&ip(true, &[], 58, l4, Some(2)));
    let mut nd = edit::Neighbor::of(&mut solicitation).unwrap();
    assert_eq!((nd.target(), nd.source_ether(), nd.target_ether()), (A6, Some([2, 0, 0, 0, 0, 1]), None));
    nd.set_target([7; 16]);
    assert!(nd.set_source_ether([8; 6]) && !nd.set_target_ether([8; 6]));
    assert_checksums(solicitation.data());
}
