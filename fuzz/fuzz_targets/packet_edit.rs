//! Edits, unfinished work and fragments. The first byte chooses; what follows is packets of any bytes, or the choice of
//! a valid packet, and operations.
#![no_main]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ovs_packet::checksum::{self, Sum, crc32c};
use ovs_packet::edit::{self, Located, NshContext, NshPush, Transport};
use ovs_packet::fragment::{Accepted, Cut, Family, Origin, Reassembler, ReassemblerConfig, fragment};
use ovs_packet::wire::{EtherType, IpProtocol};
use ovs_packet::{Offload, Packet, Pool, PoolConfig, build};

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let input = &mut Input(rest);
    match first % 6 {
        0 => edits(Packet::detached(&input.take(200)).expect("memory"), input),
        1 => edits(valid(input), input),
        2 => any_work(input),
        3 => real_work(input),
        4 => reassembly(input),
        _ => round_trip(input),
    }
});

/// One pool for all runs: every frame is back when one ends, and to make a pool takes longer than most runs.
fn pool() -> MutexGuard<'static, Pool> {
    static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(|| Mutex::new(Pool::new(PoolConfig::default())));
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is left of the input; zeros once nothing is.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let (now, rest) = self.0.split_at(self.0.len().min(N));
        out[..now.len()].copy_from_slice(now);
        self.0 = rest;
        out
    }

    fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    /// So many bytes at most, with their length in front.
    fn take(&mut self, most: usize) -> Vec<u8> {
        let len = usize::from(self.word()) % (most + 1);
        let (now, rest) = self.0.split_at(self.0.len().min(len));
        self.0 = rest;
        now.to_vec()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

const LINKS: [&str; 6] = [
    "eth",
    "eth / vlan 5 pcp=3",
    "eth / svlan 9 / vlan 8",
    "eth / mpls 16 ttl=3 / mpls 17",
    "eth / vlan 1 / mpls 3",
    "eth / vlan 1 / vlan 2 / vlan 3 / vlan 4",
];
const UPPER: [&str; 11] = [
    "ipv4 / tcp 1 > 2",
    "ipv4 1.2.3.4 > 5.6.7.8 ttl=1 / udp 1 > 53",
    "ipv4 / sctp 5 > 6",
    "ipv4 tos=0xff / icmp 8 0",
    "ipv6 / tcp 1 > 2 flags=0x19",
    "ipv6 fe80::1 > ff02::1 ttl=2 / udp 546 > 547",
    "ipv6 / sctp 5 > 6",
    "ipv6 / icmpv6 135 0 id=0 seq=0",
    "arp 10.0.0.1 > 10.0.0.2",
    "ipv4 id=65535 / icmp 0 0 id=0 seq=0",
    "ipv4 proto=2",
];

/// A valid packet, some of whose checksums may be left to a device.
fn valid(input: &mut Input<'_>) -> Packet {
    let [link, upper, len, partial] = input.array();
    let (link, upper) = (LINKS[usize::from(link) % LINKS.len()], UPPER[usize::from(upper) % UPPER.len()]);
    let frame = build::frame(&format!("{link} / {upper} / {len}")).expect("a right description");
    let mut packet = Packet::detached(&frame).expect("memory");
    if partial % 4 == 0 {
        leave_to_device(&mut packet);
    }
    packet
}

/// Makes the checksum of TCP or UDP partial.
fn leave_to_device(packet: &mut Packet) {
    let Some(Transport { at, end, protocol, .. }) = Located::of(packet).and_then(|located| located.transport)
    else {
        return;
    };
    let field = match protocol {
        IpProtocol::TCP => 16,
        IpProtocol::UDP => 6,
        _ => return,
    };
    let data = packet.data_mut();
    let full = u16::from_be_bytes([data[at + field], data[at + field + 1]]);
    data[at + field..at + field + 2].fill(0);
    let pseudo = Sum::word(!full).without(Sum::of(&data[at..end]));
    data[at + field..at + field + 2].copy_from_slice(&pseudo.value().to_be_bytes());
    let facts = packet.facts_mut();
    facts.offload = Offload::NEEDS_L4_CSUM;
    (facts.csum_start, facts.csum_offset) = (at as u16, field as u16);
}

/// Whether every checksum that can be judged is right, by the definition; None if there is none.
fn checksums(packet: &Packet) -> Option<bool> {
    let located = Located::of(packet)?;
    let data = packet.data();
    let v6 = located.ether_type == EtherType::IPV6;
    let mut right = None;
    if located.ether_type == EtherType::IPV4 {
        let header = data.get(located.l3..)?;
        let header =
            header.get(..usize::from(header.first()? & 0x0f) * 4).filter(|header| header.len() >= 20)?;
        right = Some(checksum::internet(header) == 0);
    }
    let whole = |t: &Transport| !t.fragment && !t.routed;
    let Some(Transport { at, end, protocol, .. }) = located.transport.filter(whole) else { return right };
    let l4 = data.get(at..end)?;
    let address = |at: usize| data.get(located.l3 + at..)?.first_chunk().copied();
    let wide = |at: usize| data.get(located.l3 + at..)?.first_chunk().copied();
    let pseudo = if v6 {
        checksum::pseudo_v6(wide(8)?, wide(24)?, protocol, l4.len() as u32)
    } else {
        checksum::pseudo_v4(address(12)?, address(16)?, protocol, l4.len() as u16)
    };
    let sum = match protocol {
        IpProtocol::TCP if l4.len() >= 20 => pseudo.and(Sum::of(l4)),
        IpProtocol::UDP if l4.len() >= 8 && l4[6..8] != [0, 0] => pseudo.and(Sum::of(l4)),
        IpProtocol::ICMPV6 if v6 && l4.len() >= 4 => pseudo.and(Sum::of(l4)),
        IpProtocol::ICMP if !v6 && l4.len() >= 4 => Sum::of(l4),
        IpProtocol::SCTP if l4.len() >= 12 => {
            let crc = crc32c(&[&l4[..8], &[0; 4], &l4[12..]]).to_le_bytes();
            return Some(right.unwrap_or(true) && crc == l4[8..12]);
        }
        _ => return right,
    };
    Some(right.unwrap_or(true) && sum.checksum() == 0)
}

/// The checksums once everything partial is complete.
fn final_checksums(packet: &Packet) -> Option<bool> {
    if !packet.facts().is_unfinished() {
        return checksums(packet);
    }
    let mut copy = Packet::detached(packet.data()).expect("memory");
    *copy.facts_mut() = *packet.facts();
    edit::complete_checksum(&mut copy).ok()?;
    checksums(&copy)
}

/// Operations one after the other: those that set fields keep right checksums right, those that push are undone.
fn edits(mut packet: Packet, input: &mut Input<'_>) {
    let mut before = final_checksums(&packet);
    for _ in 0..16 {
        if input.is_empty() {
            break;
        }
        let op = input.byte();
        let after = if op < 128 {
            set(&mut packet, op, input);
            let after = final_checksums(&packet);
            if before == Some(true) {
                assert_ne!(after, Some(false), "operation {op} on {packet:02x?}");
            }
            after
        } else {
            reshape(&mut packet, op, input);
            final_checksums(&packet)
        };
        before = after;
    }
}

/// Sets one field, if the packet has it.
fn set(packet: &mut Packet, op: u8, input: &mut Input<'_>) {
    let (a, b, word, address) = (input.byte(), input.byte(), input.word(), input.array());
    let narrow = *address.first_chunk().expect("16 bytes have 4");
    match op % 12 {
        0..4 => {
            if let Some(mut ip) = edit::Ipv4::of(packet) {
                match op % 4 {
                    0 => ip.set_src(narrow),
                    1 => ip.set_dst(narrow),
                    2 => ip.set_dscp(a),
                    _ => ip.set_ttl(a),
                }
            } else if let Some(mut ip) = edit::Ipv6::of(packet) {
                match op % 4 {
                    0 => ip.set_src(address),
                    1 => ip.set_dst(address),
                    2 => ip.set_ecn(a),
                    _ => ip.set_flow_label(u32::from(word) << 8),
                }
            }
        }
        4 | 5 => {
            if let Some(mut ports) = edit::Ports::of(packet) {
                ports.set(word, u16::from(a));
                assert_eq!((ports.src(), ports.dst()), (word, u16::from(a)));
            }
        }
        6 => {
            if let Some(mut icmp) = edit::Icmp::of(packet) {
                icmp.set(a, b);
            }
        }
        7 | 8 => neighbor(packet, a, address),
        9 => {
            let _ = edit::dec_ttl(packet);
        }
        10 => {
            edit::set_ether_dst(packet, [a; 6]);
            edit::set_ether_src(packet, [b; 6]);
            if let Some(mut tag) = edit::Vlan::of(packet, usize::from(a % 8)) {
                tag.set_vid(word);
                tag.set_pcp(b);
                assert_eq!((tag.vid(), tag.pcp()), (word & 0x0fff, b & 7));
            }
            if let Some(mut mpls) = edit::Mpls::of(packet, usize::from(a % 8)) {
                mpls.set_label(word.into());
                mpls.set_traffic_class(b);
                mpls.set_ttl(a);
                assert_eq!((mpls.label(), mpls.traffic_class(), mpls.ttl()), (word.into(), b & 7, a));
            }
        }
        _ => {
            if let Some(mut arp) = edit::Arp::of(packet) {
                arp.set_operation(word);
                arp.set_sender_ip(narrow);
                assert_eq!((arp.operation(), arp.sender_ip()), (word, narrow));
            }
        }
    }
}

fn neighbor(packet: &mut Packet, kind: u8, address: [u8; 16]) {
    let Some(mut nd) = edit::Neighbor::of(packet) else { return };
    nd.set_target(address);
    nd.set_flags(u32::from(kind) << 24);
    nd.set_source_ether([kind; 6]);
    nd.set_target_ether([kind; 6]);
    nd.set_option_kind(kind);
    assert_eq!(nd.target(), address);
}

/// Pushes and pops what it pushed, or pops what is there, or cuts.
fn reshape(packet: &mut Packet, op: u8, input: &mut Input<'_>) {
    let (before, kind) = (packet.data().to_vec(), packet.facts().packet_type);
    let same = |packet: &Packet| (packet.data(), packet.facts().packet_type) == (&before[..], kind);
    let word = input.word();
    match op % 8 {
        0 if edit::push_vlan(packet, 0x88a8, word).is_ok() => {
            assert_eq!(edit::pop_vlan(packet), Some((0x88a8, word)));
            assert!(same(packet));
        }
        1 => {
            let ether_type = Located::of(packet).map_or(0, |located| located.ether_type.0);
            let entry = edit::next_mpls(packet);
            if edit::push_mpls(packet, 0x8848, entry).is_ok() {
                assert_eq!(edit::pop_mpls(packet, ether_type), Ok(entry));
                assert!(same(packet));
            }
        }
        2 => {
            let options = input.take(252);
            let context =
                if word % 2 == 0 { NshContext::Fixed([1, 2, 3, 4]) } else { NshContext::Options(&options) };
            let header =
                NshPush { flags: word as u8, ttl: op, path: u32::from(word) << 9, index: op, context };
            if edit::push_nsh(packet, &header).is_ok() {
                edit::pop_nsh(packet).expect("it was pushed");
                assert!(same(packet));
            }
        }
        3 if edit::pop_ethernet(packet).map(|(dst, src)| edit::push_ethernet(packet, dst, src))
            == Ok(Ok(())) =>
        {
            assert!(same(packet));
        }
        4 => {
            let _ = (edit::pop_vlan(packet), edit::pop_nsh(packet));
        }
        5 => {
            let _ = edit::pop_mpls(packet, word);
        }
        6 => {
            edit::truncate(packet, usize::from(word) % 300);
            let _ = (edit::dec_nsh_ttl(packet), edit::dec_mpls_ttl(packet));
        }
        7 => {
            packet.facts_mut().packet_type =
                if word % 2 == 0 { 0 } else { 0x1_0000 | [0x800, 0x86dd, 0x894f][usize::from(word) % 3] }
        }
        _ => {}
    }
}

/// Any request for any bytes.
fn any_work(input: &mut Input<'_>) {
    let (offload, can, size) = (input.word(), input.word(), input.byte());
    let (start, offset) = (input.byte(), input.byte());
    let bytes = input.take(2000);
    let pool = &mut *pool();
    let mut packet = pool.packet_from(&bytes).expect("a new pool");
    let facts = packet.facts_mut();
    facts.offload = Offload::from_bits_truncate(u32::from(offload));
    facts.segment_size = u16::from(size);
    (facts.csum_start, facts.csum_offset) = (u16::from(start), u16::from(offset));
    let can = Offload::from_bits_truncate(u32::from(can));
    let mut emitted = 0;
    let result = edit::finish(packet, can, pool, &mut |packet| {
        emitted += 1;
        assert!(packet.len() <= bytes.len());
    });
    assert!(result.is_err() || result == Ok(emitted));
    assert_eq!(pool.frames_out(), 0);
}

/// A right request for a right packet, plain or in VXLAN: the segments' checksums are right and their payloads are all.
fn real_work(input: &mut Input<'_>) {
    let [upper, len, size, how] = input.array();
    let (payload, size) = (usize::from(len) * 8 + 1, u16::from(size) + 8);
    let upper = ["ipv4 / tcp 1 > 2 flags=0x99", "ipv6 / tcp 1 > 2", "ipv4 / udp 1 > 2", "ipv6 / udp 1 > 2"]
        [usize::from(upper % 4)];
    let mut frame = build::frame(&format!("eth / {upper} / {payload}")).expect("a right description");
    let mut offload = Offload::SEGMENT;
    let mut inner_at = 0;
    if how & 1 != 0 {
        let outer = if how & 2 != 0 { "ipv6" } else { "ipv4" };
        let mut whole = build::frame(&format!("eth / {outer} / udp 40000 > 4789 / {}", frame.len() + 8))
            .expect("a right description");
        inner_at = whole.len() - frame.len();
        whole[inner_at - 8..inner_at].copy_from_slice(&[8, 0, 0, 0, 0, 0, 1, 0]);
        whole[inner_at..].copy_from_slice(&frame);
        frame = whole;
        offload |= Offload::IN_VXLAN;
    }
    let pool = &mut *pool();
    let mut packet = pool.packet_from(&frame).expect("a new pool");
    packet.facts_mut().offload = offload;
    packet.facts_mut().segment_size = size;
    let headers = frame.len() - payload;
    let mut bytes = Vec::new();
    let can = if how & 4 != 0 { Offload::NEEDS_L4_CSUM } else { Offload::empty() };
    edit::finish(packet, can, pool, &mut |mut segment| {
        edit::complete_checksum(&mut segment).expect("our own request");
        assert_eq!(checksums(&segment), Some(true));
        segment.pull_front(inner_at).expect("it has the outer headers");
        assert_eq!(checksums(&segment), Some(true));
        bytes.extend_from_slice(&segment.data()[headers - inner_at..]);
    })
    .expect("a right request");
    assert_eq!(bytes, frame[headers..]);
    assert_eq!(pool.frames_out(), 0);
}

/// Fragments that lie, small limits, and time that passes: limits hold and the counters balance.
fn reassembly(input: &mut Input<'_>) {
    let pool = &mut *pool();
    let [datagrams, fragments, port, pieces] = input.array();
    let config = ReassemblerConfig::default()
        .datagrams(u32::from(datagrams % 8))
        .fragments(u32::from(fragments % 32))
        .fragments_per_port(u32::from(port % 32))
        .fragments_per_datagram(pieces)
        .bytes(4096)
        .least(u32::from(pieces % 64), 48);
    let mut reassembler = Reassembler::new(config);
    let (mut now, mut came) = (Duration::ZERO, 0);
    while !input.is_empty() {
        let op = input.byte();
        now += Duration::from_secs(u64::from(op % 4));
        reassembler.expire(now, &mut drop);
        let bytes = if op < 16 { input.take(100) } else { part(input) };
        let packet = pool.packet_from(&bytes).expect("the pool has frames");
        let origin = Origin { zone: u64::from(op & 4), port: u32::from(op & 8) };
        match reassembler.accept(origin, packet, now, pool) {
            Accepted::NotAFragment(packet) => assert_eq!(packet.data(), bytes),
            Accepted::Whole(packet, pieces) => {
                came += 1;
                let total: usize = pieces.sizes().iter().map(|size| usize::from(*size)).sum();
                assert!(packet.len() > total && pieces.sizes().len() > 1);
            }
            Accepted::Held | Accepted::Refused(..) => came += 1,
        }
        assert!(reassembler.held() <= usize::from(fragments % 32) && reassembler.held_bytes() <= 4096);
        assert!(reassembler.datagrams() <= usize::from(datagrams % 8));
        assert_eq!(pool.frames_out(), reassembler.held());
    }
    let held = reassembler.held() as u64;
    let both = [Family::V4, Family::V6].map(|family| *reassembler.stats(family));
    let accepted: u64 = both.iter().map(|s| s.accepted).sum();
    let gone: u64 = both.iter().map(|s| s.completed + s.expired + s.purged + s.condemned).sum();
    assert_eq!(accepted, gone + held);
    assert_eq!(came, accepted + both.iter().map(|s| s.refused_total()).sum::<u64>());
    reassembler.purge(&mut drop);
    assert_eq!((reassembler.held(), reassembler.held_bytes(), pool.frames_out()), (0, 0, 0));
}

/// A small fragment of one of few datagrams.
fn part(input: &mut Input<'_>) -> Vec<u8> {
    let [place, len, id, fill] = input.array();
    let (offset, more) = (u16::from(place >> 1) % 16 * 8, place & 1 != 0);
    let payload = vec![fill % 4; usize::from(len % 32)];
    let mut frame = vec![0; 12];
    if id & 1 == 0 {
        frame.extend([8, 0, 0x45, fill >> 6]);
        frame.extend((20 + payload.len() as u16).to_be_bytes());
        frame.extend([0, id % 8]);
        frame.extend((offset / 8 | u16::from(more) << 13).to_be_bytes());
        frame.extend([64, 253, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    } else {
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend((8 + payload.len() as u16).to_be_bytes());
        frame.extend([44, 64]);
        frame.extend([1; 32]);
        frame.extend([253, 0]);
        frame.extend((offset | u16::from(more)).to_be_bytes());
        frame.extend([0, 0, 0, id % 8]);
    }
    frame.extend(payload);
    frame
}

/// Cut, shuffled, made whole, cut again as it came.
fn round_trip(input: &mut Input<'_>) {
    let [upper, len, mtu, swaps] = input.array();
    let upper = ["ipv4 / udp 1 > 2", "ipv6 / tcp 1 > 2", "ipv4 id=9 / sctp 1 > 2"][usize::from(upper % 3)];
    let frame = build::frame(&format!("eth / vlan 3 / {upper} / {}", usize::from(len) * 8))
        .expect("a right description");
    let pool = &mut *pool();
    let mut parts = Vec::new();
    let whole = pool.packet_from(&frame).expect("a new pool");
    if fragment(whole, Cut::Mtu(usize::from(mtu) + 60), 7, pool, &mut |part| parts.push(part)).is_err() {
        return;
    }
    let bytes: Vec<Vec<u8>> = parts.iter().map(|part| part.data().to_vec()).collect();
    for _ in 0..swaps % 32 {
        let (a, b) = (usize::from(input.byte()) % parts.len(), usize::from(input.byte()) % parts.len());
        parts.swap(a, b);
    }
    let count = parts.len();
    let mut reassembler = Reassembler::new(ReassemblerConfig::default().least(0, 0));
    for part in parts {
        match reassembler.accept(Origin::default(), part, Duration::ZERO, pool) {
            Accepted::Whole(packet, pieces) => {
                assert_eq!(packet.data(), frame);
                let mut again = Vec::new();
                fragment(packet, Cut::Pieces(&pieces), 0, pool, &mut |part| again.push(part.data().to_vec()))
                    .expect("it was cut before");
                assert_eq!(again, bytes);
            }
            Accepted::NotAFragment(_) => assert_eq!(count, 1),
            Accepted::Held => {}
            Accepted::Refused(_, why) => assert!(count > 64, "{why:?}"),
        }
    }
}
