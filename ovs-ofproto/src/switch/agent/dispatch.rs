//! Requests, one after the other, to whoever serves them.

use ovs_openflow::{
    ConfigFlags, ErrorMsg, HEADER_LEN, Message, OfError, Protocol, Rejected, Role, StatsRequest,
    SwitchConfig, Version,
};

use super::connection::{ConnId, ConnectionKind, Waiting};
use super::forward;
use crate::switch::Switch;

impl Switch {
    /// Whether some connection has something to be done.
    pub(in crate::switch) fn agents_have_work(&self) -> bool {
        self.connections.values().any(super::Connection::has_work)
    }

    /// Serves all connections in turn, within `budget` requests (or flows of answers); says how many.
    pub(in crate::switch) fn run_agents(&mut self, budget: usize) -> usize {
        let ids: Vec<ConnId> =
            self.connections.iter().filter(|(_, conn)| conn.has_work()).map(|(id, _)| *id).collect();
        let share = (budget / ids.len().max(1)).max(1);
        ids.into_iter().map(|id| self.run_connection(id, share)).sum()
    }

    fn run_connection(&mut self, id: ConnId, budget: usize) -> usize {
        let mut done = 0;
        let mut request = Vec::new();
        while done < budget {
            let Some(conn) = self.connections.get_mut(&id).filter(|conn| conn.has_work()) else { break };
            if let Some(Waiting::Answer(_)) = conn.waiting {
                done += self.continue_answer(id, budget - done).max(1);
                continue;
            }
            let Some(length) = conn.next_length() else { break };
            if length < HEADER_LEN {
                self.give_up(id, format!("received too-short ofp_header ({length} bytes)"));
                break;
            }
            request.clear();
            conn.input.take(length, &mut request);
            self.handle(id, &request);
            done += 1;
        }
        done
    }

    fn handle(&mut self, id: ConnId, request: &[u8]) {
        let Some(conn) = self.connections.get_mut(&id) else { return };
        let protocol = conn.protocol;
        let decoded = Message::decode(protocol.unwrap_or(Protocol::new(Version::V10)), request);
        // Hellos are not heard: who listens has had one of its own.
        if protocol.is_some() {
            conn.output.hear(request);
        }
        match (protocol, decoded) {
            (_, Ok((xid, Message::Hello(hello)))) => match conn.take_hello(xid, hello) {
                Ok(()) => {
                    let bridge = conn.bridge.clone();
                    self.recheck_misses(&bridge);
                }
                Err(reason) => self.give_up(id, reason),
            },
            (None, _) => self.give_up(id, "received a message before the hello".to_owned()),
            (Some(_), Ok((xid, message))) => {
                self.source = Some((id, xid));
                if let Err(error) = self.serve(id, xid, message, request) {
                    self.refuse(id, xid, error, request);
                }
                self.source = None;
            }
            (Some(protocol), Err(Rejected { header, error })) => {
                if error == OfError::BrcBadVersion && header.version != protocol.version.wire() {
                    let reason = format!(
                        "received OpenFlow version 0x{:02x} != expected {:02x}",
                        header.version,
                        protocol.version.wire()
                    );
                    self.refuse(id, header.xid, error, request);
                    self.give_up(id, reason);
                } else {
                    self.refuse(id, header.xid, error, request);
                }
            }
        }
    }

    /// Answers a request with an error.
    pub(super) fn refuse(&mut self, id: ConnId, xid: u32, error: OfError, request: &[u8]) {
        self.reply(id, xid, &Message::Error(ErrorMsg::about(error, request)));
    }

    pub(super) fn reply(&mut self, id: ConnId, xid: u32, message: &Message) {
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.send(xid, message);
        }
    }

    /// `request` is the message as it came.
    fn serve(&mut self, id: ConnId, xid: u32, message: Message, request: &[u8]) -> Result<(), OfError> {
        match message {
            Message::EchoRequest(bytes) => self.reply(id, xid, &Message::EchoReply(bytes)),
            Message::FeaturesRequest => self.serve_features(id, xid)?,
            Message::GetConfigRequest => self.serve_get_config(id, xid)?,
            Message::SetConfig(config) => self.serve_set_config(id, config),
            Message::BarrierRequest => {
                let until = self.request_settling();
                self.wait(id, Waiting::Barrier { until, xid });
            }
            Message::FlowMod(change) => {
                self.must_write(id)?;
                self.serve_flow_mod(id, &change)?;
            }
            Message::GroupMod(change) => {
                self.must_write(id)?;
                self.serve_group_mod(id, &change)?;
                self.forward_request(id, xid, forward::GROUP_MOD, Message::GroupMod(change));
            }
            Message::PacketOut(packet) => {
                self.must_write(id)?;
                self.serve_packet_out(id, &packet)?;
            }
            Message::Resume(packet) => {
                self.must_write(id)?;
                self.serve_resume(id, &packet)?;
            }
            Message::BundleAdd(add) => self.serve_bundle_add(id, *add, request)?,
            Message::PortMod(change) => {
                self.must_write(id)?;
                self.serve_port_mod(id, &change)?;
            }
            Message::TableMod(change) => {
                self.must_write(id)?;
                self.serve_table_mod(id, &change)?;
            }
            Message::StatsRequest(StatsRequest::FlowMonitor(requests)) => {
                self.serve_flow_monitor(id, xid, requests)?;
            }
            Message::StatsRequest(request) => self.serve_stats(id, xid, request)?,
            Message::MeterMod(change) => {
                self.must_write(id)?;
                self.serve_meter_mod(id, &change)?;
                self.forward_request(id, xid, forward::METER_MOD, Message::MeterMod(change));
            }
            other => self.serve_rarely(id, xid, other)?,
        }
        Ok(())
    }

    fn serve_rarely(&mut self, id: ConnId, xid: u32, message: Message) -> Result<(), OfError> {
        match message {
            Message::RoleRequest(role) => self.serve_role(id, xid, role)?,
            Message::GetAsyncRequest => {
                let Some(conn) = self.connections.get(&id) else { return Ok(()) };
                let mut config = conn.asynchronous;
                if conn.protocol.is_some_and(|protocol| protocol.version < Version::V14) {
                    // The reasons that these versions know; others are kinds of an action there.
                    config.packet_in = config.packet_in.map(|mask| mask & 7);
                    config.flow_removed = config.flow_removed.map(|mask| mask & 0xf);
                }
                self.reply(id, xid, &Message::GetAsyncReply(config));
            }
            Message::SetAsync(config) => {
                if let Some(conn) = self.connections.get_mut(&id) {
                    conn.asynchronous = config;
                }
            }
            Message::SetFlowFormat(format) => {
                self.change_protocol(id, |protocol| {
                    protocol.with_nxm(format == ovs_openflow::FlowFormat::Nxm)
                });
            }
            Message::FlowModTableId(on) => self.change_protocol(id, |protocol| protocol.with_table_id(on)),
            Message::SetPacketInFormat(format) => {
                self.change_protocol(id, |protocol| protocol.with_packet_in(format));
            }
            Message::SetControllerId(controller) => {
                if let Some(conn) = self.connections.get_mut(&id) {
                    conn.controller_id = controller;
                }
            }
            Message::BundleControl(control) => self.serve_bundle_control(id, xid, control)?,
            Message::FlowMonitorCancel(monitor) => self.cancel_monitor(id, monitor)?,
            Message::TlvTableMod(change) => {
                self.must_write(id)?;
                self.serve_tlv_table_mod(id, &change)?;
            }
            Message::TlvTableRequest => self.serve_tlv_table(id, xid)?,
            Message::CtFlushZone(zone) => self.serve_ct_flush_zone(id, zone)?,
            Message::CtFlush(which) => self.serve_ct_flush(id, &which)?,
            Message::QueueGetConfigRequest(port) => self.serve_queues(id, xid, port)?,
            Message::EchoReply(_) | Message::Error(_) => {}
            _ => return Err(OfError::BrcBadType),
        }
        Ok(())
    }

    fn change_protocol(&mut self, id: ConnId, change: impl FnOnce(Protocol) -> Protocol) {
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.protocol = conn.protocol.map(change);
        }
    }

    /// The connection's later requests wait.
    pub(super) fn wait(&mut self, id: ConnId, waiting: Waiting) {
        if let Some(conn) = self.connections.get_mut(&id) {
            conn.waiting = Some(waiting);
        }
    }

    /// Secondaries may only look.
    pub(super) fn must_write(&self, id: ConnId) -> Result<(), OfError> {
        match self.connections.get(&id).map(|conn| conn.role) {
            Some(Role::Secondary) => Err(OfError::BrcIsSecondary),
            _ => Ok(()),
        }
    }

    fn serve_get_config(&mut self, id: ConnId, xid: u32) -> Result<(), OfError> {
        let bridge = self.bridge_of(id)?;
        let flags = ConfigFlags::from_bits_truncate(bridge.fragments);
        let miss_send_len = self.connections.get(&id).map_or(0, |conn| conn.miss_send_len);
        self.reply(id, xid, &Message::GetConfigReply(SwitchConfig { flags, miss_send_len }));
        Ok(())
    }

    fn serve_set_config(&mut self, id: ConnId, config: SwitchConfig) {
        let Some(conn) = self.connections.get_mut(&id) else { return };
        let controls = conn.kind != ConnectionKind::Controller || conn.role != Role::Secondary;
        conn.miss_send_len = config.miss_send_len;
        let bridge = conn.bridge.clone();
        let wanted = config.flags.bits() & 3;
        // Reassembly is not offered; asking for it leaves things as they are.
        if controls
            && wanted != 2
            && let Some(state) = self.bridges.get_mut(&bridge).filter(|state| state.fragments != wanted)
        {
            state.fragments = wanted;
            self.world_changed = true;
        }
        self.recheck_misses(&bridge);
    }

    /// Barriers whose time has come are answered.
    pub(in crate::switch) fn tell_settled(&mut self) {
        let settled = self.settler.settled();
        for conn in self.connections.values_mut() {
            if let Some(Waiting::Barrier { until, xid }) = conn.waiting
                && until <= settled
            {
                conn.waiting = None;
                conn.send(xid, &Message::BarrierReply);
            }
        }
        self.tell_gone();
    }

    pub(super) fn bridge_of(&self, id: ConnId) -> Result<&crate::bridge::BridgeState, OfError> {
        let name = self.connections.get(&id).map(|conn| conn.bridge.as_str()).unwrap_or_default();
        self.bridges.get(name).ok_or(OfError::BrcEperm)
    }

    pub(super) fn bridge_name_of(&self, id: ConnId) -> String {
        self.connections.get(&id).map(|conn| conn.bridge.clone()).unwrap_or_default()
    }
}
