//! `afxdp`, `afxdp-nonpmd`: devices of the system by AF_XDP sockets (the kernel's `Documentation/networking/af_xdp`).
//!
//! ```text
//!   device queue ─▶ XDP program ─▶ map[queue] ─▶ rx ring ─▶ Packet in the socket's own memory ─▶ switch
//!                   (pass if none)               fill ring ◀─ frames that come back
//!   device queue ◀──────────────────────────── tx ring ◀─ the same memory, or a copy into it ◀─ switch
//!                                                completion ring ─▶ frames that were sent
//! ```
//!
//! One program of six instructions redirects what a queue receives to that queue's socket, before the host's stack
//! sees it. It is loaded by bpf(2), and goes with the device. Each queue has its own memory of frames, half as many to
//! send by as to receive into; a packet goes back out by the queue it came from without a copy of ours.
//!
//! Options: `xdp-mode` (`best-effort`, the default, tries `native-with-zerocopy`, `native` and `generic` in turn and
//! tells in `Status::details` what it got and why not better), `use-need-wakeup` (true unless told otherwise), `n_rxq`
//! (as many as the device has queues, or the rest goes to the host's stack). `afxdp` queues say that they are to be
//! polled, `afxdp-nonpmd` ones do not; both can be waited on.
//!
//! An XDP socket says nothing of checksums: a sender on the same host that leaves them to the device
//! (`ethtool -K DEV tx on`, the default of veth) sends packets that nobody finishes. Super-packets do not fit; frames
//! are at most a page long, less 256 bytes.

mod bind;
mod device;
mod options;
mod program;
mod queue;
mod rx;
mod tx;
mod umem;

pub use device::{AfxdpDevice, AfxdpFactory};
