//! What a trace found, and its text.

use std::fmt;

use ovs_dpif::SlowPath;
use ovs_dpif::text::DisplayActions;
use ovs_flow::text::{FlowDisplay, MatchDisplay, NoNames};
use ovs_flow::{FlowKey, Match};

use super::{Tracked, Tree};
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
}

impl fmt::Display for TraceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = &NoNames;
        writeln!(f, "Flow: {}", FlowDisplay { key: &self.flow, ports })?;
        write!(f, "{}", self.tree)?;
        if self.last == self.flow {
            writeln!(f, "\nFinal flow: unchanged")?;
        } else {
            writeln!(f, "\nFinal flow: {}", FlowDisplay { key: &self.last, ports })?;
        }
        let megaflow = Match::new(&self.flow, self.result.mask);
        let mut megaflow = MatchDisplay { m: &megaflow, ports }.to_string();
        if is_label_touched(&self.result.mask) {
            let label = format!("ipv6_label=0x{:05x}", self.flow.ipv6_label.get());
            megaflow = megaflow.replace(&label, &(label.clone() + "/0xfffff"));
        }
        writeln!(f, "Megaflow: {megaflow}")?;
        writeln!(f, "Datapath actions: {}", DisplayActions::new(&self.result.actions, ports))?;
        if let Some(error) = self.result.error {
            writeln!(f, "Translation failed ({error}), packet is dropped.")?;
        } else if let Some(reason) = self.result.slow {
            let why = match reason {
                SlowPath::Action => "Uses action(s) not supported by datapath.",
                SlowPath::Match => "Needs more specific match than supported by datapath.",
                SlowPath::Cfm => "Consists of CFM packets.",
                SlowPath::Bfd => "Consists of BFD packets.",
                SlowPath::Lacp => "Consists of LACP packets.",
                SlowPath::Stp => "Consists of STP packets.",
                _ => "Consists of LLDP packets.",
            };
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
