//! Quality of service: given to devices, and asked of them.

use std::collections::BTreeMap;

use ovs_dpif::PortConfigError;
use ovs_flow::{DpPort, OfPort};
use ovs_netdev::{Qos, QosError, QosView};

use super::Switch;
use crate::bridge::PortRecord;
use crate::{InterfaceConfig, PortConfig};

/// Quality of service of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct InterfaceQos {
    /// The types that it can have.
    pub kinds: &'static [&'static str],
    /// What is in effect.
    pub view: Option<QosView>,
}

impl Switch {
    /// Quality of service of the interface of a name; `None` if there is no such interface.
    pub fn interface_qos(&mut self, interface: &str) -> Option<InterfaceQos> {
        let record = self.bridges.values().find_map(|bridge| bridge.port_named(interface))?;
        let Some(port) = own_port(record) else { return Some(InterfaceQos::default()) };
        Some(InterfaceQos { kinds: self.dpif.qos_kinds(port), view: self.dpif.qos(port) })
    }

    /// From now on devices keep what was set of quality of service when they are let go: who comes next takes it over.
    pub fn keep_qos(&mut self) {
        self.keeps_qos = true;
    }

    /// Gives the interfaces of a port the quality of service that is wanted.
    pub(super) fn configure_qos(&mut self, bridge: &str, port: &PortConfig) {
        for interface in &port.interfaces {
            let result = self.configure_interface_qos(bridge, port, interface);
            self.note_qos(bridge, &interface.name, result.map_err(|error| error.to_string()));
        }
    }

    fn configure_interface_qos(
        &mut self,
        bridge: &str,
        port: &PortConfig,
        interface: &InterfaceConfig,
    ) -> Result<(), PortConfigError> {
        let records = self.bridges.get_mut(bridge).map(|bridge| &mut bridge.ports);
        let record =
            records.and_then(|ports| ports.values_mut().find(|record| record.name == interface.name));
        // What could not be opened says so itself.
        let Some(record) = record else { return Ok(()) };
        let wanted = port.qos.as_ref().map(|config| &config.qos);
        let Some(dp_port) = own_port(record) else {
            let asked =
                (interface.policing != ovs_dpif::Policing::default()).then(|| Qos::new("ingress policing"));
            let refused = asked.as_ref().or(wanted).map(|qos| nowhere(record, qos).into());
            return refused.map_or(Ok(()), Err);
        };
        if record.qos.as_ref() != wanted {
            record.qos = wanted.cloned();
            record.queued_since = self.now;
        }
        self.dpif.set_policing(dp_port, interface.policing)?;
        self.dpif.set_qos(dp_port, wanted)
    }

    /// Takes away what was set on an interface that goes.
    pub(super) fn remove_qos(&mut self, record: &PortRecord) {
        if let (Some(port), Some(_), false) = (own_port(record), &record.qos, self.keeps_qos) {
            // The device may be gone already, and what was set with it.
            let _ = self.dpif.set_qos(port, None);
        }
    }

    fn note_qos(&mut self, bridge: &str, interface: &str, result: Result<(), String>) {
        let key = (bridge.to_owned(), interface.to_owned());
        match result {
            Ok(()) => drop(self.qos_errors.remove(&key)),
            Err(error) => {
                if self.qos_errors.get(&key) != Some(&error) {
                    tracing::warn!(target: "bridge", "{error}");
                }
                self.qos_errors.insert(key, error);
            }
        }
    }

    /// The queues of a bridge's port, or of all, the local one first: since when they count, and their views.
    pub(super) fn queues(&mut self, bridge: &str, port: OfPort) -> Vec<QueuedPort> {
        let Some(state) = self.bridges.get(bridge) else { return Vec::new() };
        let all = matches!(port, OfPort::ALL | OfPort::NONE);
        let wanted = state.ports.values().filter(|record| all || record.number == port);
        let mut ports: Vec<_> = wanted
            .filter_map(|record| Some((record.number, record.queued_since, own_port(record)?)))
            .collect();
        ports.sort_by_key(|(number, ..)| (*number != OfPort::LOCAL, *number));
        let queues = |(number, since, port)| QueuedPort {
            number,
            since,
            queues: self.dpif.qos(port).map(|view| view.queues).unwrap_or_default(),
        };
        ports.into_iter().map(queues).collect()
    }
}

/// A port and its queues.
pub(super) struct QueuedPort {
    pub number: OfPort,
    pub since: std::time::Duration,
    pub queues: BTreeMap<u32, ovs_netdev::QueueView>,
}

/// The datapath's port of a device; tunnels share theirs, and patches have none.
fn own_port(record: &PortRecord) -> Option<DpPort> {
    record.dp_port.filter(|_| record.tunnel.is_none())
}

fn nowhere(record: &PortRecord, qos: &Qos) -> QosError {
    let kind = if record.tunnel.is_some() { "tunnel" } else { "patch" };
    QosError::unsupported(&record.name, kind, qos, &[])
}
