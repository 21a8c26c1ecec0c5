//! Tunnels as bridges have them: what an interface says, which interface a packet came by, the headers that are put around.
//!
//! ```text
//!   out: flow + TunnelConfig ─▶ Outer ─▶ router ─▶ neighbor ─▶ header ─▶ tnl_push, and on in the bridge of the route
//!   in:  LOCAL of a bridge ─▶ Ends: is this address and port a tunnel's end? ─▶ tnl_pop ─▶ TunnelIndex: whose is it?
//! ```

mod config;
mod ends;
mod error;
mod header;
mod index;
mod options;
mod read;
pub(crate) mod too_big;
mod wrap;

pub(crate) use config::{Carries, Key, Remote, TooBig, TunnelConfig};
pub(crate) use ends::{End, Ends, Pop, Ports, transports};
pub use error::TunnelError;
pub(crate) use header::{Outer, build};
pub(crate) use index::{TunnelIndex, TunnelMatch};
pub(crate) use options::{NO_OPTIONS, OptionTable};
pub(crate) use wrap::{Inner, Wrap, wrap};
