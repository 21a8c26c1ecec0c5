//! The OpenFlow agent: what a bridge says and does on its connections.
//!
//! ```text
//!   feed ─▶ input ─▶ hello ─▶ dispatch ─┬─▶ flows, ports, roles, bundles ─▶ changes
//!                                       ├─▶ stats ─▶ replies in parts, as the other side reads them
//!                                       └─▶ barrier ─▶ waits until all before has taken effect
//!   take_output ◀── output ◀────────────────── replies, packet-ins, port status, flow removed
//! ```
//!
//! A connection is served in order: while a barrier or a long answer is under way its later requests wait, and
//! nobody else does.

mod bundle;
mod check;
mod connection;
mod conntrack;
mod dispatch;
mod flows;
mod forward;
mod groups;
mod meters;
mod monitor;
mod negotiate;
mod notices;
mod output;
mod packets;
mod port_mod;
mod ports;
mod queue;
mod resume;
mod roles;
mod snoop;
mod stats;
mod tables;
mod tlv;

pub(super) use check::check_actions;
pub(super) use connection::Connection;
pub use connection::{ConnId, ConnectionKind};
pub(super) use flows::check_flow_mod;
pub(super) use stats::facts;
