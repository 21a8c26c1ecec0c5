//! Devices that DPDK drives (types `dpdk`, and whatever vdev DPDK has), behind the feature `dpdk`.
//!
//! ```text
//!   Eal::init(args) ── one token a process ──▶ DpdkFactory ── open("p1", dpdk-devargs=…) ──▶ DpdkDevice
//!                                                                       │
//!   mbuf | frame header | headroom | data      a Packet's frame lies in the mbuf's private area, so a packet
//!        └──────── one object of a pool ──┘    that came in goes out (or back to its pool) without a copy
//! ```
//!
//! DPDK is one environment for the whole process: [`Eal`] is its token, and can be had once. Queues of its devices
//! cannot be slept on ([`Wait::Ready`](crate::Wait::Ready)): they belong on workers that poll all the time, which
//! [`RxQueue::is_polled`](crate::RxQueue::is_polled) tells.
//!
//! Checksums and segments that packets still owe are completed in software before they are sent here. The MTU can be
//! changed up to what an mbuf of 2 KiB holds; larger frames are refused.

mod device;
mod eal;
mod pool;
mod queue;
mod sys;

pub use device::{DpdkDevice, DpdkFactory};
pub use eal::{Eal, EalError, LogLevel, LogSink};
