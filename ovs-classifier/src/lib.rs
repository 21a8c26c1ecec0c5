//! Packet classification: flow table, exact-match cache, megaflow index, rule classifier and RCU.
//!
//! ```text
//!   worker ──▶ ExactMatchCache ──▶ MegaflowIndex ──▶ upcall: ClassifierReader ──▶ megaflow
//!              (signature)          (masked keys)             (OpenFlow rules,      │
//!                   └───────────────────┴─▶ FlowTable ◀────── mask reported) ◀──────┘ install
//!
//!   control ──▶ ClassifierWriter: insert, remove, gc — readers never wait: rcu
//! ```
//!
//! ```
//! use ovs_classifier::rcu::Domain;
//! use ovs_classifier::{ClassifierConfig, ClassifierWriter, Version};
//! use ovs_flow::{FlowKey, FlowMask, Match};
//!
//! let domain = Domain::new();
//! let mut rules = ClassifierWriter::new(&domain, ClassifierConfig::default());
//! let mut mask = FlowMask::default();
//! mask.fields.in_port = u32::MAX;
//! let mut key = FlowKey::default();
//! key.in_port = 1;
//! rules.insert(&Match::new(&key, mask), 10, "from port 1", Version(1))?;
//!
//! let (lookups, mut reader) = (rules.reader(), domain.reader());
//! let guard = reader.enter();
//! let mut megaflow = FlowMask::default();
//! let rule = lookups.lookup(Version(1), &key, Some(&mut megaflow), &guard);
//! assert_eq!(rule.map(|rule| *rule.value()), Some("from port 1"));
//! assert_eq!(megaflow, mask);
//! # Ok::<(), ovs_classifier::ClassifierError>(())
//! ```
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod classifier;
pub mod emc;
pub mod flex_array;
pub mod flow_table;
mod hash;
pub mod megaflow;
pub mod naive;
#[expect(
    unsafe_code,
    reason = "readers follow pointers that a writer replaces; its invariants stand at its head"
)]
pub mod rcu;

pub use classifier::{
    ClassifierConfig, ClassifierError, ClassifierReader, ClassifierWriter, Inserted, PrefixField, Rule,
    RuleRef, Version,
};
pub use emc::{CacheConfig, ExactMatchCache};
pub use flex_array::FlexArray;
pub use flow_table::{
    Flow, FlowCounters, FlowId, FlowStats, FlowTable, FlowTableConfig, FlowTableError, FlowTableReader,
};
pub use megaflow::{MegaflowConfig, MegaflowError, MegaflowIndex, MegaflowStats};
