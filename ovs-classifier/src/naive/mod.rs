//! The obvious implementations: slow, short, and right. They are what the fast ones are tested against.

mod cache;
mod classifier;
mod flow_table;
mod megaflow;

pub use cache::ExactMatchCache;
pub use classifier::{Classifier, Rule};
pub use flow_table::FlowTable;
pub use megaflow::MegaflowIndex;
