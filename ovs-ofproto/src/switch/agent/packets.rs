//! Packets from controllers and for controllers.

use std::sync::Arc;

use ovs_dpif::Execute;
use ovs_flow::{DpPort, FlowKey, Match, Metadata, OfPort, OptionMatch, OptionPlaces, SparseKey, extract};
use ovs_openflow::{Action, Message, OfError, PacketIn, PacketInReason, PacketOut, Version};
use ovs_packet::Packet;

use super::check::check_actions;
use super::connection::{ConnId, Connection};
use crate::packet_in::continuation::{bridge_uuid, from_state};
use crate::packet_in::reason;
use crate::snapshot::BridgeId;
use crate::switch::Switch;
use crate::trace::Unwatched;
use crate::traffic::Traffic;
use crate::translate::{Input, Start, translate_input};
use crate::upcall::PuntedPacket;

impl Switch {
    pub(super) fn serve_packet_out(&mut self, id: ConnId, request: &PacketOut) -> Result<(), OfError> {
        if request.buffer_id.is_some() {
            return Err(OfError::BrcBufferUnknown);
        }
        check_actions(&request.actions, Some(ovs_flow::TableId(0)))?;
        self.bridge_of(id)?.check_names(&request.actions)?;
        let name = self.bridge_name_of(id);
        self.packet_out(&name, request.in_port, &request.actions, &request.data)
    }

    /// Runs a packet through actions of a bridge as if it had come in by a port.
    pub(in crate::switch) fn packet_out(
        &mut self,
        bridge: &str,
        in_port: OfPort,
        actions: &[Action],
        data: &[u8],
    ) -> Result<(), OfError> {
        self.publish();
        let state = self.bridges.get(bridge).ok_or(OfError::BrcEperm)?;
        let dp_port = state.ports.get(&in_port).and_then(|port| port.dp_port).unwrap_or(DpPort::NONE);
        let packet = Packet::detached(data).map_err(|_| OfError::BrcBadPacket)?;
        let metadata = Metadata::of_port(dp_port);
        let mut key = self.key_of(&packet, &metadata);
        key.in_port = u32::from(in_port.0);
        self.pass_on(state.id, &key, Start::Actions(actions), packet, metadata);
        Ok(())
    }

    /// Translates a packet that a controller hands over, or that the switch makes, counts it, and has the datapath do what that
    /// leads to.
    pub(in crate::switch) fn pass_on(
        &mut self,
        bridge: BridgeId,
        key: &FlowKey,
        start: Start<'_>,
        packet: Packet,
        metadata: Metadata,
    ) {
        let snapshot = self.snapshot();
        let translation = self.with_learner(|scratch, decide| {
            let input = Input { bridge, key, packet: Some(&packet), start, dry: false, decide: Some(decide) };
            translate_input(&snapshot, &input, scratch, &mut Unwatched)
        });
        let (bytes, tcp_flags) = (packet.len() as u64, key.tcp_flags.get());
        self.push_packet(&translation.push, Traffic { packets: 1, bytes, used: self.now, tcp_flags });
        // What it has changed is visible to the answers to it.
        self.publish();
        if translation.actions.is_empty() {
            return;
        }
        let execute = Execute { packet, metadata, actions: translation.actions.into() };
        // A datapath whose queue is full loses the packet as a full device queue would.
        if self.dpif.execute(execute).is_err() {
            tracing::debug!(target: "ofproto", "a packet was dropped, the datapath is busy");
        }
    }

    /// The key of a packet, parsed as the datapath does.
    pub(in crate::switch) fn key_of(&self, packet: &Packet, metadata: &Metadata) -> FlowKey {
        let mut sparse = SparseKey::new();
        let tags = self.world.vlan_headers;
        extract::extract_bytes(packet.data(), packet.facts().packet_type, metadata, tags, &mut sparse);
        sparse.expand()
    }

    /// A worker punted a packet: it goes to the connections that want it.
    pub(in crate::switch) fn send_packet_in(&mut self, packet: &PuntedPacket) {
        let Some(bridge) = self.bridge_by_id(packet.state.bridge).map(|bridge| bridge.config.name.clone())
        else {
            return;
        };
        let options = self.bridges.get(&bridge).map(|bridge| Arc::clone(&bridge.options)).unwrap_or_default();
        let limit = self.config.limits.output_buffer;
        let uuid = bridge_uuid(self.config.seed, packet.state.bridge);
        let ids: Vec<ConnId> = self.connections_of(&bridge).collect();
        for id in ids {
            let Some(conn) = self.connections.get_mut(&id) else { continue };
            let Some(reason) = conn.packet_in_reason(packet) else { continue };
            if conn.output.len() >= limit {
                conn.output.dropped += 1;
                continue;
            }
            let mut told = packet_in(packet, reason, &options.places);
            if packet.punt.continuation {
                let version = conn.protocol.map_or(Version::V13, |known| known.version);
                let rest = from_state(&packet.state, uuid, packet.dp_port);
                match rest.encode(version) {
                    Ok(bytes) => told.continuation = bytes,
                    Err(error) => {
                        tracing::warn!(target: "ofproto", "{bridge}: a paused packet is lost: {error}");
                        continue;
                    }
                }
            }
            conn.send(0, &Message::PacketIn(Box::new(told)));
        }
    }
}

impl Connection {
    /// Under which reason this connection gets a packet; `None` if it does not.
    fn packet_in_reason(&self, packet: &PuntedPacket) -> Option<PacketInReason> {
        let version = self.protocol.filter(|_| self.is_established())?.version;
        let old = version < Version::V13;
        let reason = match packet.punt.reason {
            reason::IMPLICIT_MISS if old => PacketInReason::NoMatch,
            // From 1.3 on, a table without a rule for misses drops.
            reason::IMPLICIT_MISS => return None,
            reason::EXPLICIT_MISS if old => PacketInReason::Action,
            reason::EXPLICIT_MISS => PacketInReason::NoMatch,
            other => PacketInReason::from_wire(other),
        };
        // Messages of the extension have the reason of the version, too.
        let reason = PacketInReason::from_wire(reason.wire_in(version));
        let wanted = self.wants(|config| config.packet_in, 1 << reason.wire_in(version));
        (wanted && self.controller_id == packet.punt.controller_id).then_some(reason)
    }
}

fn packet_in(packet: &PuntedPacket, reason: PacketInReason, places: &OptionPlaces) -> PacketIn {
    let frozen = packet.state.key();
    let mut told = PacketIn::new(reason, frozen.of_port(), packet.data.clone());
    told.total_len = packet.total_len as u32;
    told.table = packet.state.table;
    told.cookie = packet.punt.rule_cookie;
    told.userdata = packet.state.userdata.to_vec();
    add_metadata(&frozen, &mut told.metadata);
    add_options(&frozen, places, &mut told.metadata);
    told
}

/// The pipeline's fields that are not zero.
fn add_metadata(frozen: &FlowKey, metadata: &mut Match) {
    use ovs_flow::Field;
    let registers = (0..ovs_flow::REGISTERS).filter_map(Field::reg);
    let others = [Field::METADATA, Field::TUN_ID, Field::TUN_SRC, Field::TUN_DST, Field::PKT_MARK];
    for field in registers.chain(others) {
        let value = field.get(frozen);
        if value != 0 {
            field.set_match(metadata, value);
        }
    }
}

/// The options of the tunnel that have fields.
fn add_options(frozen: &FlowKey, places: &OptionPlaces, metadata: &mut Match) {
    let there = (0..ovs_flow::OPTIONS).filter(|n| frozen.tunnel.metadata_present >> n & 1 != 0);
    for (n, len) in there.filter_map(|n| Some((n, places.len(n)?))) {
        // All of what a key has fits into one.
        let _ = metadata.set_option(OptionMatch::exact(n, len, places.read(&frozen.tunnel, n)));
    }
}
