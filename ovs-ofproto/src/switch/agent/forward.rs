//! Requests of one controller that others are told of.

use ovs_openflow::{Message, Role, RoleReason, RoleStatus, Version};

use super::connection::{ConnId, Connection};
use crate::switch::Switch;

/// The bits of the reasons for which requests are forwarded.
pub(super) const GROUP_MOD: u32 = 1 << 0;
pub(super) const METER_MOD: u32 = 1 << 1;

impl Switch {
    /// Tells the other controllers of a bridge of a change of groups or meters that was carried out.
    pub(super) fn forward_request(&mut self, id: ConnId, xid: u32, bit: u32, message: Message) {
        let name = self.bridge_name_of(id);
        let wants = |conn: &Connection| {
            let knows = conn.protocol.is_some_and(|protocol| protocol.version >= Version::V14);
            knows && conn.wants(|config| config.requestforward, bit)
        };
        let others =
            self.connections.iter().any(|(other, conn)| *other != id && conn.bridge == name && wants(conn));
        if others {
            let message = Message::RequestForward { xid, message: Box::new(message) };
            self.broadcast_but(&name, Some(id), wants, &message);
        }
    }

    /// Tells a controller that it is no longer the primary.
    pub(super) fn tell_role(conn: &mut Connection, generation: Option<u64>) {
        let reason = RoleReason::PrimaryRequest;
        if conn.is_established() && conn.wants(|config| config.role_status, 1 << reason as u32) {
            conn.send(0, &Message::RoleStatus(RoleStatus { role: Role::Secondary, reason, generation }));
        }
    }
}
