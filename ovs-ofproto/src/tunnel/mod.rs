//! Tunnels as bridges have them: what an interface says, which interface a packet came by, the headers that are put around.
//!
//! ```text
//!   out: flow + TunnelConfig ─▶ Outer ─▶ router ─▶ neighbor ─▶ header ─▶ tnl_push, and on in the bridge of the route
//!   in:  LOCAL of a bridge ─▶ Ends: is this address and port a tunnel's end? ─▶ tnl_pop ─▶ TunnelIndex: whose is it?
//! ```

mod config;
mod ends;
mod header;
mod index;
mod options;

pub use config::TunnelError;
pub(crate) use config::{Key, Remote, TunnelConfig};
pub(crate) use ends::{End, Ends};
pub(crate) use header::{Outer, build};
pub(crate) use index::{TunnelIndex, TunnelMatch};
pub(crate) use options::{fields_to_options, mask_to_options, options_to_fields};
