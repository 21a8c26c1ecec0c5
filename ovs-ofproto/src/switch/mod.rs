//! The switch: all bridges of one datapath, and the one control side of it.

mod apply;
mod connection;
mod ports;
mod status;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ovs_dpif::{Dpif, Event};
use ovs_flow::{DpPort, OfPort};
use ovs_netdev::{Registry, Wait};

use connection::Connection;
pub use connection::{ConnId, ConnectionKind};
use ports::PortRecord;

use crate::{DesiredState, SwitchConfig};

/// All bridges of one datapath.
///
/// One control thread owns it and calls [`Switch::poll`] in turn with the datapath's workers (or lets threads
/// run those). Order of calls in a turn: configuration and OpenFlow bytes in, then [`Switch::poll`], then output
/// bytes out. Nothing here waits.
pub struct Switch {
    config: SwitchConfig,
    registry: Registry,
    dpif: Box<dyn Dpif>,
    /// What was applied last, local ports included.
    state: DesiredState,
    /// Interfaces that are there, by name of bridge and interface.
    ports: BTreeMap<(String, String), PortRecord>,
    by_dp: BTreeMap<DpPort, (String, String)>,
    /// Why interfaces that are wanted are not there, by name of bridge and interface.
    errors: BTreeMap<(String, String), String>,
    /// Numbers that names had before, by bridge: a name that comes back gets its number again.
    remembered: BTreeMap<(String, String), OfPort>,
    connections: BTreeMap<ConnId, Connection>,
    next_connection: u64,
    events: Vec<SwitchEvent>,
}

impl Switch {
    /// A switch without bridges over a datapath. Devices are opened by `registry`.
    pub fn new(config: SwitchConfig, registry: Registry, dpif: Box<dyn Dpif>) -> Self {
        Self {
            config,
            registry,
            dpif,
            state: DesiredState::default(),
            ports: BTreeMap::new(),
            by_dp: BTreeMap::new(),
            errors: BTreeMap::new(),
            remembered: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            events: Vec::new(),
        }
    }

    /// What it was made with.
    pub fn config(&self) -> &SwitchConfig {
        &self.config
    }

    /// The datapath.
    pub fn dpif(&self) -> &dyn Dpif {
        &*self.dpif
    }

    /// The datapath, to dump flows or to ask for statistics. Ports and flows are the switch's: who changes
    /// them behind its back sees them changed again.
    pub fn dpif_mut(&mut self) -> &mut dyn Dpif {
        &mut *self.dpif
    }

    /// Goes on with all that is pending, within `budget` pieces of work.
    pub fn poll(&mut self, now: Duration, budget: usize) -> Turn {
        let _ = budget;
        let mut changed = Vec::new();
        self.dpif.poll(now, &mut |event| {
            if let Event::PortChanged(port) = event {
                changed.push(port);
            }
        });
        for name in changed.iter().filter_map(|port| self.by_dp.get(port)) {
            let (bridge, interface) = name.clone();
            self.events.push(SwitchEvent::InterfaceChanged { bridge, interface });
        }
        Turn { events: std::mem::take(&mut self.events), next: None, more: false }
    }

    /// What to sleep on until [`Switch::poll`] has something to do; called for each item.
    pub fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        self.dpif.waits(wait);
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("datapath", &self.dpif.name())
            .field("bridges", &self.state.bridges.keys())
            .finish_non_exhaustive()
    }
}

/// What one call of [`Switch::poll`] brought.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Turn {
    /// What the embedder may want to know, in order.
    pub events: Vec<SwitchEvent>,
    /// When the next timer of the switch is due; `None` if there is none.
    pub next: Option<Duration>,
    /// The budget ended before the work: poll again at once.
    pub more: bool,
}

/// What the embedder may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwitchEvent {
    /// The state of an interface (carrier, address, MTU …) may have changed.
    InterfaceChanged {
        /// Its bridge.
        bridge: String,
        /// Its name.
        interface: String,
    },
    /// A connection has bytes to be sent: call [`Switch::take_output`].
    Output(ConnId),
    /// The switch has given a connection up; what [`Switch::take_output`] still has should be sent.
    Closed {
        /// Which.
        connection: ConnId,
        /// Why, for the log.
        reason: String,
    },
}
