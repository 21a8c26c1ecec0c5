//! Names of ports in traces.

use std::collections::BTreeMap;

use ovs_flow::text::{DpPortNames, PortNames};
use ovs_flow::{DpPort, OfPort};

use crate::snapshot::BridgeSnap;

/// Names of a bridge's ports, and of those of its datapath.
#[derive(Clone, Debug, Default)]
pub struct TraceNames {
    pub(crate) openflow: BTreeMap<OfPort, String>,
    pub(crate) datapath: BTreeMap<DpPort, String>,
}

impl PortNames for TraceNames {
    fn name(&self, port: OfPort) -> Option<&str> {
        self.openflow.get(&port).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<OfPort> {
        self.openflow.iter().find(|(_, known)| *known == name).map(|(port, _)| *port)
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

/// Names of the ports of the bridge that a packet is in, if names are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a>(pub Option<&'a BridgeSnap>);

impl PortNames for Named<'_> {
    fn name(&self, port: OfPort) -> Option<&str> {
        self.0.and_then(|bridge| bridge.ports.get(&port)).map(|port| &*port.name)
    }

    fn number(&self, name: &str) -> Option<OfPort> {
        let mut ports = self.0?.ports.iter();
        ports.find(|(_, port)| &*port.name == name).map(|(number, _)| *number)
    }
}
