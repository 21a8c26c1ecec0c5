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
//! Checksums and TCP segments that packets still owe are left to a device that can; others get them completed in
//! software before. Mbufs have 2 KiB: longer packets are several mbufs on their way in and out, if the device can do that,
//! and otherwise the MTU ends there. A device is best opened with the MTU that it shall have (option `mtu_request`).

mod device;
mod eal;
mod pool;
mod queue;
mod sys;
mod work;

pub use device::{DpdkDevice, DpdkFactory};
pub use eal::{Eal, EalError, LogLevel, LogSink};
