//! Claims about memory, counted by the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use core::time::Duration;

use ovs_packet::fragment::{Accepted, Cut, Origin, Reassembler, ReassemblerConfig, fragment};
use ovs_packet::{Batch, Offload, Packet, Pool, PoolConfig, edit};

use crate::frames::{ip, tcp, udp};

/// The system's allocator, counting allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> usize {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn ten_thousand_warm_batches_allocate_nothing() {
    let frame = ip(false, &[], 17, udp(&[7; 64]), Some(6));
    let mut pool = Pool::new(PoolConfig::default());
    let mut turn = |recycle: bool| {
        let mut batch = Batch::new();
        while !batch.is_full() {
            let mut packet = pool.packet_from(&frame).unwrap();
            edit::push_vlan(&mut packet, 0x8100, 5).unwrap();
            edit::Ipv4::of(&mut packet).unwrap().set_ttl(3);
            batch.push(packet).unwrap();
        }
        if recycle {
            pool.recycle_batch(&mut batch);
        }
    };
    turn(false);
    let before = allocations();
    for i in 0..10_000 {
        turn(i % 2 == 0);
    }
    assert_eq!(allocations() - before, 0);
}

#[test]
fn warm_segments_and_fragments_allocate_nothing() {
    let mut pool = Pool::new(PoolConfig::default());
    let mut whole = Packet::detached(&ip(false, &[], 6, tcp(0x10, &vec![7; 60_000]), Some(16))).unwrap();
    whole.facts_mut().offload = Offload::TSO4;
    whole.facts_mut().segment_size = 1448;
    let datagram = Packet::detached(&ip(true, &[], 17, udp(&[7; 9000]), Some(6))).unwrap();
    let mut turn = || {
        let copy = whole.try_clone_into(&mut pool).unwrap();
        edit::finish(copy, Offload::empty(), &mut pool, &mut drop).unwrap();
        let copy = datagram.try_clone_into(&mut pool).unwrap();
        fragment(copy, Cut::Mtu(1500), 1, &mut pool, &mut drop).unwrap();
    };
    turn();
    let before = allocations();
    (0..200).for_each(|_| turn());
    assert_eq!(allocations() - before, 0);
}

/// Reassembly may allocate nodes of its ordered maps when a datagram comes or goes, never for a fragment.
#[test]
fn fragments_of_a_known_datagram_allocate_nothing() {
    let mut pool = Pool::new(PoolConfig::default());
    let datagram = Packet::detached(&ip(true, &[], 17, udp(&vec![7; 40_000]), Some(6))).unwrap();
    let mut parts = Vec::new();
    fragment(datagram, Cut::Mtu(1500), 1, &mut pool, &mut |part| parts.push(part)).unwrap();
    let last = parts.pop().unwrap();
    let mut reassembler = Reassembler::new(ReassemblerConfig::default());
    let mut accept = |part| reassembler.accept(Origin::default(), part, Duration::ZERO, &mut pool);
    let first = parts.remove(0);
    assert!(matches!(accept(first), Accepted::Held));
    let before = allocations();
    for part in parts.drain(..) {
        assert!(matches!(accept(part), Accepted::Held));
    }
    assert_eq!(allocations() - before, 0);
    assert!(matches!(accept(last), Accepted::Whole(..)));
}
