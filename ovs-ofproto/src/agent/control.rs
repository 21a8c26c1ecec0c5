//! What a connection can ask of a bridge.

use std::time::Duration;

use ovs_flow::{Match, OfPort};
use ovs_openflow::{
    Action, AggregateStats, Features, FlowFacts, FlowFilter, FlowMod, OfError, PacketOut, PortDesc, PortMod,
    PortStats, SwitchConfig, SwitchDesc, TableFeatures, TableMod, TableStats, Version,
};

/// On whose behalf something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The version that the request was made in: some rules differ between versions.
    pub version: Version,
    /// Now.
    pub now: Duration,
}

/// Where a walk over flows stands; begin with the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlowPosition {
    /// The table.
    pub table: u16,
    /// The bridge's own mark inside of the table.
    pub mark: u64,
}

/// A bridge, as its connections drive it. Errors are what the peer is told.
pub(crate) trait Control {
    /// Identity, abilities and ports.
    fn features(&mut self) -> Features;

    /// Texts for people.
    fn description(&self) -> SwitchDesc;

    /// Fragment handling and the default length of packet-ins.
    fn switch_config(&self) -> SwitchConfig;

    /// Sets how fragments are handled.
    fn set_switch_config(&mut self, config: SwitchConfig);

    /// All ports, in order of their numbers.
    fn ports(&mut self) -> Vec<PortDesc>;

    /// Counters of a port, or of all with [`OfPort::NONE`].
    fn port_stats(&mut self, port: OfPort, now: Duration) -> Result<Vec<PortStats>, OfError>;

    /// Changes a port.
    fn port_mod(&mut self, change: &PortMod) -> Result<(), OfError>;

    /// Counters of the tables.
    fn table_stats(&mut self) -> Vec<TableStats>;

    /// What the tables can do.
    fn table_features(&mut self) -> Vec<TableFeatures>;

    /// Changes a table.
    fn table_mod(&mut self, change: &TableMod) -> Result<(), OfError>;

    /// Changes flows.
    fn flow_mod(&mut self, change: &FlowMod, origin: Origin) -> Result<(), OfError>;

    /// Changes flows as one: all of them, or if one is refused none, and then its index is told.
    fn flow_mods(&mut self, changes: &[FlowMod], origin: Origin) -> Result<(), (usize, OfError)>;

    /// Shows up to `max` flows that pass the filter from where `position` stands; `true` if there may be more.
    fn flows(
        &mut self,
        position: &mut FlowPosition,
        filter: &FlowFilter,
        max: usize,
        now: Duration,
        show: &mut dyn FnMut(&FlowFacts, &Match, &[Action]),
    ) -> bool;

    /// Sums over the flows that pass the filter.
    fn aggregate(&mut self, filter: &FlowFilter, now: Duration) -> AggregateStats;

    /// Sends a packet through the switch.
    fn packet_out(&mut self, packet: &PacketOut, origin: Origin) -> Result<(), OfError>;

    /// Begins a barrier; its number is given to [`Control::barrier_passed`].
    fn barrier(&mut self) -> u64;

    /// Whether everything that was changed before the barrier has reached the packets.
    fn barrier_passed(&mut self, barrier: u64) -> bool;
}
