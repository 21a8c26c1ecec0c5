//! Stream addresses of the Open vSwitch world, non-blocking streams and listeners, back-off and inactivity probes.
//!
//! Everything that speaks OVSDB, OpenFlow or unixctl names its peers in one small language (`tcp:HOST:PORT`,
//! `unix:FILE`, `ptcp:PORT` …), reads and writes bytes without ever blocking, and comes back after a peer went
//! away. This crate is those three things and nothing else: no thread, no clock, no resolver, no runtime.
//!
//! ```text
//!   "tcp:[::1]:6640" ──parse──▶ Address ──Stream::connect──▶ Stream ──receive──▶ Buffer ──▶ your protocol
//!   "punix:db.sock"  ──parse──▶ PassiveAddress ──Listener::bind──▶ Listener ──accept──▶ Stream
//!
//!            now ─▶ ┌───────────┐ ─▶ Action { Connect, Disconnect, Probe, None }
//!    what happened ─▶│ Reconnect │ ─▶ deadline (when to call again)
//!                    └───────────┘ ─▶ Notice   (what to log)
//! ```
//!
//! Each object says what to sleep on by a [`Wait`]; [`sleep`] is a small helper for programs without an event loop.
//!
//! # Example
//!
//! ```
//! use ovs_stream::{Address, Role};
//!
//! let remote = Address::parse("tcp:[::1]", Role::Ovsdb)?;
//! assert_eq!(remote.to_string(), "tcp:[::1]:6640");
//! assert!(Address::parse("tcp:switch.example.org:6640", Role::Ovsdb).is_err()); // names are not resolved
//! # Ok::<(), ovs_stream::AddressError>(())
//! ```
//!
//! # Limits
//!
//! `ssl:` and `pssl:` addresses parse; connecting or listening on them fails with a named error, because TLS
//! support is not built in. Host names other than `localhost` are refused, since resolving one would block.
#![forbid(unsafe_code)]

mod address;
mod buffer;
mod error;
mod listener;
mod reconnect;
mod stream;
mod unix;
mod wait;

pub use address::{Address, AddressError, PassiveAddress, Remote, Role};
pub use buffer::{Buffer, BufferFull};
pub use error::{ListenError, OsError, StreamError};
pub use listener::Listener;
pub use reconnect::{Action, Backoff, BackoffConfig, Notice, NoticeLevel, Reconnect, ReconnectConfig, State};
pub use stream::{Stream, StreamConfig};
pub use wait::{Interest, Wait, sleep};
