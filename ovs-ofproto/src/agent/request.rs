//! Requests and their answers.

use std::time::Duration;

use ovs_openflow::{FlowFormat, Message, OfError, Protocol, Role, RoleMsg};

use super::control::{Control, Origin};
use super::session::{Pending, Session};

impl Session {
    /// Handles one message of a negotiated connection.
    pub(super) fn request(
        &mut self,
        protocol: Protocol,
        bytes: &[u8],
        control: &mut dyn Control,
        now: Duration,
    ) {
        let (xid, message) = match Message::decode(protocol, bytes) {
            Ok(decoded) => decoded,
            Err(rejected) => {
                self.outbox.refuse(protocol, rejected.header.xid, rejected.error, bytes);
                return;
            }
        };
        let origin = Origin { version: protocol.version, now };
        if let Err(error) = self.carry_out(protocol, xid, message, control, origin) {
            self.outbox.refuse(protocol, xid, error, bytes);
        }
    }

    fn carry_out(
        &mut self,
        protocol: Protocol,
        xid: u32,
        message: Message,
        control: &mut dyn Control,
        origin: Origin,
    ) -> Result<(), OfError> {
        if self.role == Role::Secondary && changes(&message) {
            return Err(OfError::BrcIsSecondary);
        }
        match message {
            Message::Hello(_) | Message::EchoReply(_) | Message::Error(_) => {}
            Message::EchoRequest(payload) => self.answer(protocol, xid, &Message::EchoReply(payload)),
            Message::FeaturesRequest => {
                let features = Box::new(control.features());
                self.answer(protocol, xid, &Message::FeaturesReply(features));
            }
            Message::GetConfigRequest => {
                let mut config = control.switch_config();
                config.miss_send_len = self.miss_send_len;
                self.answer(protocol, xid, &Message::GetConfigReply(config));
            }
            Message::SetConfig(config) => {
                self.miss_send_len = config.miss_send_len;
                // A service connection that wants packets says so by wanting some bytes of them.
                self.wants_events |= config.miss_send_len > 0;
                control.set_switch_config(config);
            }
            Message::BarrierRequest => {
                let number = control.barrier();
                self.pending = Some(Pending::Barrier { xid, number });
            }
            Message::FlowMod(change) => {
                if change.buffer_id.is_some() {
                    // Packets are never kept, so no buffer has this number.
                    control.flow_mod(&change, origin)?;
                    return Err(OfError::BrcBufferUnknown);
                }
                control.flow_mod(&change, origin)?;
            }
            Message::PacketOut(packet) => {
                if packet.buffer_id.is_some() {
                    return Err(OfError::BrcBufferUnknown);
                }
                control.packet_out(&packet, origin)?;
            }
            Message::PortMod(change) => control.port_mod(&change)?,
            Message::TableMod(change) => control.table_mod(&change)?,
            Message::StatsRequest(wanted) => self.stats(protocol, xid, wanted, control, origin.now)?,
            Message::QueueGetConfigRequest(port) => self.queue_config(protocol, xid, port, control)?,
            Message::RoleRequest(role) => self.change_role(protocol, xid, role)?,
            Message::BundleControl(bundle) => self.bundle_control(protocol, xid, bundle, control, origin)?,
            Message::BundleAdd(add) => self.bundle_add(*add)?,
            other => self.set_up(protocol, xid, other)?,
        }
        Ok(())
    }

    /// Messages about the connection itself.
    fn set_up(&mut self, protocol: Protocol, xid: u32, message: Message) -> Result<(), OfError> {
        match message {
            Message::GetAsyncRequest => self.answer(protocol, xid, &Message::GetAsyncReply(self.masks)),
            Message::SetAsync(masks) => {
                self.masks = masks;
                self.wants_events = true;
            }
            Message::SetFlowFormat(format) => self.set_protocol(protocol.with_nxm(format == FlowFormat::Nxm)),
            Message::FlowModTableId(on) => self.set_protocol(protocol.with_table_id(on)),
            Message::SetPacketInFormat(format) => self.set_protocol(protocol.with_packet_in(format)),
            Message::SetControllerId(id) => self.controller_id = id,
            // What only a switch says.
            _ => return Err(OfError::BrcBadType),
        }
        Ok(())
    }

    fn change_role(&mut self, protocol: Protocol, xid: u32, wanted: RoleMsg) -> Result<(), OfError> {
        if matches!(wanted.role, Role::Primary | Role::Secondary)
            && let Some(generation) = wanted.generation
        {
            // A wrapped distance below zero is an older generation (OpenFlow 1.3, 6.3.6).
            if self.generation.is_some_and(|known| (generation.wrapping_sub(known) as i64) < 0) {
                return Err(OfError::RrfcStale);
            }
            self.generation = Some(generation);
        }
        if wanted.role != Role::NoChange {
            self.became_primary |= wanted.role == Role::Primary && self.role != Role::Primary;
            self.role = wanted.role;
        }
        let reply = RoleMsg { role: self.role, generation: self.generation };
        self.answer(protocol, xid, &Message::RoleReply(reply));
        Ok(())
    }

    pub(super) fn answer(&mut self, protocol: Protocol, xid: u32, message: &Message) {
        self.outbox.send(protocol, xid, message);
    }
}

/// What a secondary may not do (OpenFlow 1.3, 6.3.6).
fn changes(message: &Message) -> bool {
    matches!(
        message,
        Message::FlowMod(_)
            | Message::PacketOut(_)
            | Message::PortMod(_)
            | Message::TableMod(_)
            | Message::BundleControl(_)
            | Message::BundleAdd(_)
    )
}
