//! The megaflow index: finds the megaflow for a packet, however many masks megaflows have.
//!
//! # The problem
//!
//! A megaflow is a masked key. With one mask, finding it is one hash probe; with N masks it is up to N,
//! and traffic decides N: a few thousand crafted packets make a table of thousands of masks, and every
//! packet pays for each of them.
//!
//! # The idea
//!
//! Megaflows are kept apart by port of entry first, so that nobody pays for what comes in elsewhere. Then
//! a mask is cut at fixed places into *segments* (addresses, ports …), and masks are kept as a
//! tree: an edge is a segment's bits, and masks that begin alike share a path. Each node knows the hashes
//! of the masked values up to there of all megaflows below it.
//!
//! ```text
//!   in_port ─▶ metadata ─▶ dl_type ─┬─ nw_src/8 ──┬─ nw_dst/9 ──▶ tp_dst/3 ▸ megaflows
//!                                   │             └─ nw_dst/32 ─▶ …
//!                                   └─ nw_src/24 ──▶ …      a node that does not know the hash of the
//!                                                           packet's bits ends the whole branch
//! ```
//!
//! Masks that traffic creates are products: so many prefixes of one field times so many of another. A flat
//! list probes the product; the tree probes about the sum, and where a node has many children, a filter by the
//! bytes of the key leaves few of them to probe. A node that has no siblings and no megaflow
//! of its own is not probed at all, so that one mask costs one probe.
//!
//! # The bound
//!
//! A port may have [`MegaflowConfig::masks_per_port`] masks. Beyond that, [`MegaflowIndex::admit`] rounds a
//! new mask up to one that the port has and that holds all of its bits, at the worst to one that is exact for
//! its kind of packet, for which there is always a place. A megaflow under a wider mask is still right, it only covers fewer packets.
//!
//! # Invariants
//!
//! * Megaflows may overlap if their actions are equal: a lookup gives any that matches.
//! * Each megaflow is counted once in every node on its mask's path; a node or mask without megaflows is
//!   taken out.
//! * A hash met in a node is a hint: the megaflow's words are compared before it is given out.
//!
//! One owner, no atomics. Insert and remove touch one hash table for each segment of the mask.

mod dense;
mod filter;
mod index;
mod masks;
mod nodes;
mod segments;
mod table;

pub use index::{MegaflowConfig, MegaflowError, MegaflowIndex, MegaflowStats};

#[cfg(test)]
mod tests;
