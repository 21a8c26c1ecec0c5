//! The userspace datapath: workers that share nothing on a packet's way, and a control side that tells them.
//!
//! ```text
//!  UserspaceDatapath ══ commands (bounded) ═▶ Worker 0 ── owns: its receive queues, a transmit queue of each
//!   │  │  ▲  ▲        ◀═ replies  (bounded) ══             port, its megaflows, its packets' memory
//!   │  │  │  └────────── counters (snapshots) ─ Worker 0
//!   │  └──┼───────────── megaflows (guarded) ── Worker 0
//!   └══ … ═▶ Worker 1 …
//! ```
//!
//! Each worker has megaflows of its own, made by its own upcalls. Commands wait on the control side when a
//! worker's queue is full, up to a limit; neither side ever waits for the other.

mod config;
mod control;
mod fate;
mod message;
mod published;
mod tables;
mod worker;

pub use config::{Budget, Next, Progress, UserspaceConfig, Waker};
pub use control::UserspaceDatapath;
pub(crate) use worker::PORT_NUMBERS;
pub use worker::Worker;
