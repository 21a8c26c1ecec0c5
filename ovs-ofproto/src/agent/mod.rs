//! The OpenFlow agent: what a bridge says and hears on its connections, as bytes in and bytes out.
//!
//! ```text
//!   bytes ─▶ Inbox ─▶ Message ─▶ request / stats / bundle ─▶ impl Control (the bridge)
//!                                        │                        │
//!   bytes ◀─ Outbox ◀── replies ◀────────┘                        │
//!                  ◀── packet-in, port status, flow removed ◀─────┘  events, filtered by role and masks
//! ```
//!
//! A [`Session`] is one connection. It handles messages in order: one that takes long (a dump of all flows) or that
//! waits (a barrier) holds up those behind it on the same connection, and nobody else.

mod bundle;
mod control;
mod event;
mod input;
mod output;
mod request;
mod session;
mod stats;
#[cfg(test)]
mod tests;

pub(crate) use control::{Control, FlowPosition, Origin};
pub(crate) use event::Event;
pub(crate) use session::{Session, SessionConfig};
