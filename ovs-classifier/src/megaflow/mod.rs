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
//! Megaflows are kept apart by port of entry first, so that nobody pays for what comes in elsewhere. Then there are two kinds of
//! masks. A mask of *many* megaflows is worth a hash probe, and a handful of such masks are hashed at once by one wide
//! operation. But masks that traffic makes by the thousand have *few* megaflows each, one as a rule: hashing finds nothing in
//! nearly all of them. These megaflows are not looked for mask by mask at all. They stand as rows in a ternary memory in
//! software, which answers for 512 of them at a time, whatever their masks are:
//!
//! ```text
//!            ┌ masks of many megaflows, by eights       ┌ megaflows of other masks, by 512s
//!            │   hash, hash, … hash  ─▶ table           │   set of rows for each four bits of the key
//!   in_port ─┤                            │             │   AND AND AND …        ─▶ row
//!            └──────────── miss ──────────┼────────────▶┘                            │
//!                                         └─────────▶ compare in full ◀──────────────┘
//! ```
//!
//! The rows (`filter`) are pruned by four bits of the key at a time, best bits first; 2,048 rows usually fall to nothing, or to
//! what matches, after four to eight such steps, each of four loads and ANDs of 512 bits where the machine has such registers.
//! So 8,192 masks of one megaflow each are some eighty loads and no hash, where a list of masks takes 8,192 probes. It does not
//! matter whether masks are prefixes, or which fields they are of.
//!
//! A mask's kind is what it has: with more than 256 megaflows it is hashed (`crowd`), which then costs a lookup less than so many
//! rows do. Its rows are taken out little by little; until then its first megaflows are found in both ways.
//!
//! # The bound
//!
//! A port may have [`MegaflowConfig::masks_per_port`] masks. Beyond that, [`MegaflowIndex::admit`] rounds a
//! new mask up to one that the port has and that holds all of its bits, at the worst to one that is exact for
//! its kind of packet, for which there is always a place. A megaflow under a wider mask is still right, it only covers fewer
//! packets. A mask keeps its place while it has megaflows, and these while they are hit: their owner removes what
//! has not been for some time. With B masks a port, a lookup takes at most B/8 groups of hashes and B/32 filters of 8,192
//! rows, whatever traffic does.
//!
//! # Batches
//!
//! [`MegaflowIndex::lookup_batch`] takes all keys through each step before the next, and prefetches what the next one reads
//! (`lookup`), so that an index far larger than the caches answers at the rate of the memory, not at its latency.
//!
//! # Invariants
//!
//! * Megaflows may overlap if their actions are equal: a lookup gives any that matches.
//! * Each megaflow stands in the hash table once (`table`), by its hash under its mask; and in a row while its mask is not hashed.
//! * Hash and rows only say where to look: the megaflow's words are compared before it is given out.
//! * All secrets derive from the seed; whoever does not know it cannot choose keys that collide.
//!
//! One owner, no atomics. Inserting and removing change one place of the hash table and one row; no change makes a pause, for the
//! table grows by splitting a segment, and lanes are chosen again for one filter at a time.

mod budget;
mod config;
mod crowd;
mod filter;
mod index;
mod lanes;
mod lookup;
mod port;
mod store;
mod table;

pub use config::{MegaflowConfig, MegaflowError, MegaflowStats};
pub use index::MegaflowIndex;

#[cfg(test)]
mod tests;
