//! Bidirectional forwarding detection between tunnel ends and other neighbours (RFC 5880, over UDP as RFC 5881 says).
//!
//! ```text
//!   Interface.bfd ─▶ BfdConfig ─▶ Session ─ poll ─▶ control packet, out of the port
//!                                  ▲   │
//!   slow path of the port ─ receive┘   └─ BfdStatus ─▶ Interface.bfd_status, liveness of the port
//! ```
//!
//! A session is a value without a clock and without a socket: it is asked for the packet that is due, and told of those
//! that came.

mod config;
mod session;
mod show;
mod status;
#[cfg(test)]
mod tests;
mod wire;

pub use config::BfdConfig;
pub use session::{BfdError, Session};
pub use status::{BfdState, BfdStatus, Diagnostic};

/// Destination port of control packets (RFC 5881 section 4).
pub const PORT: u16 = 3784;
