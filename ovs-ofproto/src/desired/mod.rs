//! The state that the embedder wants: bridges, ports, interfaces, as plain values.
//!
//! ```
//! use ovs_ofproto::{BridgeConfig, DesiredState, InterfaceConfig, PortConfig};
//!
//! let port = |name: &str| PortConfig::new(name).interface(InterfaceConfig::new(name, "dummy"));
//! let state = DesiredState::default().bridge(BridgeConfig::new("br0").port(port("p1")).port(port("p2")));
//! assert_eq!(state.bridges["br0"].ports.len(), 2);
//! ```

mod bridge;
mod mirror;
mod port;
mod qos;
mod zones;

use std::collections::BTreeMap;
use std::time::Duration;

pub use bridge::{BridgeConfig, ControllerConfig, FailMode, TableConfig};
pub use mirror::{MirrorConfig, MirrorOutput};
pub use port::{InterfaceConfig, PortConfig, PriorityTags, VlanMode};
pub use qos::QosConfig;
pub use zones::{ZoneConfig, ZonesConfig};

/// All that a switch shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredState {
    /// Bridges by name.
    pub bridges: BTreeMap<String, BridgeConfig>,
    /// How long a megaflow stays without a packet (`other_config:max-idle`); `None` for the limit that the
    /// switch was made with.
    pub max_idle: Option<Duration>,
    /// The most megaflows (`other_config:flow-limit`); `None` for the limit that the switch was made with.
    pub flow_limit: Option<usize>,
    /// Settings of the connection tracker.
    pub zones: ZonesConfig,
}

impl DesiredState {
    /// Adds a bridge, in place of one of the same name.
    pub fn bridge(mut self, bridge: BridgeConfig) -> Self {
        self.bridges.insert(bridge.name.clone(), bridge);
        self
    }

    /// Sets how long an idle megaflow stays.
    pub fn max_idle(mut self, idle: Option<Duration>) -> Self {
        self.max_idle = idle;
        self
    }

    /// Sets what the connection tracker's zones get.
    pub fn zones(mut self, zones: ZonesConfig) -> Self {
        self.zones = zones;
        self
    }

    /// Sets the number of megaflows.
    pub fn flow_limit(mut self, flows: Option<usize>) -> Self {
        self.flow_limit = flows;
        self
    }
}
