//! Edits of packets of any bytes, and work that was left to a device. The first byte chooses; the next few give device
//! facts where they matter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovs_packet::{Offload, Packet, Pool, PoolConfig, edit};

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    match first % 2 {
        0 => edits(rest),
        _ => unfinished(rest),
    }
});

fn edits(bytes: &[u8]) {
    let Ok(mut packet) = Packet::detached(bytes) else { return };
    if let Some(mut ip) = edit::Ipv4::of(&mut packet) {
        ip.set_src([10, 1, 2, 3]);
        ip.set_dst([10, 3, 2, 1]);
        ip.set_ttl(9);
        ip.set_tos(3);
    }
    if let Some(mut ip) = edit::Ipv6::of(&mut packet) {
        ip.set_src([1; 16]);
        ip.set_dst([2; 16]);
        ip.set_flow_label(9);
        ip.set_traffic_class(9);
        ip.set_hop_limit(9);
    }
    if let Some(mut ports) = edit::Ports::of(&mut packet) {
        ports.set(1, 2);
    }
    if let Some(mut icmp) = edit::Icmp::of(&mut packet) {
        let (kind, code) = (icmp.kind(), icmp.code());
        icmp.set(code, kind);
    }
    if let Some(mut neighbor) = edit::Neighbor::of(&mut packet) {
        neighbor.set_target([3; 16]);
        neighbor.set_source_ether([1; 6]);
        neighbor.set_target_ether([2; 6]);
    }
    if let Some(mut arp) = edit::Arp::of(&mut packet) {
        arp.set_operation(2);
    }
    // Tags and labels come off as they went on.
    let before = packet.data().to_vec();
    if edit::push_vlan(&mut packet, 0x8100, 7).is_ok() {
        assert_eq!(edit::pop_vlan(&mut packet), Some((0x8100, 7)));
        assert_eq!(packet.data(), before);
    }
    if edit::push_mpls(&mut packet, 0x8847, 0x100).is_ok() {
        assert_eq!(edit::top_mpls(&packet), Some(0x100));
        assert_eq!(edit::pop_mpls(&mut packet, 0x0800), Ok(0x100));
        assert_eq!(packet.len(), before.len());
    }
}

fn unfinished(bytes: &[u8]) {
    let Some((&[flags, can, size, start, offset], bytes)) = bytes.split_first_chunk() else { return };
    let mut pool = Pool::new(PoolConfig::default());
    let Some(mut packet) = pool.packet_from(bytes) else { return };
    let facts = packet.facts_mut();
    facts.offload = Offload::from_bits_truncate(u32::from(flags));
    facts.segment_size = u16::from(size);
    (facts.csum_start, facts.csum_offset) = (u16::from(start), u16::from(offset));
    let can = Offload::from_bits_truncate(u32::from(can));
    let mut emitted = 0;
    let result = edit::finish(packet, can, &mut pool, &mut |packet| {
        emitted += 1;
        assert!(packet.len() <= bytes.len());
    });
    assert!(result.is_err() || result == Ok(emitted));
    assert_eq!(pool.frames_out(), 0);
}
