//! The flow table: where megaflows are kept, written by one worker and read by anybody.
//!
//! ```text
//!   slots: FlexArray          buckets (old)        buckets (new, while growing)
//!   0 ● flow ── link[0] ─▶    head: slot 7         head: slot 2
//!   1 ○                       head: –              …      chained by link[1]
//!   2 ● flow …                …
//!   masks: shared, counted; each knows the range of words that matter
//! ```
//!
//! # How it works
//!
//! A flow is a masked key, a mask shared with others, and the user's value. It stands in a slot, and its id is the
//! slot and a serial number. Buckets chain slots by the hash of the masked words inside the mask's range.
//! Each flow has two links: one for the buckets in use, one for the buckets to come. To grow, the writer
//! makes a larger set of buckets and chains some flows into it by the other link with every insertion; when
//! all are there, the new set takes the old one's place. No operation ever rehashes all.
//!
//! # Threads
//!
//! One writer ([`FlowTable`], with `&mut`), any number of [`FlowTableReader`]s under a guard; no one waits. A removed
//! flow is unlinked at once, but its slot, and the link generation that a finished growth gave up, are used
//! again only when all readers of that time have left: they may be standing on it. The counters of a flow
//! are written by the worker alone, with plain loads and stores.
//!
//! # Cost
//!
//! Insertion: one chain, and up to four buckets of growth. Removal: one or two chains. Lookup by id: two loads.
//! [`FlowTableReader::lookup`] by packet goes through all masks: [`crate::MegaflowIndex`] is the fast way.

mod buckets;
mod flow;
mod masks;
mod plan;
mod reader;
mod table;

pub use flow::{Flow, FlowCounters, FlowId, FlowStats};
pub use plan::MatchPlan;
pub use reader::FlowTableReader;
pub use table::{FlowTable, FlowTableConfig, FlowTableError};
