//! What a trace found, and its text.

use std::fmt;

use ovs_dpif::SlowPath;
use ovs_dpif::text::DisplayActions;
use ovs_flow::text::{FlowDisplay, MatchDisplay};
use ovs_flow::{FlowKey, Match};

use super::{TraceNames, Tracked, Tree};
use crate::translate::{Translation, mask::is_label_touched};

/// A traced packet. Its `Display` is what `ofproto/trace` prints.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TraceReport {
    /// The packet's key as it came in; `in_port` is an OpenFlow port.
    pub flow: FlowKey,
    /// What happened.
    pub tree: Tree,
    /// The key after all actions.
    pub last: FlowKey,
    /// What the datapath would do, and on which bits of the key that depends; `in_port` is an OpenFlow port.
    pub result: Translation,
    /// What is assumed of a packet that comes again from the connection tracker.
    pub tracked: Option<Tracked>,
    /// What happens when the packet comes again.
    pub resumed: Vec<TraceReport>,
    /// Names of ports, if names are to be shown.
    pub names: TraceNames,
}

impl TraceReport {
    /// The packet's key as it came in, in OpenFlow syntax.
    pub fn flow_text(&self) -> String {
        FlowDisplay { key: &self.flow, ports: &self.names }.to_string()
    }

    /// The key after all actions, in OpenFlow syntax; `unchanged` if it is as before.
    pub fn last_text(&self) -> String {
        if self.last == self.flow {
            return "unchanged".to_owned();
        }
        FlowDisplay { key: &self.last, ports: &self.names }.to_string()
    }

    /// The packets that are treated alike, in OpenFlow syntax.
    pub fn megaflow_text(&self) -> String {
        let megaflow = Match::new(&self.flow, self.result.mask);
        let megaflow = MatchDisplay { m: &megaflow, ports: &self.names }.to_string();
        if !is_label_touched(&self.result.mask) {
            return megaflow;
        }
        let label = format!("ipv6_label=0x{:05x}", self.flow.ipv6_label.get());
        megaflow.replace(&label, &(label.clone() + "/0xfffff"))
    }

    /// What the datapath would do, in its own syntax.
    pub fn actions_text(&self) -> String {
        DisplayActions::new(&self.result.actions, &self.names).to_string()
    }

    /// Why the datapath hands each such packet to the switch, if it does.
    pub fn slow_text(&self) -> Option<&'static str> {
        let reason = self.result.slow.filter(|_| self.result.error.is_none())?;
        Some(match reason {
            SlowPath::Action => "Uses action(s) not supported by datapath.",
            SlowPath::Match => "Needs more specific match than supported by datapath.",
            SlowPath::Cfm => "Consists of CFM packets.",
            SlowPath::Bfd => "Consists of BFD packets.",
            SlowPath::Lacp => "Consists of LACP packets.",
            SlowPath::Stp => "Consists of STP packets.",
            _ => "Consists of LLDP packets.",
        })
    }
}

impl fmt::Display for TraceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Flow: {}", self.flow_text())?;
        write!(f, "{}", self.tree)?;
        writeln!(f, "\nFinal flow: {}", self.last_text())?;
        writeln!(f, "Megaflow: {}", self.megaflow_text())?;
        writeln!(f, "Datapath actions: {}", self.actions_text())?;
        if let Some(error) = self.result.error {
            writeln!(f, "Translation failed ({error}), packet is dropped.")?;
        } else if let Some(why) = self.slow_text() {
            writeln!(f, "This flow is handled by the userspace slow path because it:\n  - {why}")?;
        }
        for report in &self.resumed {
            let rule = "=".repeat(79);
            write!(f, "\n{rule}\nrecirc({:#x})", report.flow.recirc_id)?;
            if let Some(tracked) = &report.tracked {
                tracked.fmt(f)?;
            }
            writeln!(f, "\n{rule}\n")?;
            write!(f, "{report}")?;
        }
        Ok(())
    }
}
