//! A library with its own panic handler and allocator that calls into each crate that claims to do without
//! `std`: a hidden use of `std` brings a second panic handler, and does not compile.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

struct NoMemory;

// SAFETY: it never hands out memory, so there is none to misuse.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// One function of each crate, so that the linker has to look at them.
#[unsafe(no_mangle)]
pub extern "C" fn touch(port: u32) -> usize {
    let mut key = ovs_flow::FlowKey::default();
    key.in_port = port;
    let sparse = ovs_flow::SparseKey::from(&key);
    let domain = ovs_classifier::rcu::Domain::new();
    let retired = domain.reclaim(1);
    ovs_packet::Batch::new().len() + sparse.values().len() + retired
}
