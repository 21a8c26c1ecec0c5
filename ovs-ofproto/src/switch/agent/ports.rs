//! Descriptions of ports and of the bridge, and notices of changes.

use ovs_flow::OfPort;
use ovs_netdev::{Duplex, Status};
use ovs_openflow::{
    Capabilities, Features, Message, OfError, PortDesc, PortFeatures, PortState, PortStatus,
    PortStatusReason, Role, Version,
};

use super::connection::{ConnId, Connection, ConnectionKind};
use crate::bridge::PortRecord;
use crate::switch::Switch;

/// The actions of OpenFlow 1.0, all of which are done.
const ACTIONS_V10: u32 = 0x0fff;

/// What the bits of speed say of a device.
fn speed(status: &Status) -> PortFeatures {
    let full = status.duplex != Some(Duplex::Half);
    match (status.link_speed.unwrap_or(0) / 1_000_000, full) {
        (0, _) => PortFeatures::empty(),
        (10, false) => PortFeatures::MB10_HD,
        (10, true) => PortFeatures::MB10_FD,
        (100, false) => PortFeatures::MB100_HD,
        (100, true) => PortFeatures::MB100_FD,
        (1000, false) => PortFeatures::GB1_HD,
        (1000, true) => PortFeatures::GB1_FD,
        (10_000, _) => PortFeatures::GB10_FD | PortFeatures::COPPER,
        (40_000, _) => PortFeatures::GB40_FD,
        (100_000, _) => PortFeatures::GB100_FD,
        (1_000_000, _) => PortFeatures::TB1_FD,
        _ => PortFeatures::OTHER,
    }
}

impl Switch {
    /// A port as OpenFlow describes it.
    pub(in crate::switch) fn port_desc(&self, bridge: &str, number: OfPort) -> Option<PortDesc> {
        let state = self.bridges.get(bridge)?;
        Some(self.describe_port(bridge, state.ports.get(&number)?))
    }

    fn describe_port(&self, bridge: &str, record: &PortRecord) -> PortDesc {
        let local = record.number == OfPort::LOCAL;
        let own = if local { self.bridges.get(bridge).map(crate::bridge::BridgeState::mac) } else { None };
        let device = record.status.as_ref();
        let mac = own.or(device.map(|status| status.mac)).unwrap_or_else(|| self.patch_mac(bridge, record));
        let mut desc = PortDesc::new(record.number, record.name.clone(), mac.0);
        desc.config = record.of_config;
        let up = device.is_none_or(|status| status.link_up);
        desc.state = if up { PortState::LIVE } else { PortState::LINK_DOWN };
        if let Some(status) = device {
            desc.current = speed(status);
            desc.current_speed = (status.link_speed.unwrap_or(0) / 1000).min(u64::from(u32::MAX)) as u32;
        }
        desc
    }

    /// All ports of a bridge, the local one last as in the original.
    pub(in crate::switch) fn port_descs(&self, bridge: &str) -> Vec<PortDesc> {
        let Some(state) = self.bridges.get(bridge) else { return Vec::new() };
        state.ports.values().map(|record| self.describe_port(bridge, record)).collect()
    }

    pub(super) fn serve_features(&mut self, id: ConnId, xid: u32) -> Result<(), OfError> {
        let bridge = self.bridge_of(id)?;
        let mut features = Features::new(bridge.datapath_id());
        features.capabilities = Capabilities::FLOW_STATS
            | Capabilities::TABLE_STATS
            | Capabilities::PORT_STATS
            | Capabilities::GROUP_STATS
            | Capabilities::QUEUE_STATS
            | Capabilities::ARP_MATCH_IP
            | Capabilities::BUNDLES;
        features.actions = ACTIONS_V10;
        let name = bridge.config.name.clone();
        features.ports = self.port_descs(&name);
        self.reply(id, xid, &Message::FeaturesReply(Box::new(features)));
        Ok(())
    }

    pub(in crate::switch) fn tell_port_added(&mut self, bridge: &str, number: OfPort) {
        self.tell_port(bridge, number, PortStatusReason::Add);
    }

    pub(in crate::switch) fn tell_port_modified(&mut self, bridge: &str, number: OfPort) {
        self.tell_port(bridge, number, PortStatusReason::Modify);
    }

    pub(in crate::switch) fn tell_port_removed(&mut self, bridge: &str, record: &PortRecord) {
        let desc = self.describe_port(bridge, record);
        self.send_port_status(bridge, PortStatusReason::Delete, desc);
    }

    fn tell_port(&mut self, bridge: &str, number: OfPort, reason: PortStatusReason) {
        if let Some(desc) = self.port_desc(bridge, number) {
            self.send_port_status(bridge, reason, desc);
        }
    }

    fn send_port_status(&mut self, bridge: &str, reason: PortStatusReason, desc: PortDesc) {
        let bit = 1 << reason as u32;
        let message = Message::PortStatus(PortStatus { reason, desc });
        self.broadcast(bridge, |conn| conn.wants(|config| config.port_status, bit), &message);
    }

    /// Sends a notice to all connections of a bridge that want it and have room for it.
    pub(super) fn broadcast(&mut self, bridge: &str, wants: impl Fn(&Connection) -> bool, message: &Message) {
        self.broadcast_but(bridge, None, wants, message);
    }

    /// The same for all but one connection.
    pub(super) fn broadcast_but(
        &mut self,
        bridge: &str,
        but: Option<ConnId>,
        wants: impl Fn(&Connection) -> bool,
        message: &Message,
    ) {
        let limit = self.config.limits.output_buffer;
        let ids: Vec<ConnId> = self.connections_of(bridge).collect();
        for id in ids {
            let Some(conn) = self.connections.get_mut(&id) else { continue };
            if !conn.is_established() || Some(id) == but || !wants(conn) {
                continue;
            }
            if conn.output.len() >= limit {
                conn.output.dropped += 1;
                continue;
            }
            conn.send(0, message);
        }
    }

    /// Whether somebody who gets packets wants those that miss every rule: who speaks less than OpenFlow 1.3 does.
    pub(in crate::switch) fn wants_misses(&self, bridge: &str) -> bool {
        self.connections.values().any(|conn| {
            let old = conn.protocol.is_some_and(|protocol| protocol.version < Version::V13);
            conn.bridge == bridge && conn.listens() && conn.is_established() && old
        })
    }

    /// A connection came or went, or asks for other things: translation must know if that changes what is done with
    /// packets that miss every rule.
    pub(super) fn recheck_misses(&mut self, bridge: &str) {
        let wanted = self.wants_misses(bridge);
        let known = self.bridges.get(bridge).and_then(|state| self.world.bridges.get(&state.id));
        self.world_changed |= known.is_none_or(|known| known.miss_to_controller != wanted);
    }
}

impl Connection {
    /// Whether a notice with this bit of this mask is wanted.
    pub fn wants(&self, mask: impl FnOnce(&ovs_openflow::AsyncConfig) -> [u32; 2], bit: u32) -> bool {
        let secondary = usize::from(self.role == Role::Secondary);
        self.listens() && mask(&self.asynchronous)[secondary] & bit != 0
    }

    /// Whether it gets notices at all. Who only asks something does not, unless it said how much of packets it wants.
    fn listens(&self) -> bool {
        match self.kind {
            ConnectionKind::Controller => true,
            ConnectionKind::Service => self.miss_send_len > 0,
            ConnectionKind::Snoop => false,
        }
    }
}
