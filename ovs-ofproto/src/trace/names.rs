//! Names of ports in traces.

use std::collections::BTreeMap;

use ovs_flow::text::{DpPortNames, PortNames};
use ovs_flow::{DpPort, OfPort, OptionPlaces};

use crate::snapshot::BridgeSnap;

/// Names of a bridge's ports, and of those of its datapath.
#[derive(Clone, Debug, Default)]
pub struct TraceNames {
    pub(crate) openflow: BTreeMap<OfPort, String>,
    pub(crate) datapath: BTreeMap<DpPort, String>,
    /// Where keys of the bridge have options of tunnels.
    pub(crate) places: OptionPlaces,
}

impl PortNames for TraceNames {
    fn name(&self, port: OfPort) -> Option<&str> {
        self.openflow.get(&port).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<OfPort> {
        self.openflow.iter().find(|(_, known)| *known == name).map(|(port, _)| *port)
    }

    fn option_places(&self) -> &OptionPlaces {
        &self.places
    }
}

impl DpPortNames for TraceNames {
    fn name(&self, port: DpPort) -> Option<&str> {
        self.datapath.get(&port).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<DpPort> {
        self.datapath.iter().find(|(_, known)| *known == name).map(|(port, _)| *port)
    }
}

/// What texts need to know of the bridge that a packet is in: names of ports only if they are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub bridge: &'a BridgeSnap,
    pub names: bool,
}

impl PortNames for Named<'_> {
    fn name(&self, port: OfPort) -> Option<&str> {
        let port = self.bridge.ports.get(&port).filter(|_| self.names);
        port.map(|port| &*port.name)
    }

    fn number(&self, name: &str) -> Option<OfPort> {
        let mut ports = self.bridge.ports.iter().filter(|_| self.names);
        ports.find(|(_, port)| &*port.name == name).map(|(number, _)| *number)
    }

    fn option_places(&self) -> &OptionPlaces {
        &self.bridge.options.places
    }
}
