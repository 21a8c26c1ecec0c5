//! `system`: any Ethernet device that Linux has, by AF_PACKET sockets.
//!
//! ```text
//!   device ─▶ packet socket ─▶ recvmmsg ─▶ [vnet header][small frame][large frame] ─▶ Packet + facts
//!   device ◀─ packet socket ◀─ sendmmsg ◀─ [vnet header][data]                     ◀─ Packet + facts
//! ```
//!
//! Vnet headers carry unfinished checksums and super-packets both ways, so peers on this host keep their offloads
//! and 64 KiB packets pass whole. A VLAN tag that the kernel took out of a frame is put back in.
//!
//! The device stays a device of the host: its own network stack sees the packets too, so it should have no
//! addresses.

mod device;
mod lanes;
mod receive;
mod transmit;

pub use device::{SystemDevice, SystemFactory};
