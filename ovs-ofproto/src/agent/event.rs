//! What a bridge tells without being asked, and who hears it.

use ovs_openflow::{FlowRemoved, FlowRemovedReason, Message, PacketIn, PortStatus, Role, Version};

use super::session::{Session, SessionKind};

/// Something that happened in a bridge.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A packet for the controllers whose id is `controller`.
    PacketIn {
        /// The packet, whole.
        packet: Box<PacketIn>,
        /// Which controllers; 0 for those that chose no id.
        controller: u16,
        /// How many bytes of it were asked for.
        max_len: u16,
        /// Whether it missed a table, where the connection's own length counts.
        missed: bool,
    },
    /// A flow went, and its owner wanted to know.
    FlowRemoved(Box<FlowRemoved>),
    /// A port came, went or changed.
    PortStatus(PortStatus),
}

impl Session {
    /// Tells the peer, if its role and masks let it hear of this and it reads what it is sent.
    pub(crate) fn tell(&mut self, event: &Event) {
        let Some(protocol) = self.protocol() else { return };
        if !self.hears(event) {
            return;
        }
        if self.is_congested() {
            self.dropped_events += 1;
            return;
        }
        let message = match event {
            Event::FlowRemoved(removed) => Message::FlowRemoved(removed.clone()),
            Event::PortStatus(status) => Message::PortStatus(status.clone()),
            Event::PacketIn { packet, max_len, missed, .. } => {
                let mut packet = packet.clone();
                let limit = if *missed { self.miss_send_len } else { *max_len };
                packet.data.truncate(usize::from(limit));
                Message::PacketIn(packet)
            }
        };
        self.outbox.send_own(protocol, &message);
    }

    fn hears(&self, event: &Event) -> bool {
        let secondary = usize::from(self.role == Role::Secondary);
        // A service connection (ovs-ofctl) hears of nothing until it has asked to.
        if self.kind() == SessionKind::Service && !self.wants_events {
            return false;
        }
        match event {
            Event::PacketIn { packet, controller, missed, .. } => {
                let wanted = self.masks.packet_in[secondary] >> packet.reason.wire().min(31) & 1 == 1;
                let length = !missed || self.miss_send_len > 0 || self.kind() == SessionKind::Controller;
                wanted && length && *controller == self.controller_id
            }
            Event::FlowRemoved(removed) => {
                let reason = match removed.reason {
                    // OpenFlow before 1.4 has no other word for it.
                    FlowRemovedReason::Eviction if self.version() < Some(Version::V14) => {
                        FlowRemovedReason::Delete
                    }
                    reason => reason,
                };
                self.masks.flow_removed[secondary] >> reason.wire().min(31) & 1 == 1
            }
            Event::PortStatus(status) => {
                self.masks.port_status[secondary] >> (status.reason as u32).min(31) & 1 == 1
            }
        }
    }
}
