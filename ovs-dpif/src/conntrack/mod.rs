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
//! It is a library of its own: [`Tracker`] takes a packet, what is known of it ([`CtMetadata`](ovs_flow::CtMetadata)), the
//! action's settings ([`CtAction`]), the time and a random number, and changes the first two. It reads no clock, starts no
//! thread and keeps nothing outside of itself. One value of it is one owner's; [`Conntrack`] lets several workers share.
//!
//! # What is kept
//!
//! A `Connection` has two [`Tuple`]s, one for each direction, which are mirror images unless addresses are translated.
//! The index finds it by either. It hashes a tuple such that both directions of an untranslated connection
//! are one entry: endpoints are put in order before they are hashed, under a secret key, by the nonlinear
//! [`HashKey`](ovs_flow::hash::HashKey), so that nobody can aim at a bucket.
//!
//! A connection whose time is over is as good as gone: lookups, dumps and counts by zone pass over it. It is taken out
//! by [`Tracker::sweep`], a bounded slice at a time, and when a new connection finds the table full.
//!
//! # What a lookup costs
//!
//! A bucket of the index is one cache line: seven entries, each with 32 bits of its hash, so that with few exceptions the
//! connection that is looked at is the right one. That is one miss for the bucket, and one or two for the connection,
//! whose tuples and state lie side by side. [`Tracker::find_batch`] walks all packets of a batch through each
//! step together, so that their misses overlap. The index grows by splitting one bucket at each insert (linear hashing),
//! and connections live in pages that never move: no insert ever waits for a table to be copied.
//!
//! # How workers share
//!
//! Connections never cross zones, also not by translation, so the zone is what the table is divided by: a
//! [`Conntrack`] is a handle to a number of trackers, each behind a lock of its own, and a packet takes
//! only that of its zone. Where workers serve different zones (as with OVN, which has a zone for each logical port) they do not
//! meet. Where one zone carries everything they do, and then the lock is held for one packet at a time.
//!
//! Control takes a lock too, and a worker may have to wait for it; what bounds that: a sweep takes a lock only if nobody has it,
//! and looks at eight places; a dump copies what eight places hold and shows it after; a flush looks at eight; a setting is
//! one write. Whoever of control leaves a lock hands it to the worker that waits, so none waits for a second slice.
//!
//! # Differences in what is meant by the same words
//!
//! States are those of the userspace datapath of Open vSwitch, not of Linux: a UDP packet is new until a reply was seen,
//! a TCP connection is established for the tracker's user with the first answer, and an invalid packet changes nothing.

mod action;
mod commit;
mod config;
mod connection;
mod fields;
mod helper;
mod index;
mod limits;
mod nat;
mod packet;
mod protocol;
mod shared;
mod slab;
mod sweep;
mod tcp;
mod timeout;
mod track;
mod tuple;
mod view;

pub use self::action::{CtAction, Helper, NatAction, NatRange, NatSelect, UnknownHelper};
pub use self::config::ConntrackConfig;
pub use self::limits::{ZoneLimit, ZoneLimits};
pub use self::protocol::{Protocol, ProtocolState};
pub use self::shared::Conntrack;
pub use self::tcp::{TcpPeer, TcpState};
pub use self::timeout::{Phase, TimeoutPolicy};
pub use self::track::{Found, Refusal, Tracked, Tracker};
pub use self::tuple::Tuple;
pub use self::view::{ConnectionView, CtCursor, CtFilter, CtStats, TupleFilter};
