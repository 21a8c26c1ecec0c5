//! The classifier of OpenFlow rules: which rule of the highest priority matches, and why just that one.
//!
//! # The problem
//!
//! Given a packet's key and a table of rules (a match, a priority), find the matching rule of the highest
//! priority; and say which bits of the key decided that, so that a datapath may treat every packet that
//! agrees on those bits alike without asking again. The fewer bits, the more packets one answer covers. The
//! bits are visible to users as the text of megaflows, so they follow a definition and not the accidents
//! of a data structure.
//!
//! # The definition of the mask
//!
//! Rules with the same mask form a *tuple*. Tuples are visited by descending highest priority of their
//! rules, until that priority is not above the priority of the best rule found so far; of equal ones, the
//! one that came to that priority first (when a tuple goes, the last one moves to its place). A visit adds
//! bits of the tuple's mask to the reported one, stage by stage:
//!
//! ```text
//!   stage 1         stage 2          stage 3              stage 4
//!   metadata,       dl_dst … MPLS    addresses, ct_*,     nd_target, ARP addresses,
//!   registers …                      frag, tos, ttl …     tcp_flags, NSH, ports
//! ```
//!
//! 1. Before a stage, the prefix tries of the fields in it are asked (each once a lookup). If the trie says
//!    that no rule has a prefix of this tuple's length with the key's bits, the visit ends, with as many of
//!    the field's bits as decide that; unless these are more than the tuple's own prefix has and not in
//!    the mask already.
//! 2. If no rule of the tuple agrees with the key on the words up to a stage, the visit ends with the
//!    words of the stages up to that one.
//! 3. If only the last stage fails and the tuple looks at ports, then of the ports only those bits are
//!    added that tell the key's apart from those of all rules of the tuple.
//! 4. Otherwise the whole mask of the tuple is added.
//!
//! # The structure
//!
//! A tuple is a hash table of its rules' masked words, and one of counts for each stage before the last.
//! Rules of equal match are chained by priority. Tries hold each prefix once.
//!
//! # Threads and versions
//!
//! There is one [`ClassifierWriter`]; any number of [`ClassifierReader`]s look up under a guard of the
//! domain and never wait. A rule is visible from one [`Version`] until another. The writer puts a
//! rule into every structure before the version that shows it is announced, and takes it out in
//! [`ClassifierWriter::gc`] when no reader uses a version that shows it; so a lookup sees all of a
//! version, whatever happens meanwhile. What else it may see (rules that come or go) can only add bits
//! to the mask.
//!
//! # Cost
//!
//! A lookup costs one or more hash probes a tuple, until priorities end it; an insertion one probe, one
//! per stage and a walk down each trie.

mod config;
pub(crate) mod fields;
mod lookup;
mod order;
mod rule;
mod select;
mod slots;
mod trie;
mod tuple;
pub(crate) mod tuple_mask;
mod writer;

pub use config::{ClassifierConfig, ClassifierError};
pub use fields::PrefixField;
pub(crate) use fields::ports;
pub use lookup::ClassifierReader;
pub use rule::{Rule, RuleRef, Version};
pub use writer::{ClassifierWriter, Inserted};

#[cfg(test)]
mod tests;
