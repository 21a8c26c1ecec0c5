//! The switch's state as plain values.

use super::Switch;
use crate::bridge::{PortRecord, datapath_id_of};
use crate::{BridgeStatus, InterfaceConfig, InterfaceStatus, Status};

impl Switch {
    /// The state of all bridges now. Asks every device.
    pub fn status(&mut self) -> Status {
        let mut status = Status::default();
        let wanted: Vec<_> = self.state.bridges.values().cloned().collect();
        for bridge in wanted {
            let mut told =
                BridgeStatus { datapath_type: bridge.datapath_type.clone(), ..BridgeStatus::default() };
            for port in bridge.ports.values() {
                for interface in &port.interfaces {
                    let one = self.interface_status(&bridge.name, &port.name, interface);
                    told.interfaces.insert(interface.name.clone(), one);
                }
            }
            if let Some(state) = self.bridges.get(&bridge.name) {
                told.mac = state.mac();
                told.datapath_id = bridge.datapath_id.unwrap_or_else(|| datapath_id_of(told.mac));
                told.mirrors = state.mirrors.status();
                told.fail_open = state.fail_open;
                told.controllers_connected = self.connected_controllers(&bridge.name);
            }
            status.bridges.insert(bridge.name, told);
        }
        status
    }

    fn interface_status(&mut self, bridge: &str, port: &str, interface: &InterfaceConfig) -> InterfaceStatus {
        let key = (bridge.to_owned(), interface.name.clone());
        let mut told = InterfaceStatus {
            port: port.to_owned(),
            options: interface.options.clone(),
            error: self.errors.get(&key).or_else(|| self.qos_errors.get(&key)).cloned(),
            ..InterfaceStatus::default()
        };
        let Some(record) = self.bridges.get(bridge).and_then(|bridge| bridge.port_named(&interface.name))
        else {
            return told;
        };
        told.kind.clone_from(&record.kind);
        told.ofport = Some(record.number);
        told.dp_port = record.dp_port;
        told.bfd = self.bfd_status(&interface.name).map(|status| status.details()).unwrap_or_default();
        if record.tunnel.is_some() {
            told.statistics = patch_statistics(record);
            let status = self.tunnel_status(bridge, record);
            (told.admin_up, told.link_up) = (Some(true), Some(true));
            (told.mac_in_use, told.details) = (Some(status.mac), status.details);
            return told;
        }
        let Some(dp_port) = record.dp_port else {
            told.statistics = patch_statistics(record);
            (told.admin_up, told.link_up) = (Some(true), Some(true));
            told.mac_in_use = Some(self.patch_mac(bridge, record));
            return told;
        };
        if let Some(device) = self.dpif.port_status(dp_port) {
            told.mac_in_use = Some(device.mac);
            told.admin_up = Some(device.admin_up);
            told.link_up = Some(device.link_up);
            told.link_resets = device.link_resets;
            told.link_speed = device.link_speed;
            told.duplex = device.duplex;
            told.mtu = Some(device.mtu);
            told.ifindex = device.ifindex;
            told.details = device.details;
            told.error = told.error.or(device.gone);
        }
        told.statistics = self.dpif.port_statistics(dp_port).unwrap_or_default();
        told
    }

    /// A patch has no device, but an address is shown for it: one of its own, from bridge and number.
    pub(super) fn patch_mac(&self, bridge: &str, record: &PortRecord) -> ovs_netdev::EtherAddr {
        let base = self.bridges.get(bridge).map(|bridge| bridge.fallback_mac.0).unwrap_or_default();
        let [high, low] = record.number.0.to_be_bytes();
        ovs_netdev::EtherAddr([base[0], base[3], base[4], base[5], high, low])
    }
}

/// What a patch has counted, as a device would tell it.
pub(super) fn patch_statistics(record: &PortRecord) -> ovs_netdev::Statistics {
    let mut told = ovs_netdev::Statistics::default();
    told.rx_packets = Some(record.counters.rx_packets);
    told.rx_bytes = Some(record.counters.rx_bytes);
    told.tx_packets = Some(record.counters.tx_packets);
    told.tx_bytes = Some(record.counters.tx_bytes);
    told
}
