//! A mirror as it is wanted.

use std::collections::BTreeSet;

use ovs_flow::{Match, VlanId};

/// Copies of selected packets go to a port of their own (SPAN) or to a VLAN (RSPAN).
///
/// A packet is selected if it comes in or goes out by a selected port, is in a selected VLAN, and matches the filter.
/// It goes to one destination once, however many mirrors select it for that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MirrorConfig {
    /// Name, for people.
    pub name: String,
    /// Every port is selected in both directions.
    pub select_all: bool,
    /// Ports by which packets come in.
    pub src_ports: BTreeSet<String>,
    /// Ports by which packets go out.
    pub dst_ports: BTreeSet<String>,
    /// The VLANs that are selected; empty for all.
    pub vlans: BTreeSet<VlanId>,
    /// What packets must match beside that; `None` for all.
    pub filter: Option<Box<Match>>,
    /// Where copies go.
    pub output: MirrorOutput,
    /// How many bytes of a packet are copied at most; `None` for all.
    pub snaplen: Option<u32>,
}

/// Where the copies of a mirror go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MirrorOutput {
    /// A port. It is for copies alone: it neither takes part in NORMAL, nor do packets come in by it.
    Port(String),
    /// All ports that carry a VLAN, in that VLAN.
    Vlan(VlanId),
}

impl MirrorConfig {
    /// A mirror that selects nothing yet.
    pub fn new(name: impl Into<String>, output: MirrorOutput) -> Self {
        Self {
            name: name.into(),
            select_all: false,
            src_ports: BTreeSet::new(),
            dst_ports: BTreeSet::new(),
            vlans: BTreeSet::new(),
            filter: None,
            output,
            snaplen: None,
        }
    }

    /// Sets whether every port is selected.
    pub fn select_all(mut self, all: bool) -> Self {
        self.select_all = all;
        self
    }

    /// Sets the ports by which packets come in.
    pub fn src_ports(mut self, ports: impl IntoIterator<Item = String>) -> Self {
        self.src_ports = ports.into_iter().collect();
        self
    }

    /// Sets the ports by which packets go out.
    pub fn dst_ports(mut self, ports: impl IntoIterator<Item = String>) -> Self {
        self.dst_ports = ports.into_iter().collect();
        self
    }

    /// Sets the VLANs.
    pub fn vlans(mut self, vlans: impl IntoIterator<Item = VlanId>) -> Self {
        self.vlans = vlans.into_iter().collect();
        self
    }

    /// Sets what packets must match.
    pub fn filter(mut self, filter: Option<Match>) -> Self {
        self.filter = filter.map(Box::new);
        self
    }

    /// Sets how many bytes are copied.
    pub fn snaplen(mut self, bytes: Option<u32>) -> Self {
        self.snaplen = bytes;
        self
    }
}
