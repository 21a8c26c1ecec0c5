//! Queueing disciplines of links (tc(8)), by rtnetlink.
//!
//! ```text
//!   Qos ── plan ──▶ Plan: root discipline, classes ── apply ──▶ RTM_NEWQDISC, RTM_NEWTCLASS …
//!                    1:        the root                            what is there already and fits stays
//!                    1:fffe      all queues together
//!                    1:N+1         queue N
//! ```
//!
//! Packets say their class by their priority, which a socket has ([`class_of`]).

mod kernel;
mod plan;
mod rates;
#[cfg(test)]
mod tests;

pub(in crate::linux) use kernel::{apply, counters, remove};
pub(in crate::linux) use plan::{Carrier, Plan, plan};

/// The types of quality of service that are queueing disciplines, in the order of the original's list.
pub(crate) const KINDS: &[&str] =
    &["linux-netem", "linux-fq_codel", "linux-codel", "linux-hfsc", "linux-noop", "linux-sfq", "linux-htb"];

/// The root's handle.
const ROOT: u32 = 1 << 16;
/// The class that all queues are in.
const TRUNK: u32 = ROOT | 0xfffe;
/// Queues that a discipline with classes can have: numbers below this.
const QUEUES: u32 = 0xf000;

/// The class of a queue as a socket's priority says it; 0, the discipline's own choice, for numbers that no class has.
pub(crate) const fn class_of(queue: u32) -> u32 {
    if queue < QUEUES { ROOT | (queue + 1) } else { 0 }
}
