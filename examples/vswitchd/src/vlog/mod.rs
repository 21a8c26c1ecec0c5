//! Log lines as users and scripts of Open vSwitch know them.
//!
//! Code logs by `tracing` with the module's name as target (`tracing::info!(target: "bridge", "created port {name}")`);
//! this module decides by module and destination whether a message is wanted, formats it after a pattern and writes it to
//! the console (standard error), a file and the system log.
//!
//! ```text
//!  tracing event ─▶ VlogLayer ─▶ level of (module, destination)? ─▶ pattern ─▶ console | file | syslog
//!                                          ▲
//!        -vSPEC, vlog/set, vlog/list … ────┘
//! ```
//!
//! | tracing | here |
//! |---|---|
//! | `error!` | ERR (EMER with a field `emer = true`) |
//! | `warn!`, `info!` | WARN, INFO |
//! | `debug!`, `trace!` | DBG |
//!
//! A field `rl = N` limits that place in the code to N messages a minute (in bursts of at most `burst`, 5 unless
//! given) while rate limiting is enabled for its module. Other fields follow the message as `, name=value`.

mod command;
mod crash;
mod layer;
mod level;
mod limit;
mod modules;
mod pattern;
mod sink;
mod spec;
mod state;
#[cfg(test)]
mod tests;
mod time;

pub use command::VlogCommand;
pub(crate) use crash::CrashLine;
pub use layer::VlogLayer;
pub use level::{Destination, Facility, Level};
pub use modules::{OVSDB_SERVER_MODULES, VSWITCHD_MODULES};
pub use spec::SpecError;
pub use state::{Vlog, VlogError};
pub(crate) use time::local_time;
