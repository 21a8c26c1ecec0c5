//! Interfaces: opening, changing and closing their devices.

use ovs_dpif::{PortRequest, TunnelKind};
use ovs_flow::{DpPort, OfPort};
use ovs_netdev::{DeviceConfig, Options};
use ovs_openflow::PortConfig as OfConfig;

use super::Switch;
use crate::bridge::{PortCounters, PortRecord};
use crate::{InterfaceConfig, InterfaceError};

impl Switch {
    /// Opens an interface's device and gives it its numbers.
    pub(super) fn add_interface(
        &mut self,
        bridge: &str,
        port: &str,
        wanted: &InterfaceConfig,
    ) -> Result<OfPort, InterfaceError> {
        let name = || wanted.name.clone();
        if self.bridges.values().any(|bridge| bridge.port_named(&wanted.name).is_some()) {
            return Err(InterfaceError::Duplicate { name: name() });
        }
        let number = self.bridges.get(bridge).and_then(|bridge| bridge.choose_number(wanted));
        let number = number.ok_or_else(|| InterfaceError::NoNumber { name: name() })?;
        let mut record = PortRecord {
            number,
            name: name(),
            port: port.to_owned(),
            dp_port: None,
            kind: wanted.kind.clone(),
            tunnel: None,
            peer: None,
            of_config: OfConfig::empty(),
            status: None,
            counters: PortCounters::default(),
            added: self.now,
            qos: None,
            queued_since: self.now,
            is_stalled: false,
            order: 0,
        };
        if wanted.kind == "patch" {
            record.peer = Some(patch_peer(wanted)?);
        } else if let Some(kind) = self.tunnel_kind(&wanted.kind) {
            let (tunnel, dp_port) = self.add_tunnel(wanted, kind)?;
            (record.tunnel, record.dp_port) = (Some(tunnel), Some(dp_port));
        } else {
            let kind = if wanted.kind.is_empty() { "system" } else { &wanted.kind };
            let device = self.registry.open(kind, &wanted.name, &opening_options(wanted))?;
            device.kind().clone_into(&mut record.kind);
            let added = self.dpif.add_port(PortRequest { device, number: self.dummy_number(&wanted.name) });
            let dp_port = added.map_err(|source| InterfaceError::Datapath { name: name(), source })?;
            record.dp_port = Some(dp_port);
            self.by_dp.insert(dp_port, (bridge.to_owned(), number));
        }
        if let Some(bridge) = self.bridges.get_mut(bridge) {
            bridge.added += 1;
            record.order = bridge.added;
            bridge.ports.insert(number, record);
            bridge.remembered.insert(name(), number);
        }
        self.world_changed = true;
        let configured = self.configure_interface(bridge, port, wanted);
        self.refresh_port(bridge, number);
        configured
    }

    /// The kind of tunnel that a type of interface is, unless devices of that type are something else here.
    fn tunnel_kind(&self, kind: &str) -> Option<TunnelKind> {
        TunnelKind::from_name(kind).filter(|_| self.registry.kinds().all(|known| known != kind))
    }

    /// The number that a dummy datapath gives to a name: the first number in it, from 100 on for bridges.
    pub(super) fn dummy_number(&self, name: &str) -> Option<DpPort> {
        if self.dpif.kind() != "dummy" {
            return None;
        }
        let start = if name.starts_with("br") { 100 } else { 0 };
        let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let number: u32 = digits[..end].parse().ok()?;
        let wanted = DpPort(number.checked_add(start)?);
        (wanted != DpPort::LOCAL && !self.by_dp.contains_key(&wanted) && !self.has_tunnel(wanted))
            .then_some(wanted)
    }

    /// Changes an interface's device as wanted.
    pub(super) fn configure_interface(
        &mut self,
        bridge: &str,
        port: &str,
        wanted: &InterfaceConfig,
    ) -> Result<OfPort, InterfaceError> {
        let peer = if wanted.kind == "patch" { Some(patch_peer(wanted)?) } else { None };
        let records = self.bridges.get_mut(bridge).map(|bridge| &mut bridge.ports);
        let record = records.and_then(|ports| ports.values_mut().find(|record| record.name == wanted.name));
        let Some(record) = record else { return Err(InterfaceError::NoNumber { name: wanted.name.clone() }) };
        if record.peer != peer || record.port != port {
            record.peer = peer;
            port.clone_into(&mut record.port);
            self.world_changed = true;
        }
        let (number, dp_port) = (record.number, record.dp_port.filter(|_| record.tunnel.is_none()));
        let mut config = DeviceConfig::default();
        config.mac = wanted.mac;
        config.mtu = wanted.mtu_request;
        config.admin_up = wanted.admin_up;
        if let (Some(dp_port), true) = (dp_port, config != DeviceConfig::default()) {
            self.dpif.configure_port(dp_port, &config)?;
        }
        self.configure_monitor(bridge, number, wanted);
        Ok(number)
    }

    /// Closes an interface's device.
    pub(super) fn delete_interface(&mut self, bridge: &str, interface: &str) {
        let Some(state) = self.bridges.get_mut(bridge) else { return };
        let Some(number) = state.port_named(interface).map(|record| record.number) else { return };
        let Some(record) = state.ports.remove(&number) else { return };
        self.monitors.remove(interface);
        for key in state.macs.flush(Some(number)) {
            self.shared.count_mac_change();
            self.revalidator.changes.note(crate::revalidate::Change::Mac { bridge: state.id, key });
        }
        // The datapath's port of a tunnel may be that of others, and goes when none is left.
        if let Some(dp_port) = record.dp_port.filter(|_| record.tunnel.is_none()) {
            self.remove_qos(&record);
            self.by_dp.remove(&dp_port);
            if let Err(error) = self.dpif.remove_port(dp_port) {
                tracing::warn!(target: "ofproto", "{bridge}: could not remove port {interface} ({error})");
            }
        }
        self.world_changed = true;
        self.tell_port_removed(bridge, &record);
    }

    /// Asks a port's device for its state. Says whether it differs from what was known.
    pub(super) fn refresh_port(&mut self, bridge: &str, number: OfPort) -> bool {
        let Some(record) = self.bridges.get(bridge).and_then(|bridge| bridge.ports.get(&number)) else {
            return false;
        };
        let status = match (&record.tunnel, record.dp_port) {
            (Some(_), _) => Some(self.tunnel_status(bridge, record)),
            (None, Some(dp_port)) => self.dpif.port_status(dp_port),
            (None, None) => None,
        };
        let records = self.bridges.get_mut(bridge).and_then(|bridge| bridge.ports.get_mut(&number));
        let (Some(status), Some(record)) = (status, records) else { return false };
        let changed = record.status.as_ref() != Some(&status);
        record.of_config.set(OfConfig::PORT_DOWN, !status.admin_up);
        record.status = Some(status);
        changed
    }
}

/// The options that a device is opened with: its own, and the MTU that it is to have, for those that are laid out by it.
fn opening_options(wanted: &InterfaceConfig) -> Options {
    let mut options = wanted.options.clone();
    if let Some(mtu) = wanted.mtu_request {
        options.entry("mtu_request".to_owned()).or_insert_with(|| mtu.to_string());
    }
    options
}

fn patch_peer(wanted: &InterfaceConfig) -> Result<String, InterfaceError> {
    let peer = wanted.options.get("peer").filter(|peer| !peer.is_empty() && **peer != wanted.name);
    peer.cloned().ok_or_else(|| InterfaceError::PatchPeer { name: wanted.name.clone() })
}
