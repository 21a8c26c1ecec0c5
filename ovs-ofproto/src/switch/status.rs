//! The switch's state as plain values.

use super::Switch;
use crate::{BridgeStatus, InterfaceStatus, Status};

impl Switch {
    /// The state of all bridges now. Asks every device.
    pub fn status(&mut self) -> Status {
        let mut status = Status::default();
        let bridges: Vec<_> = self.state.bridges.values().cloned().collect();
        for bridge in bridges {
            let mut told =
                BridgeStatus { datapath_type: bridge.datapath_type.clone(), ..BridgeStatus::default() };
            for port in bridge.ports.values() {
                for interface in &port.interfaces {
                    let one = self.interface_status(&bridge.name, &port.name, &interface.name);
                    if interface.name == bridge.name {
                        told.mac = one.mac_in_use.unwrap_or_default();
                    }
                    told.interfaces.insert(interface.name.clone(), one);
                }
            }
            status.bridges.insert(bridge.name, told);
        }
        status
    }

    fn interface_status(&mut self, bridge: &str, port: &str, interface: &str) -> InterfaceStatus {
        let key = (bridge.to_owned(), interface.to_owned());
        let mut told = InterfaceStatus {
            port: port.to_owned(),
            error: self.errors.get(&key).cloned(),
            ..InterfaceStatus::default()
        };
        let Some(record) = self.ports.get(&key) else { return told };
        told.kind.clone_from(&record.kind);
        told.ofport = Some(record.number);
        told.dp_port = record.dp_port;
        let Some(dp_port) = record.dp_port else { return told };
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
}
