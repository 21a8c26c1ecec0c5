//! `dpdkvhostuserclient`, `dpdkvhostuser`: ports of virtual machines and containers by vhost-user (QEMU's
//! `docs/interop/vhost-user`, virtio 1.1 sections 2.6 and 5.1), without DPDK.
//!
//! ```text
//!   guest's send ring ─▶ copy ─▶ RxQueue       TxQueue ─▶ copy ─▶ guest's receive ring
//!        ▲ shared memory, set up by the frontend's messages on a UNIX socket ▲
//!        └────────────── Session, on the control thread ─────────────────────┘
//! ```
//!
//! A client connects to the frontend's socket (option `vhost-server-path`) and does so again, once a second, whenever it
//! is lost; a server listens in a directory, at the port's name. `n_rxq` is how many pairs of queues the frontend may
//! have. Offered are split and packed rings, indirect descriptors, event indices, mergeable buffers, checksums and TCP segmentation
//! both ways, multi-queue, reply-ack, MTU, status, and a record of what is in flight, with which a backend takes up what another that
//! died has left (split rings only: asked for one of packed rings, it offers none). QEMU's network cards do not remember where in a
//! packed ring a lost backend was; such a card works again when its driver resets it. There are no migration logs.
//!
//! The frontend's memory is copied from and to, never borrowed, and each descriptor, index and address in it is checked:
//! what is wrong is counted (`rx_errors`), and a ring that makes no sense rests until it is set up anew. A frontend could also
//! shorten the file of its memory, which ends a process that touches what was there. Against that the file is sealed if it
//! can be (QEMU's `memory-backend-memfd`); if it cannot (files, huge pages), the memory is taken only by a program that
//! called [`guard_memory`], in which such an access finds zeros and ends the connection.

mod connection;
mod device;
mod memory;
mod message;
mod queue;
mod ring;
mod session;

pub use device::{VhostDevice, VhostFactory};

/// Makes this process stand an access to a frontend's memory that its owner has taken away: installs a handler for SIGBUS,
/// which lets those of other memory go the way that they went before. To be called once, by the program, before ports are
/// opened, and after other handlers for that signal are installed. Fails if the system does not let it.
pub fn guard_memory() -> std::io::Result<()> {
    crate::linux::sys::bus::install()
}
