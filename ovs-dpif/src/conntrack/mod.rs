//! Connection tracking: which conversation a packet belongs to, and what became of it so far.
//!
//! ```text
//!   packet ─▶ parse ─▶ Tuple ─▶ index ─▶ Connection ─▶ state machine ─▶ ct_state, mark, label
//!               │                 │          │            (TCP, ICMP, other)
//!               │ ICMP error:     │ none     ├─▶ NAT rewrites the packet
//!               ▼ the tuple       ▼          └─▶ helper reads the payload, expects connections
//!               inside it       commit ─▶ limits ─▶ NAT chooses ─▶ new Connection
//! ```
//!
//! It is a library of its own: [`Conntrack`] takes a packet, what is known of it ([`CtMetadata`](ovs_flow::CtMetadata)), the
//! action's settings ([`CtAction`]), the time and a random number, and changes the first two. It reads no clock, starts no
//! thread and keeps nothing outside of itself. Its handles share connections among workers.
//!
//! # What is kept
//!
//! A connection has two [`Tuple`]s, one for each direction, which are mirror images unless addresses are translated.
//! The index finds it by either. It hashes a tuple such that both directions of an untranslated connection
//! are one entry: endpoints are put in order before they are hashed, under a secret key, by the nonlinear
//! [`HashKey`](ovs_flow::hash::HashKey), so that nobody can aim at a bucket. The upper bits of the hash choose one of 256
//! shards. A connection belongs to the shard of its original direction; if it is translated, the shard of its replies
//! has an alias.
//!
//! A connection whose time is over is as good as gone: lookups, dumps and counts by zone pass over it. It is ended
//! by [`Conntrack::sweep`], a bounded slice at a time, and when a new connection finds the table full.
//!
//! # What a lookup costs
//!
//! A bucket of the index is one cache line: seven entries, each with 32 bits of its hash, so that with few exceptions the
//! connection that is looked at is the right one. That is one miss for the bucket, and one or two for the connection,
//! whose tuple, time and state lie in one line, and mark and label in the next. [`Conntrack::track_batch`] walks all packets of
//! a batch through each step together, so that their misses overlap. The index grows by splitting one bucket at each insert
//! (linear hashing), and connections live in pages that never move: no insert ever waits for a table to be copied.
//!
//! # How workers share, and why none waits long
//!
//! All that is read of a connection, and of the index, is atomic words: whoever reads holds nothing.
//!
//! ```text
//!   established packet ─▶ index ─▶ connection   no lock; what is found is checked by its tuple, and by a life's number before
//!            │                                  and after; that nothing is found counts if the shard's version stood still
//!            ├─ moves numbers of its direction ─▶ one store, for they are no other direction's to write
//!            └─ changes a state (rarely) ───────▶ holds the shard, looks again, stores
//!   new connection ─▶ holds the shard for one insert; translated: reserves the alias first, one shard at a time
//!   control: sweep, flush ─▶ ends a life by compare-and-swap, and links it to the shard's dead: holds nothing
//!            dump         ─▶ reads                              holds nothing
//! ```
//!
//! So **no lock that control holds is ever taken by a worker**, because control takes none: what it has ended is taken out of the
//! index by the workers that begin connections there, four at most with each. A worker that holds a shard has one
//! insert and four removals to do, a microsecond or two; it holds one shard at a time, so there is no cycle to wait in. The two
//! locks beside the shards' are of expectations (taken by workers only, where a helper expects something) and of the list of
//! handles (never taken by workers).
//!
//! Two packets of one direction that two workers have at the same time may write the direction's numbers in either order; the
//! window rules are made for packets out of order. A place is lived in again only a quarter of a second later, so a worker that has
//! found a connection which ends in that very moment does not touch another's.
//!
//! Counters that packets touch belong to the handle, of which each worker has one; those of the table, and zones' counts, are
//! atomic additions when connections begin and end.
//!
//! # Differences in what is meant by the same words
//!
//! States are those of the userspace datapath of Open vSwitch, not of Linux: a UDP packet is new until a reply was seen,
//! a TCP connection is established for the tracker's user with the first answer, and an invalid packet changes nothing.

mod action;
mod batch;
mod commit;
mod config;
mod connection;
mod counters;
mod fields;
mod handle;
mod helper;
mod limits;
mod nat;
mod packet;
mod protocol;
mod table;
mod tcp;
mod timeout;
mod track;
mod tuple;
mod view;

pub use self::action::{CtAction, Helper, NatAction, NatRange, NatSelect, UnknownHelper};
pub use self::batch::{CtTurn, Found};
pub use self::config::ConntrackConfig;
pub use self::handle::Conntrack;
pub use self::limits::ZoneLimit;
pub use self::protocol::{Protocol, ProtocolState};
pub use self::tcp::{TcpPeer, TcpState};
pub use self::timeout::{Phase, TimeoutPolicy};
pub use self::track::{Refusal, Tracked};
pub use self::tuple::Tuple;
pub use self::view::{ConnectionView, CtCursor, CtFilter, CtStats, TupleFilter};
