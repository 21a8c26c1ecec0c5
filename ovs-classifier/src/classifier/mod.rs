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
//! 5. If the rule found is a *clause* of a conjunction it does not end the visits; when clauses make a conjunction
//!    whole, the lookup is made again with `conj_id` set and adds to the same mask ([`Clause`]).
//!
//! # The structure
//!
//! Going through hundreds of tuples by a hash probe each, and more than one where a mask is asked for, is what
//! makes a tuple-space search slow. Here one step answers for many tuples:
//!
//! ```text
//!  visits ─▶ the first tuple: has it the answer?                  ──▶  done, the mask is the tuple's
//!             │
//!            block of 64 tuples, in order        bit i = tuple i of the block
//!             │
//!             ├─ heads: tuples whose masks begin alike share a level;  ──▶  failing: 0110…
//!             │         one probe with the first stages' words
//!             ├─ tries: tuples by prefix length; one look-up a field   ──▶  excluded: 1000…
//!             │         and packet says which lengths can match
//!             └─ the rest, few: level of the third stage, shared       ──▶  rule table of the tuple
//! ```
//!
//! * A *tuple* has one hash table of its rules; rules of equal match are a chain, highest priority first.
//! * A *level* belongs to all tuples whose masks are the same up to the end of a stage: by hash of
//!   these words, the tuples that have a rule with them. It replaces what would be a table of partial
//!   matches for each tuple, and all blocks ask it once.
//! * A *block* holds 64 tuples in the order of visits; what tries and levels say of them is a word of bits,
//!   and a lookup that has found a rule of higher priority than the rest of a block has goes no further.
//! * The tables of tuples and levels keep a byte of each slot's hash apart from the slots: a probe for what is not
//!   there, as most are, reads one word of a part small enough for a cache. The hash of a tuple's words goes on
//!   from that of its level, so what masks have in common is hashed once.
//! * The *tries* ([`PrefixField`]) are bucketed, some four steps deep for a hundred thousand prefixes;
//!   beside the mask's bits they give the set of lengths that match, and that prunes the search whether a
//!   mask is asked for or not. The source's and the destination's are gone through side by side, since what they
//!   cost is waiting for memory; changes to them wait for each other for the same reason (`prefixes`), and prefixes that
//!   several matches have are only counted.
//! * Several keys go through the tries side by side ([`ClassifierReader::lookup_batch`], `batch`), and one that repeats
//!   the one before it is looked up once.
//!
//! The mask is computed apart from the search, as a union over words of bits: tuples that fail in the first
//! stages or that a trie excludes add the same few words and bits, once, in no matter what number. Only
//! where the definition depends on the order (a trie may exclude by many bits once they are in the mask)
//! does a lookup go step by step, until they are.
//!
//! # Invariants
//!
//! * A rule is in its chain, its match in the tuple's table, levels, tries and ports trie, and its tuple in
//!   a published block, before the version that shows the rule is announced (tries and blocks by
//!   [`ClassifierWriter::publish`]); it leaves them in
//!   [`ClassifierWriter::gc`], when no reader uses a version that shows it.
//! * The bit of a tuple in a level is set as long as a match of it has the words. So what fails there, or
//!   in a trie, has no rule for the packet in any version in use.
//! * Each block is in the order of visits and so are the blocks; a published block changes only in
//!   priorities, and only as long as these keep the order.
//!
//! # Threads and versions
//!
//! There is one [`ClassifierWriter`]; any number of [`ClassifierReader`]s look up under a guard of the
//! domain and never wait. A rule is visible from one [`Version`] until another, so a lookup sees all of a
//! version, whatever happens meanwhile. What else it may see (rules that come or go) can only add bits to
//! the mask.
//!
//! # Cost
//!
//! With T tuples, of which t pass tries and first levels: a lookup is a step a trie, T/64 blocks of a few
//! word operations each, and up to two probes for each of the t; it ends early by priority. Masks that no
//! trie and no first stage tells apart (hundreds of masks of ports, say, under one pair of addresses, all
//! of which do match) cost a probe each. An insertion costs one probe, one for each stage, one for each prefix, and
//! the way down its trie if fewer than two other matches have it; if it changes the order of tuples, a pass over them when
//! published, which
//! [`ClassifierWriter::defer`] puts off to the end of a bulk change. Tables double when they are full,
//! beside their readers. What is replaced is retired to the domain, and memory until it is reclaimed.
//! Hashes are keyed and nonlinear.

mod batch;
mod block;
mod chain;
mod config;
mod conjunction;
mod counts;
pub(crate) mod fields;
mod level;
mod lookup;
mod masking;
mod memo;
mod order;
mod prefixes;
mod roll;
mod rule;
mod search;
mod select;
mod slots;
mod trie;
mod tuple;
pub(crate) mod tuple_mask;
mod visit;
mod writer;

pub use config::{ClassifierConfig, ClassifierError};
pub use conjunction::Clause;
pub use fields::PrefixField;
pub(crate) use fields::ports;
pub use lookup::ClassifierReader;
pub use rule::{Rule, RuleRef, Version};
pub use writer::{ClassifierWriter, Inserted};

#[cfg(test)]
mod tests;
