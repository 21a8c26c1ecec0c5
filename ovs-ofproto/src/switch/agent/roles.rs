//! Roles: at most one primary; secondaries look on.

use ovs_openflow::{Message, OfError, Role, RoleMsg};

use super::connection::ConnId;
use crate::switch::Switch;

impl Switch {
    pub(super) fn serve_role(&mut self, id: ConnId, xid: u32, request: RoleMsg) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        let Some(bridge) = self.bridges.get_mut(&name) else { return Err(OfError::BrcEperm) };
        if let Some(generation) = request.generation.filter(|_| request.role != Role::NoChange) {
            // Generations count around, so the difference is what tells old from new.
            let older = |now: u64| (generation.wrapping_sub(now) as i64) < 0;
            if bridge.generation.is_some_and(older) {
                return Err(OfError::RrfcStale);
            }
            bridge.generation = Some(generation);
        }
        let generation = bridge.generation;
        if request.role == Role::Primary {
            let others =
                self.connections.iter_mut().filter(|(other, conn)| **other != id && conn.bridge == name);
            for (_, conn) in others {
                if conn.role == Role::Primary {
                    conn.role = Role::Secondary;
                    Self::tell_role(conn, generation);
                }
            }
        }
        let Some(conn) = self.connections.get_mut(&id) else { return Ok(()) };
        if request.role != Role::NoChange {
            conn.role = request.role;
        }
        let reply = RoleMsg { role: conn.role, generation };
        conn.send(xid, &Message::RoleReply(reply));
        Ok(())
    }
}
