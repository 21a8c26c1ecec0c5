//! Unfinished checksums and super-packets.

use ovs_netdev::Options;
use ovs_netdev::ovs_packet::{DeviceFacts, Offload, Packet, Pool, PoolConfig, edit};

use super::Bed;
use super::subject::{Subject, copy};

/// The sum of 16-bit words, folded: what a partial checksum's field holds of the pseudo-header.
fn fold(words: impl Iterator<Item = u16>) -> u16 {
    let mut sum: u32 = words.map(u32::from).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))
}

/// IPv4 with `l4` of protocol `protocol`, whose checksum (at `offset` of the L4 header) holds the pseudo-header's sum.
fn ipv4(protocol: u8, mut l4: Vec<u8>, offset: usize, facts: DeviceFacts) -> Packet {
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let total = (20 + l4.len()) as u16;
    let mut ip = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2];
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    let sum = !fold(words(&ip));
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let length = l4.len() as u16;
    let pseudo = fold(words(&ip[12..20]).chain([u16::from(protocol), length]));
    l4[offset..offset + 2].copy_from_slice(&pseudo.to_be_bytes());
    bytes.extend(ip);
    bytes.extend(l4);
    let mut packet = Packet::detached(&bytes).unwrap();
    *packet.facts_mut() = facts;
    packet.facts_mut().csum_start = 34;
    packet.facts_mut().csum_offset = offset as u16;
    packet
}

fn udp(payload: usize) -> Packet {
    let mut l4 = vec![0x30, 0x39, 0x30, 0x3a];
    l4.extend((8 + payload as u16).to_be_bytes());
    l4.extend([0, 0]);
    l4.extend((0..payload).map(|at| at as u8));
    let facts = DeviceFacts { offload: Offload::NEEDS_L4_CSUM, ..DeviceFacts::default() };
    ipv4(17, l4, 6, facts)
}

fn tcp(payload: usize, segment: u16) -> Packet {
    let mut l4 = vec![0x30, 0x39, 0x30, 0x3a, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
    l4.extend((0..payload).map(|at| (at / 3) as u8));
    let offload = Offload::NEEDS_L4_CSUM | Offload::TSO4;
    ipv4(6, l4, 16, DeviceFacts { offload, segment_size: segment, ..DeviceFacts::default() })
}

/// The packets that this one is on a wire.
fn finished(packet: &Packet, can: Offload) -> Vec<Packet> {
    let (mut pool, mut out) = (Pool::new(PoolConfig::default()), Vec::new());
    edit::finish(copy(packet), can, &mut pool, &mut |packet| out.push(copy(&packet))).unwrap();
    out
}

/// What concerns the work that is left.
fn work(packet: &Packet) -> (Offload, u16, u16, u16) {
    let facts = packet.facts();
    let offload = facts.offload & Offload::UNFINISHED;
    let segment = if offload.intersects(Offload::SEGMENT) { facts.segment_size } else { 0 };
    let (start, offset) =
        if offload.contains(Offload::NEEDS_L4_CSUM) { (facts.csum_start, facts.csum_offset) } else { (0, 0) };
    (offload, segment, start, offset)
}

/// What has work left: checksums, and segments of several sizes.
fn unfinished() -> [Packet; 4] {
    [udp(1), udp(1000), tcp(20_000, 1448), tcp(60_000, 536)]
}

/// The device says what it can be left to do.
pub fn told(bed: &mut dyn Bed) {
    let offloads = bed.abilities().offloads;
    assert_eq!(Subject::new(bed).tx.offloads(), offloads);
}

/// Checksums that the device can be left to do.
pub fn checksums_sent(bed: &mut dyn Bed) {
    sent(bed, &[udp(1), udp(1000)]);
}

/// TCP segments that the device can be left to make.
pub fn segments_sent(bed: &mut dyn Bed) {
    sent(bed, &[tcp(20_000, 1448), tcp(60_000, 536)]);
}

/// They are finished on the wire, or passed on as unfinished to an end that takes that.
fn sent(bed: &mut dyn Bed, packets: &[Packet]) {
    let abilities = bed.abilities();
    let mut subject = Subject::new(bed);
    for packet in packets {
        assert_eq!(subject.send(vec![copy(packet)]).packets, 1);
        if abilities.far_sees_work {
            check(&mut |count| subject.far_receive(count), packet);
        } else {
            assert!(subject.far_receive(1)[0].data() == packet.data());
        }
    }
}

/// What the other end leaves to do arrives as that, or finished.
pub fn received(bed: &mut dyn Bed) {
    let mut subject = Subject::new(bed);
    for packet in &unfinished() {
        subject.far.send(vec![copy(packet)]);
        check(&mut |count| subject.receive(count), packet);
    }
}

/// The packet came whole with its work, or as what it is on a wire.
fn check(receive: &mut dyn FnMut(usize) -> Vec<Packet>, sent: &Packet) {
    let mut seen = receive(1);
    if seen[0].facts().is_unfinished() {
        assert_eq!((seen.len(), work(&seen[0])), (1, work(sent)));
        assert!(seen[0].data() == sent.data());
        return;
    }
    let wire = finished(sent, Offload::empty());
    if wire.len() > seen.len() {
        seen.extend(receive(wire.len() - seen.len()));
    }
    assert_eq!(seen.len(), wire.len());
    for (seen, wire) in seen.iter().zip(&wire) {
        assert!(seen.data() == wire.data(), "{:02x?} for {:02x?}", &seen.data()[..54], &wire.data()[..54]);
    }
}

/// Work that the sender has done because the device cannot arrives done.
pub fn software_does_the_rest(bed: &mut dyn Bed) {
    let mut subject = Subject::with(bed, &Options::new(), Vec::new());
    for packet in [udp(700), tcp(9000, 1400)] {
        let wire = finished(&packet, Offload::empty());
        let count = wire.len();
        assert_eq!(subject.send(wire.iter().map(copy).collect()).packets, count as u64);
        for (seen, wire) in subject.far_receive(count).iter().zip(&wire) {
            assert!(seen.data() == wire.data() && !seen.facts().is_unfinished());
        }
    }
}
