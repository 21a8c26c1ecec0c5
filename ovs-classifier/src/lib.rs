#![doc = include_str!("../README.md")]
#![no_std]
#![deny(unsafe_code)]
#![expect(
    clippy::inline_always,
    reason = "what a kernel of `arch` calls is compiled for the same instructions only if it is inlined"
)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

#[expect(unsafe_code, reason = "calls what is compiled for more than the baseline; see its head")]
pub mod arch;
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

pub use arch::Arch;
pub use classifier::{
    ClassifierConfig, ClassifierError, ClassifierReader, ClassifierWriter, Clause, Inserted, PrefixField,
    Rule, RuleRef, Version,
};
pub use emc::{CacheConfig, ExactMatchCache};
pub use flex_array::FlexArray;
pub use flow_table::{
    Flow, FlowCounters, FlowId, FlowStats, FlowTable, FlowTableConfig, FlowTableError, FlowTableReader,
    MatchPlan,
};
pub use megaflow::{MegaflowConfig, MegaflowError, MegaflowIndex, MegaflowStats};
