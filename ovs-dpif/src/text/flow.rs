//! Whole megaflows, a line each.

use std::fmt;
use std::time::Duration;

use ovs_flow::text::{DpDisplay, DpPortNames};

use super::{DisplayActions, DisplayTcpFlags, DisplayUsed};
use crate::FlowView;

/// How much of a megaflow is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FlowStyle {
    /// What is matched on: `dpctl/dump-flows`, `dpif/dump-flows`.
    #[default]
    Brief,
    /// All fields and the identity: `dpif/dump-flows -m`.
    DpifVerbose,
    /// All fields, the identity and where the flow is processed: `dpctl/dump-flows -m`.
    DpctlVerbose,
}

/// One line of a dump:
/// `recirc_id(0),in_port(1),eth_type(0x1234), packets:1, bytes:60, used:0.004s, actions:2`.
pub struct DisplayFlow<'a, P> {
    flow: &'a FlowView<'a>,
    now: Duration,
    names: &'a P,
    style: FlowStyle,
}

impl<'a, P: DpPortNames> DisplayFlow<'a, P> {
    /// Prints `flow`, with ages counted from `now`, and ports by name if `names` has one.
    pub fn new(flow: &'a FlowView<'a>, now: Duration, names: &'a P) -> Self {
        Self { flow, now, names, style: FlowStyle::Brief }
    }

    /// Sets how much is printed.
    pub fn style(mut self, style: FlowStyle) -> Self {
        self.style = style;
        self
    }
}

impl<P: DpPortNames> fmt::Display for DisplayFlow<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FlowView { ufid, key, mask, actions, stats, .. } = self.flow;
        match self.style {
            FlowStyle::Brief => {}
            FlowStyle::DpifVerbose => write!(f, "ufid:{ufid} ")?,
            FlowStyle::DpctlVerbose => write!(f, "ufid:{ufid}, ")?,
        }
        let verbose = self.style != FlowStyle::Brief;
        write!(f, "{}", DpDisplay::masked(key, mask, self.names).verbose(verbose))?;
        let used = DisplayUsed { used: stats.used, now: self.now };
        write!(f, ", packets:{}, bytes:{}, used:{used}", stats.packets, stats.bytes)?;
        if stats.tcp_flags != 0 {
            write!(f, ", flags:{}", DisplayTcpFlags(stats.tcp_flags))?;
        }
        if self.style == FlowStyle::DpctlVerbose {
            f.write_str(", dp:ovs")?;
        }
        write!(f, ", actions:{}", DisplayActions::new(actions, self.names))
    }
}
