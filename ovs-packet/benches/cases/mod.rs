//! What both benchmarks measure: each case is made ready once, and then runs in rounds.

use std::hint::black_box;

use ovs_packet::fragment::{Accepted, Cut, Origin, Reassembler, ReassemblerConfig, fragment};
use ovs_packet::{Batch, Offload, Packet, Pool, PoolConfig, build, checksum, edit};

/// Sizes of buffers that are summed: an IPv4 header, small and full frames, a super-packet.
pub const SIZES: [usize; 4] = [20, 64, 1500, 65_536];

/// Bytes that are neither all alike nor random.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32).map(|i| (i * 31 + i / 251) as u8).collect()
}

/// A round of a case.
pub type Round = Box<dyn FnMut()>;

/// Makes a case ready.
pub type Ready = fn() -> Round;

/// Every case but the checksums: its name, and how to make it ready.
pub const CASES: [(&str, Ready); 9] = [
    ("buffers/batch_dropped", || batches(false)),
    ("buffers/batch_recycled", || batches(true)),
    ("edit/ipv4_dst_ttl", ipv4),
    ("edit/ipv6_src_ports", ipv6),
    ("edit/vlan_push_pop", vlan),
    ("segment/tcp_62k", || segments("eth / ipv4 / tcp 1 > 2 / 62000", Offload::TSO4)),
    ("segment/vxlan_tcp_62k", vxlan),
    ("fragment/9000_to_1500", fragments),
    ("reassemble/9000_of_1500", reassembly),
];

fn pool() -> Pool {
    Pool::new(PoolConfig::default())
}

fn packet(description: &str) -> Packet {
    Packet::detached(&build::frame(description).expect("a packet")).expect("memory")
}

/// A full batch from a warm pool and back.
fn batches(recycled: bool) -> Round {
    let mut pool = pool();
    Box::new(move || {
        let mut batch = Batch::new();
        while !batch.is_full() {
            let Some(packet) = pool.get_small() else { break };
            let _ = batch.push(packet);
        }
        black_box(&mut batch);
        if recycled {
            pool.recycle_batch(&mut batch);
        }
    })
}

fn ipv4() -> Round {
    let mut packet = packet("eth / ipv4 / tcp 1 > 2 / 64");
    Box::new(move || {
        let mut ip = edit::Ipv4::of(&mut packet).expect("it is IPv4");
        ip.set_dst(black_box([10, 0, 0, 3]));
        ip.set_ttl(black_box(63));
    })
}

fn ipv6() -> Round {
    let mut packet = packet("eth / vlan 3 / ipv6 / udp 1 > 2 / 64");
    Box::new(move || {
        edit::Ipv6::of(&mut packet).expect("it is IPv6").set_src(black_box([7; 16]));
        edit::Ports::of(&mut packet).expect("it is UDP").set(black_box(8), black_box(9));
    })
}

fn vlan() -> Round {
    let mut packet = packet("eth / ipv4 / tcp 1 > 2 / 64");
    Box::new(move || {
        edit::push_vlan(&mut packet, 0x8100, black_box(5)).expect("there is room");
        black_box(edit::pop_vlan(&mut packet));
    })
}

/// A super-packet, copied and cut into segments of 1,448 bytes.
fn segments(description: &str, offload: Offload) -> Round {
    let mut whole = packet(description);
    whole.facts_mut().offload = offload;
    cutting(whole)
}

fn vxlan() -> Round {
    let inner = build::frame("eth / ipv4 / tcp 1 > 2 / 62000").expect("a packet");
    let mut whole = packet("eth / ipv4 / udp 40000 > 4789 / 8");
    let len = inner.len() as u16;
    whole.data_mut()[42..50].copy_from_slice(&[8, 0, 0, 0, 0, 0, 7, 0]);
    let mut frame = whole.data().to_vec();
    frame.extend(inner);
    frame[16..18].copy_from_slice(&(36 + len).to_be_bytes());
    frame[38..40].copy_from_slice(&(16 + len).to_be_bytes());
    let mut whole = Packet::detached(&frame).expect("memory");
    whole.facts_mut().offload = Offload::TSO4 | Offload::IN_VXLAN;
    cutting(whole)
}

fn cutting(mut whole: Packet) -> Round {
    whole.facts_mut().segment_size = 1448;
    let mut pool = pool();
    Box::new(move || {
        let copy = whole.try_clone_into(&mut pool).expect("the pool has frames");
        let count = edit::finish(copy, Offload::empty(), &mut pool, &mut |segment| drop(segment));
        assert_eq!(count, Ok(43));
    })
}

fn fragments() -> Round {
    let whole = packet("eth / ipv4 / udp 1 > 2 / 8972");
    let mut pool = pool();
    Box::new(move || {
        let copy = whole.try_clone_into(&mut pool).expect("the pool has frames");
        let count = fragment(copy, Cut::Mtu(1500), 0, &mut pool, &mut |part| drop(part));
        assert_eq!(count, Ok(7));
    })
}

/// Seven fragments in disorder, copied, and made whole.
fn reassembly() -> Round {
    let mut pool = pool();
    let mut parts = Vec::new();
    let whole = packet("eth / ipv4 / udp 1 > 2 / 8972");
    fragment(whole, Cut::Mtu(1500), 0, &mut pool, &mut |part| parts.push(part)).expect("it can be cut");
    parts.swap(1, 5);
    parts.swap(0, 3);
    let mut reassembler = Reassembler::new(ReassemblerConfig::default());
    Box::new(move || {
        let mut whole = 0;
        for part in &parts {
            let part = part.try_clone_into(&mut pool).expect("the pool has frames");
            let accepted = reassembler.accept(Origin::default(), part, core::time::Duration::ZERO, &mut pool);
            whole += u32::from(matches!(accepted, Accepted::Whole(..)));
        }
        assert_eq!(whole, 1);
    })
}

/// The sums of so many bytes: the Internet checksum and `CRC32c`.
pub fn sum(data: &[u8]) -> u16 {
    checksum::internet(black_box(data))
}

/// See [`sum`].
pub fn crc(data: &[u8]) -> u32 {
    checksum::crc32c(&[black_box(data)])
}
