//! Actions and megaflows as the tools of Open vSwitch print and read them (`ovs-dpctl(8)`, "dump-flows" and
//! "Datapath actions").
//!
//! ```
//! use ovs_dpif::ovs_flow::{DpPort, text::NoNames};
//! use ovs_dpif::text::DisplayActions;
//! use ovs_dpif::Action;
//!
//! let actions = [Action::PopVlan, Action::Output(DpPort(2))];
//! assert_eq!(DisplayActions::new(&actions, &NoNames).to_string(), "pop_vlan,2");
//! assert_eq!(DisplayActions::new(&[], &NoNames).to_string(), "drop");
//! ```

mod actions;
mod connection;
mod ct;
mod fields;
mod flow;
mod parse;
mod tnl;
mod tunnel;

use std::fmt;
use std::time::Duration;

use ovs_flow::DpPort;
use ovs_flow::text::DpPortNames;

pub use self::actions::DisplayActions;
pub use self::connection::{DisplayConnection, DisplayTuple, ParseTupleError, parse_tuple};
pub use self::flow::{DisplayFlow, FlowStyle};
pub use self::parse::{ParseActionsError, parse_actions};

/// Prints a port's name, or its number if it has none.
fn write_port<P: DpPortNames>(f: &mut fmt::Formatter<'_>, port: DpPort, names: &P) -> fmt::Result {
    match names.name(port) {
        Some(name) => f.write_str(name),
        None => write!(f, "{port}"),
    }
}

/// A number as C's `%#x` has it: hexadecimal with its prefix, but zero as a bare digit.
struct Hex(u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { write!(f, "{:#x}", self.0) }
    }
}

/// TCP flags as `tcpdump` has them: `SF.` and so on, those beyond the nine known ones as numbers.
#[derive(Clone, Copy, Debug)]
pub struct DisplayTcpFlags(pub u16);

impl fmt::Display for DisplayTcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(u16, &str); 12] = [
            (0x002, "S"),
            (0x001, "F"),
            (0x008, "P"),
            (0x004, "R"),
            (0x020, "U"),
            (0x010, "."),
            (0x040, "E"),
            (0x080, "C"),
            (0x100, "N"),
            (0x200, "[200]"),
            (0x400, "[400]"),
            (0x800, "[800]"),
        ];
        NAMES.iter().filter(|(bit, _)| self.0 & bit != 0).try_for_each(|(_, name)| f.write_str(name))
    }
}

/// How long ago a megaflow was used: `1.250s`, or `never`.
#[derive(Clone, Copy, Debug)]
pub struct DisplayUsed {
    /// When.
    pub used: Option<Duration>,
    /// Now, on the same clock.
    pub now: Duration,
}

impl fmt::Display for DisplayUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.used {
            None => f.write_str("never"),
            Some(used) => {
                let ago = self.now.saturating_sub(used);
                write!(f, "{}.{:03}s", ago.as_secs(), ago.subsec_millis())
            }
        }
    }
}

#[cfg(test)]
mod tests;
