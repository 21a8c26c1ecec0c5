//! Packets that are too long for a tunnel: their senders are told.

use ovs_flow::{DpPort, Metadata, OfPort};
use ovs_packet::Packet;

use super::Switch;
use crate::snapshot::BridgeId;
use crate::translate::Start;
use crate::tunnel::too_big::answer;
use crate::upcall::LongPacket;

/// How many senders are told in a second; a sender that is told too late sends again.
const MOST: u32 = 1000;

/// Counts the answers of a second.
#[derive(Debug, Default)]
pub(super) struct Answers {
    second: u64,
    told: u32,
}

impl Answers {
    fn may_tell(&mut self, second: u64) -> bool {
        if self.second != second {
            *self = Self { second, told: 0 };
        }
        self.told = self.told.saturating_add(1);
        self.told <= MOST
    }
}

impl Switch {
    /// Answers a packet as if the answer had come out of the tunnel.
    pub(super) fn tell_too_big(&mut self, long: &LongPacket) {
        let (id, number) = (BridgeId(long.punt.bridge), OfPort(long.punt.port));
        // What nobody may answer takes nothing from those who are to be told.
        let Some(frame) = answer(&long.frame, long.punt.most) else { return };
        if !self.answers.may_tell(self.now.as_secs()) {
            return;
        }
        let Some(bridge) = self.bridge_by_id(id) else { return };
        let dp_port = bridge.ports.get(&number).and_then(|port| port.dp_port).unwrap_or(DpPort::NONE);
        let Ok(packet) = Packet::detached(&frame) else { return };
        self.publish();
        let metadata = Metadata::of_port(dp_port);
        let mut key = self.key_of(&packet, &metadata);
        key.in_port = u32::from(number.0);
        self.pass_on(id, &key, Start::Tables, packet, metadata);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_told_in_each_second() {
        let mut answers = Answers::default();
        for second in [0, 1, 7] {
            let told = (0..3 * MOST).filter(|_| answers.may_tell(second)).count();
            assert_eq!(told, MOST as usize);
        }
    }
}
