//! Ports of a bridge: numbers, devices, what OpenFlow has set on them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::{DpPort, OfPort};
use ovs_netdev::{Qos, Status};
use ovs_openflow::PortConfig as OfConfig;

use super::BridgeState;
use crate::InterfaceConfig;
use crate::tunnel::TunnelConfig;

/// An interface that is there.
#[derive(Clone, Debug)]
pub(crate) struct PortRecord {
    pub number: OfPort,
    /// The interface's name.
    pub name: String,
    /// The name of the port that it belongs to.
    pub port: String,
    /// `None` for a patch.
    pub dp_port: Option<DpPort>,
    /// The device's own type.
    pub kind: String,
    /// What goes around packets that leave by a tunnel, whose datapath port may be that of others too.
    pub tunnel: Option<Arc<TunnelConfig>>,
    /// The other end of a patch.
    pub peer: Option<String>,
    pub of_config: OfConfig,
    /// What the device said last.
    pub status: Option<Status>,
    /// What a patch or a tunnel has counted.
    pub counters: PortCounters,
    pub added: Duration,
    /// The quality of service that was last wanted of its device, and since when.
    pub qos: Option<Qos>,
    pub queued_since: Duration,
    /// Its session of forwarding detection says that packets do not get through.
    pub is_stalled: bool,
    /// Counts the ports that the bridge ever had: floods go in this order.
    pub order: u64,
}

impl PortRecord {
    /// Whether it is a device that the switch did not make: such ports lend the bridge their address.
    pub fn is_physical(&self) -> bool {
        self.dp_port.is_some()
            && self.tunnel.is_none()
            && !matches!(self.kind.as_str(), "internal" | "tap" | "dummy-internal")
    }
}

impl PortRecord {
    /// Whether packets that leave by it get anywhere, as far as its device and its session know.
    pub fn is_live(&self) -> bool {
        let up = self.status.as_ref().is_none_or(|status| status.link_up);
        up && !self.is_stalled && !self.of_config.contains(OfConfig::PORT_DOWN)
    }
}

/// Counters of a port that has no device: a patch, a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct PortCounters {
    pub rx_packets: u64,
    pub rx_bytes: u64,
    pub tx_packets: u64,
    pub tx_bytes: u64,
}

impl BridgeState {
    /// The number that is asked for if it is free, or the one that the name had before, or the lowest that
    /// neither is in use nor belongs to a name of before.
    pub fn choose_number(&self, wanted: &InterfaceConfig) -> Option<OfPort> {
        if wanted.name == self.config.name {
            return Some(OfPort::LOCAL);
        }
        let usable = |number: &OfPort| {
            number.is_physical() && *number != OfPort::LOCAL && !self.ports.contains_key(number)
        };
        let before = self.remembered.get(&wanted.name).copied();
        if let Some(number) = wanted.ofport_request.filter(usable).or(before.filter(usable)) {
            return Some(number);
        }
        let remembered: BTreeSet<OfPort> = self.remembered.values().copied().collect();
        let numbers = || (1..OfPort::MAX.0).map(OfPort).filter(usable);
        numbers().find(|number| !remembered.contains(number)).or_else(|| numbers().next())
    }
}
