//! Changes of ports that come by a connection, and their queues.

use ovs_flow::OfPort;
use ovs_netdev::DeviceConfig;
use ovs_openflow::{Message, OfError, PortConfig, PortMod};

use super::connection::ConnId;
use crate::switch::Switch;

/// What a controller may set on a port.
const CHANGEABLE: PortConfig = PortConfig::PORT_DOWN
    .union(PortConfig::NO_STP)
    .union(PortConfig::NO_RECV)
    .union(PortConfig::NO_RECV_STP)
    .union(PortConfig::NO_FLOOD)
    .union(PortConfig::NO_FWD)
    .union(PortConfig::NO_PACKET_IN);

impl Switch {
    pub(super) fn serve_port_mod(&mut self, id: ConnId, change: &PortMod) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        let desc = self.port_desc(&name, change.port).ok_or(OfError::PmfcBadPort)?;
        if desc.hw_addr != change.hw_addr {
            return Err(OfError::PmfcBadHwAddr);
        }
        self.change_port(&name, change.port, change.config, change.mask);
        Ok(())
    }

    /// Sets some bits of a port's configuration, and tells controllers if any of them changed.
    pub(in crate::switch) fn change_port(
        &mut self,
        bridge: &str,
        number: OfPort,
        config: PortConfig,
        mask: PortConfig,
    ) {
        let Some(record) = self.bridges.get_mut(bridge).and_then(|bridge| bridge.ports.get_mut(&number))
        else {
            return;
        };
        let mask = mask & CHANGEABLE;
        let changed = (record.of_config ^ config) & mask;
        if changed.is_empty() {
            return;
        }
        if changed.contains(PortConfig::PORT_DOWN)
            && let Some(dp_port) = record.dp_port.filter(|_| record.tunnel.is_none())
        {
            let up = !config.contains(PortConfig::PORT_DOWN);
            if let Err(error) = self.dpif.configure_port(dp_port, &DeviceConfig::default().admin_up(up)) {
                tracing::warn!(target: "ofproto", "{}: {error}", record.name);
            }
        }
        record.of_config ^= changed;
        self.world_changed = true;
        self.refresh_port(bridge, number);
        self.tell_port_modified(bridge, number);
    }

    pub(super) fn serve_queues(&mut self, id: ConnId, xid: u32, port: OfPort) -> Result<(), OfError> {
        let known = self.bridge_of(id)?.ports.contains_key(&port);
        if !known && !matches!(port, OfPort::NONE | OfPort::ALL) {
            return Err(OfError::QofcBadPort);
        }
        let queues = self.queue_configs(&self.bridge_name_of(id), port);
        self.reply(id, xid, &Message::QueueGetConfigReply { port, queues });
        Ok(())
    }
}
