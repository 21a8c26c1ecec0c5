//! Datapath syntax: `recirc_id(0),in_port(1),eth_type(0x0800),ipv4(src=10.0.0.1,frag=no)`.
//!
//! ```text
//!   FlowKey + FlowMask ── DpDisplay ──▶ what dpctl/dump-flows and upcall logs print
//!                      ◀── parse_dp ───  what netdev-dummy/receive and ofproto/trace accept
//! ```
//!
//! Which members an attribute has, how they are written and where they lie stands in one table
//! ([`attrs`]), from which both directions work.
//!
//! The original keeps a flow as a list of attributes, of which some are there only if a value is not zero; where that shows
//! in its text (a tunnel without `tos`, a connection without its tuple), the same condition stands here.

mod attrs;
mod format;
mod headers;
mod options;
mod parse;
mod special;
mod tunnel;
mod write;

pub use format::DpDisplay;
pub use parse::{DpParseError, KeyProblem, parse_dp_flow, parse_dp_key};
