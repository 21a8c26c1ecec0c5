//! The XDP program.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::linux::sys::bpf::Instruction;

/// Where `struct xdp_md` has the number of the queue.
const QUEUE_INDEX: i16 = 16;
/// What becomes of packets of queues that no socket is for: the host's stack has them.
const XDP_PASS: i32 = 2;
/// `bpf_redirect_map`
const REDIRECT_MAP: i32 = 51;
/// The immediate is the descriptor of a map.
const PSEUDO_MAP_FD: u8 = 1;

/// `return bpf_redirect_map(&map, context->rx_queue_index, XDP_PASS)`
pub(super) fn redirect_to(map: BorrowedFd<'_>) -> [Instruction; 6] {
    let op = |code, destination, source: u8, offset, immediate| Instruction {
        code,
        registers: destination | source << 4,
        offset,
        immediate,
    };
    [
        op(0x61, 2, 1, QUEUE_INDEX, 0),                 // r2 = *(u32 *)(r1 + 16)
        op(0x18, 1, PSEUDO_MAP_FD, 0, map.as_raw_fd()), // r1 = map
        op(0, 0, 0, 0, 0),                              //      its upper half
        op(0xb7, 3, 0, 0, XDP_PASS),                    // r3 = XDP_PASS
        op(0x85, 0, 0, 0, REDIRECT_MAP),                // r0 = bpf_redirect_map(r1, r2, r3)
        op(0x95, 0, 0, 0, 0),                           // return r0
    ]
}
