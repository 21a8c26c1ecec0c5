//! Interfaces that are there: their numbers and devices.

use std::collections::BTreeSet;

use ovs_dpif::PortRequest;
use ovs_flow::{DpPort, OfPort};
use ovs_netdev::DeviceConfig;

use super::Switch;
use crate::{InterfaceConfig, InterfaceError};

/// An interface that is there.
#[derive(Clone, Debug)]
pub(super) struct PortRecord {
    pub number: OfPort,
    /// `None` for a patch.
    pub dp_port: Option<DpPort>,
    /// The name of the port (bundle) that it belongs to.
    pub port: String,
    /// The device's own type.
    pub kind: String,
}

impl Switch {
    /// Opens an interface's device and gives it its numbers.
    pub(super) fn add_interface(
        &mut self,
        bridge: &str,
        port: &str,
        wanted: &InterfaceConfig,
    ) -> Result<OfPort, InterfaceError> {
        let name = || wanted.name.clone();
        let key = (bridge.to_owned(), name());
        if self.ports.keys().any(|(_, interface)| *interface == wanted.name) {
            return Err(InterfaceError::Duplicate { name: name() });
        }
        let number =
            self.choose_number(bridge, wanted).ok_or_else(|| InterfaceError::NoNumber { name: name() })?;
        let (dp_port, kind) = if wanted.kind == "patch" {
            if wanted.options.get("peer").is_none_or(|peer| *peer == wanted.name || peer.is_empty()) {
                return Err(InterfaceError::PatchPeer { name: name() });
            }
            (None, "patch".to_owned())
        } else {
            let kind = if wanted.kind.is_empty() { "system" } else { &wanted.kind };
            let device = self.registry.open(kind, &wanted.name, &wanted.options)?;
            let kind = device.kind().to_owned();
            let added = self.dpif.add_port(PortRequest { device, number: None });
            (Some(added.map_err(|source| InterfaceError::Datapath { name: name(), source })?), kind)
        };
        let record = PortRecord { number, dp_port, port: port.to_owned(), kind };
        if let Some(dp_port) = dp_port {
            self.by_dp.insert(dp_port, key.clone());
        }
        self.ports.insert(key.clone(), record);
        self.remembered.insert(key, number);
        self.configure_interface(bridge, wanted)?;
        Ok(number)
    }

    /// Changes an interface's device as wanted.
    pub(super) fn configure_interface(
        &mut self,
        bridge: &str,
        wanted: &InterfaceConfig,
    ) -> Result<OfPort, InterfaceError> {
        let key = (bridge.to_owned(), wanted.name.clone());
        let Some(record) = self.ports.get(&key) else {
            return Err(InterfaceError::NoNumber { name: wanted.name.clone() });
        };
        let (number, dp_port) = (record.number, record.dp_port);
        let mut config = DeviceConfig::default();
        config.mac = wanted.mac;
        config.mtu = wanted.mtu_request;
        config.admin_up = wanted.admin_up;
        if let (Some(dp_port), true) = (dp_port, config != DeviceConfig::default()) {
            self.dpif.configure_port(dp_port, &config)?;
        }
        Ok(number)
    }

    /// Closes an interface's device.
    pub(super) fn delete_interface(&mut self, bridge: &str, interface: &str) {
        let key = (bridge.to_owned(), interface.to_owned());
        let Some(record) = self.ports.remove(&key) else { return };
        if let Some(dp_port) = record.dp_port {
            self.by_dp.remove(&dp_port);
            if let Err(error) = self.dpif.remove_port(dp_port) {
                tracing::warn!(target: "ofproto", "{bridge}: could not remove port {interface} ({error})");
            }
        }
    }

    /// The number that is asked for if it is free, or the one that the name had before, or the lowest that
    /// neither is in use nor belongs to a name of before.
    fn choose_number(&self, bridge: &str, wanted: &InterfaceConfig) -> Option<OfPort> {
        if wanted.name == bridge {
            return Some(OfPort::LOCAL);
        }
        let of_bridge = |key: &(String, String)| key.0 == bridge;
        let used: BTreeSet<OfPort> =
            self.ports.iter().filter(|(key, _)| of_bridge(key)).map(|(_, record)| record.number).collect();
        let key = (bridge.to_owned(), wanted.name.clone());
        let before = self.remembered.get(&key).copied();
        let usable =
            |number: &OfPort| number.is_physical() && *number != OfPort::LOCAL && !used.contains(number);
        if let Some(number) = wanted.ofport_request.filter(usable).or(before.filter(usable)) {
            return Some(number);
        }
        let remembered: BTreeSet<OfPort> =
            self.remembered.iter().filter(|(key, _)| of_bridge(key)).map(|(_, number)| *number).collect();
        let numbers = || (1..OfPort::MAX.0).map(OfPort).filter(|number| !used.contains(number));
        numbers().find(|number| !remembered.contains(number)).or_else(|| numbers().next())
    }
}
