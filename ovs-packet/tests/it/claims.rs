//! Claims about memory, counted by the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ovs_packet::{Batch, Pool, PoolConfig, edit};

use crate::frames::{ip, udp};

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
