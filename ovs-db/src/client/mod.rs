//! An OVSDB client that keeps a copy of chosen tables and sends transactions.
//!
//! ```text
//!   server ◀──messages──▶ Transport ◀──▶ Session (no I/O) ──▶ Snapshot: table ─▶ uuid ─▶ Row
//!                            ▲               ▲    │
//!        Connection: reconnects, probes ─────┘    └──▶ Event (synced, changed, lock, outcome of a transaction)
//! ```
//!
//! * [`Session`] is the protocol: it takes and gives [`Message`](crate::jsonrpc::Message)s and holds the [`Snapshot`].
//! * [`Connection`] keeps a session alive over any of several remotes, or over an in-process [`Pipe`] to a server in the
//!   same program. It is polled; it never blocks.
//! * [`Transaction`] collects changes; what became of it arrives as an [`Event::Done`].
//!
//! The client first asks for the server's schema and monitors only what is there, so it works with older and newer
//! servers: a table that is missing has no rows, a missing column reads as a default, and writing one does nothing.
//!
//! ```no_run
//! use std::time::{Duration, Instant};
//! use ovs_db::client::{Connection, Event, SessionConfig, Transaction};
//! use ovs_stream::{Address, Role, StreamConfig, sleep};
//!
//! let remote = Address::parse("unix:/var/run/openvswitch/db.sock", Role::Ovsdb)?;
//! let config = SessionConfig::new("Open_vSwitch").table("Open_vSwitch", ["next_cfg"]).table("Bridge", ["name"]);
//! let start = Instant::now();
//! let mut db = Connection::new(config, vec![remote], &StreamConfig::default(), start.elapsed());
//! loop {
//!     for event in db.poll(start.elapsed()) {
//!         if let Event::Changed = event {
//!             for bridge in db.session().rows("Bridge").values() {
//!                 let name: &str = bridge.get_string("name");
//!                 # let _ = name;
//!             }
//!             let mut txn = Transaction::new();
//!             if let Some(root) = db.session().first("Open_vSwitch") {
//!                 txn.increment("Open_vSwitch", root.uuid(), "next_cfg");
//!             }
//!             db.transact(&txn);
//!         }
//!     }
//!     sleep(&db.waits(), start.elapsed(), None)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "tokio")]
mod asynchronous;
mod blocking;
mod changes;
mod condition;
mod config;
mod connection;
pub(crate) mod fitness;
mod handshake;
mod index;
mod outcome;
mod pipe;
mod retry;
mod row;
mod rpc;
mod session;
mod snapshot;
#[cfg(test)]
mod tests;
mod transaction;
mod transport;
pub mod typed;
mod work;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncClient;
pub use blocking::BlockingClient;
pub use changes::{ChangeKind, Changes, RowChange};
pub use condition::{Clause, Condition, Function};
pub use config::SessionConfig;
pub use connection::{Connection, Event};
pub use index::Index;
pub use outcome::{Outcome, TransactionId};
pub use pipe::{Pipe, PipeConnector, pipe};
pub use retry::Retry;
pub use row::Row;
pub use rpc::{Rpc, RpcError};
pub use session::{Session, SessionError, SessionEvent, Unfit};
pub use snapshot::Snapshot;
pub use transaction::{Mutator, Transaction};
pub use transport::{Connector, StreamConnector, Transport, TransportError};
pub use work::{ClientError, Handover};
