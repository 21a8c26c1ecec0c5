//! Headers that come and go, and their fields, at every depth.

use ovs_packet::edit::{
    self, EditError, Hop, Icmp, Ipv4, Ipv6, Mpls, Neighbor, Nsh, NshContext, NshPush, Ports, Vlan,
};
use ovs_packet::{Offload, Packet, build};
use proptest::prelude::*;

use crate::frames::{A6, assert_checksums, ethernet, ip, tcp, udp};

fn packet(description: &str) -> Packet {
    Packet::detached(&build::frame(description).unwrap()).unwrap()
}

#[test]
fn tags_are_reached_at_any_depth() {
    let mut packet = packet("eth / svlan 10 pcp=1 / vlan 20 / vlan 30 pcp=7 / ipv4 / udp / 4");
    for (depth, (tpid, vid, pcp)) in
        [(0x88a8, 10, 1), (0x8100, 20, 0), (0x8100, 30, 7)].into_iter().enumerate()
    {
        let mut tag = Vlan::of(&mut packet, depth).unwrap();
        assert_eq!((tag.tpid(), tag.vid(), tag.pcp(), tag.dei()), (tpid, vid, pcp, false));
        tag.set_vid(0x104d);
        tag.set_pcp(9);
        tag.set_dei(true);
        tag.set_tpid(0x0800);
        assert_eq!((tag.tpid(), tag.vid(), tag.pcp(), tag.dei(), tag.tci()), (tpid, 77, 1, true, 0x304d));
        tag.set_tpid(0x88a8);
        assert_eq!(tag.tpid(), 0x88a8);
    }
    assert!(Vlan::of(&mut packet, 3).is_none());
    assert!(Vlan::of(&mut packet, usize::MAX).is_none());
    packet.facts_mut().packet_type = 0x1_0800;
    assert!(Vlan::of(&mut packet, 0).is_none());
    assert_eq!(edit::push_vlan(&mut packet, 0x8100, 1), Err(EditError::WrongHeader));
}

#[test]
fn labels_are_reached_at_any_depth() {
    let mut packet = packet("eth / mpls 16 ttl=9 / mpls 17 tc=5 / ipv4 ttl=33 / udp / 4");
    let mut top = Mpls::of(&mut packet, 0).unwrap();
    assert_eq!((top.label(), top.traffic_class(), top.is_bottom(), top.ttl()), (16, 0, false, 9));
    top.set_ttl(1);
    assert_eq!(edit::dec_mpls_ttl(&mut packet), Hop::Expired);
    let mut bottom = Mpls::of(&mut packet, 1).unwrap();
    assert_eq!((bottom.label(), bottom.traffic_class(), bottom.is_bottom(), bottom.ttl()), (17, 5, true, 64));
    bottom.set_label(0xfff_ffff);
    bottom.set_traffic_class(10);
    bottom.set_bottom(true);
    bottom.set_ttl(3);
    assert_eq!(bottom.entry(), 0xffff_f503);
    assert!(Mpls::of(&mut packet, 2).is_none());
    assert_eq!(edit::next_mpls(&packet), 16 << 12 | 1);
    assert_eq!(edit::dec_ttl(&mut packet), Hop::Absent);
    for (text, entry) in [
        ("eth / ipv4 ttl=33 / udp", 0x121),
        ("eth / vlan 3 / ipv6 ttl=9 / udp", 0x2109),
        ("eth / arp", 0x140),
    ] {
        assert_eq!(edit::next_mpls(&self::packet(text)), entry);
    }
}

#[test]
fn ethernet_headers_come_and_go() {
    let whole = build::frame("eth / ipv4 / udp / 4").unwrap();
    let mut packet = Packet::detached(&whole).unwrap();
    assert_eq!(edit::push_ethernet(&mut packet, [1; 6], [2; 6]), Err(EditError::WrongHeader));
    let (dst, src) = edit::pop_ethernet(&mut packet).unwrap();
    assert_eq!((packet.facts().packet_type, packet.data()), (0x1_0800, &whole[14..]));
    Ipv4::of(&mut packet).unwrap().set_dscp(46);
    Ipv4::of(&mut packet).unwrap().set_dscp(0);
    assert_eq!(edit::pop_ethernet(&mut packet), Err(EditError::WrongHeader));
    edit::push_ethernet(&mut packet, dst, src).unwrap();
    assert_eq!((packet.facts().packet_type, packet.data()), (0, &whole[..]));
    assert_eq!(edit::pop_ethernet(&mut Packet::detached(&whole[..13]).unwrap()), Err(EditError::Truncated));
}

#[test]
fn service_headers_come_and_go() {
    let context = NshContext::Fixed([1, 2, 3, 0xffff_ffff]);
    let header = NshPush { flags: 2, ttl: 63, path: 0x00ab_cdef, index: 255, context };
    let whole = build::frame("eth / ipv4 / udp / 4").unwrap();
    let mut packet = Packet::detached(&whole).unwrap();
    edit::push_nsh(&mut packet, &header).unwrap();
    assert_eq!(packet.data()[..8], [0x2f, 0xc6, 1, 3, 0xab, 0xcd, 0xef, 255]);
    assert_eq!(edit::dec_nsh_ttl(&mut packet), Hop::Left(62));
    let mut nsh = Nsh::of(&mut packet).unwrap();
    assert_eq!((nsh.flags(), nsh.ttl(), nsh.path(), nsh.index()), (2, 62, 0x00ab_cdef, 255));
    assert_eq!((nsh.metadata_type(), nsh.next_protocol(), nsh.context()), (1, 3, Some([1, 2, 3, u32::MAX])));
    nsh.set_flags(1);
    nsh.set_ttl(65);
    nsh.set_path(0xff00_0001);
    nsh.set_index(9);
    assert!(nsh.set_context(3, 4) && !nsh.set_context(4, 4));
    assert_eq!((nsh.flags(), nsh.ttl(), nsh.path(), nsh.index()), (1, 1, 1, 9));
    assert_eq!(nsh.context(), Some([1, 2, 3, 4]));
    // Nested, with options, and in an Ethernet frame of its own.
    let options = NshPush { context: NshContext::Options(&[0, 1, 2, 4, 9, 9, 9, 9]), ..header };
    edit::push_nsh(&mut packet, &options).unwrap();
    assert_eq!((packet.data()[1] & 63, packet.data()[2..4].to_vec()), (4, vec![2, 4]));
    assert_eq!(Nsh::of(&mut packet).unwrap().context(), None);
    edit::push_ethernet(&mut packet, [1; 6], [2; 6]).unwrap();
    edit::pop_nsh(&mut packet).unwrap();
    assert_eq!(packet.facts().packet_type, 0x1_894f);
    edit::pop_nsh(&mut packet).unwrap();
    assert_eq!((packet.facts().packet_type, packet.data()), (0, &whole[..]));
    assert_eq!(edit::pop_nsh(&mut packet), Err(EditError::WrongHeader));
    let odd = NshPush { context: NshContext::Options(&[1]), ..header };
    assert_eq!(edit::push_nsh(&mut packet, &odd), Err(EditError::WrongHeader));
    let long = NshPush { context: NshContext::Options(&[0; 248]), ..header };
    assert_eq!(edit::push_nsh(&mut packet, &long), Err(EditError::WrongHeader));
    packet.facts_mut().packet_type = 0x1_0806;
    assert_eq!(edit::push_nsh(&mut packet, &header), Err(EditError::WrongHeader));
}

#[test]
fn hops_are_counted_down_until_none_is_left() {
    for text in ["eth / ipv4 ttl=2 / tcp / 5", "eth / vlan 3 / ipv6 ttl=2 / tcp / 5"] {
        let mut packet = packet(text);
        assert_eq!(edit::dec_ttl(&mut packet), Hop::Left(1));
        assert_checksums(packet.data());
        assert_eq!(edit::dec_ttl(&mut packet), Hop::Expired);
    }
    assert_eq!(edit::dec_ttl(&mut packet("eth / arp")), Hop::Absent);
    assert_eq!(edit::dec_nsh_ttl(&mut packet("eth / arp")), Hop::Absent);
    assert_eq!(edit::dec_mpls_ttl(&mut packet("eth / arp")), Hop::Absent);
}

#[test]
fn a_part_of_a_packet_has_its_checksum() {
    let mut packet = Packet::detached(&ip(false, &[], 17, udp(&[5; 100]), None)).unwrap();
    let facts = packet.facts_mut();
    facts.offload = Offload::NEEDS_L4_CSUM | Offload::USO;
    (facts.csum_start, facts.csum_offset, facts.segment_size) = (34, 6, 10);
    assert!(!edit::truncate(&mut packet, 142));
    assert!(packet.facts().is_unfinished());
    assert!(edit::truncate(&mut packet, 60));
    assert_eq!((packet.len(), packet.facts().is_unfinished()), (60, false));
    assert_ne!(packet.data()[40..42], [0, 0]);
}

#[test]
fn the_first_option_of_a_neighbour_can_be_renamed() {
    let mut l4 = vec![136, 0, 0, 0, 0, 0, 0, 0];
    l4.extend(A6);
    l4.extend([2, 1, 2, 0, 0, 0, 0, 1]);
    let mut packet = Packet::detached(&ip(true, &[], 58, l4, Some(2))).unwrap();
    let mut nd = Neighbor::of(&mut packet).unwrap();
    assert_eq!((nd.option_kind(), nd.source_ether()), (Some(2), None));
    assert!(nd.set_option_kind(1));
    assert_eq!((nd.option_kind(), nd.source_ether()), (Some(1), Some([2, 0, 0, 0, 0, 1])));
    nd.set_flags(0xe000_0001);
    assert_checksums(packet.data());
}

/// Protocols with a pseudo header that switches rarely think of: number, where their checksum is, over which versions.
const OTHERS: [(u8, usize, &[bool]); 6] = [
    (136, 6, &[false, true]),
    (33, 6, &[false, true]),
    (58, 2, &[true]),
    (103, 2, &[true]),
    (89, 12, &[true]),
    (135, 4, &[true]),
];

proptest! {
    #[test]
    fn addresses_are_followed_by_every_pseudo_header(payload in prop::collection::vec(any::<u8>(), 16..64), x: [u8; 16], y: [u8; 16]) {
        for (protocol, field, versions) in OTHERS {
            for v6 in versions {
                let mut l4 = payload.clone();
                l4[field..field + 2].fill(0);
                let mut packet = Packet::detached(&ip(*v6, &[], protocol, l4, Some(field))).unwrap();
                if let Some(mut ip) = Ipv4::of(&mut packet) {
                    ip.set_src(*x.first_chunk().unwrap());
                    ip.set_dst(*y.first_chunk().unwrap());
                } else {
                    let mut ip = Ipv6::of(&mut packet).unwrap();
                    ip.set_src(x);
                    ip.set_dst(y);
                }
                let l3 = 14 + if *v6 { 40 } else { 20 };
                let len = packet.len() - l3;
                let number = ovs_packet::wire::IpProtocol(protocol);
                let pseudo = if *v6 {
                    ovs_packet::checksum::pseudo_v6(x, y, number, len as u32)
                } else {
                    ovs_packet::checksum::pseudo_v4(*x.first_chunk().unwrap(), *y.first_chunk().unwrap(), number, len as u16)
                };
                prop_assert_eq!(pseudo.and(ovs_packet::checksum::Sum::of(&packet.data()[l3..])).checksum(), 0);
            }
        }
    }

    #[test]
    fn single_fields_leave_the_others(a: u16, b: u16, c: u8, d: u8) {
        for v6 in [false, true] {
            let mut packet = Packet::detached(&ip(v6, &[3], 6, tcp(0x10, b"x"), Some(16))).unwrap();
            let mut ports = Ports::of(&mut packet).unwrap();
            ports.set_src(a);
            ports.set_dst(b);
            prop_assert_eq!((ports.src(), ports.dst()), (a, b));
            if let Some(mut ip) = Ipv4::of(&mut packet) {
                ip.set_dscp(c);
                ip.set_ecn(d);
                prop_assert_eq!((ip.dscp(), ip.ecn(), ip.tos()), (c & 63, d & 3, c << 2 | d & 3));
            } else {
                let mut ip = Ipv6::of(&mut packet).unwrap();
                ip.set_dscp(c);
                ip.set_ecn(d);
                prop_assert_eq!((ip.dscp(), ip.ecn(), ip.traffic_class()), (c & 63, d & 3, c << 2 | d & 3));
            }
            assert_checksums(packet.data());
            let number = if v6 { 58 } else { 1 };
            let mut packet = Packet::detached(&ip(v6, &[], number, vec![8, 0, 0, 0, 0, 1, 0, 2], Some(2))).unwrap();
            let mut icmp = Icmp::of(&mut packet).unwrap();
            icmp.set_kind(c);
            icmp.set_code(d);
            prop_assert_eq!((icmp.kind(), icmp.code()), (c, d));
            assert_checksums(packet.data());
        }
    }
}

#[test]
fn nothing_but_zeros_has_the_other_zero() {
    let message = [&[8, 0, 0, 0], &[0; 20][..]].concat();
    let mut packet = Packet::detached(&ip(false, &[], 1, message, Some(2))).unwrap();
    Icmp::of(&mut packet).unwrap().set_kind(0);
    assert_eq!(packet.data()[34..38], [0, 0, 0xff, 0xff]);
    assert_checksums(packet.data());
    Icmp::of(&mut packet).unwrap().set_kind(8);
    assert_checksums(packet.data());
}

#[test]
fn what_is_not_there_is_not_set() {
    let mut packet = Packet::detached(&ethernet(&[], 0x894f)).unwrap();
    assert!(Nsh::of(&mut packet).is_none());
    assert_eq!(edit::pop_nsh(&mut packet), Err(EditError::WrongHeader));
    assert!(!edit::set_mpls(&mut packet, 1) && !edit::set_vlan_tci(&mut packet, 1));
}
