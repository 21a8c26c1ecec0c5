//! Paused packets that controllers give back.

use ovs_flow::{DpPort, Metadata};
use ovs_openflow::{Continuation, OfError, PacketIn, Version};
use ovs_packet::Packet;

use super::check::check_each;
use super::connection::ConnId;
use crate::packet_in::continuation::{actions_of, bridge_uuid, to_state};
use crate::switch::Switch;
use crate::translate::Start;

impl Switch {
    /// Goes on with a packet where it was paused, with the bytes and the metadata that the controller gives it.
    pub(super) fn serve_resume(&mut self, id: ConnId, told: &PacketIn) -> Result<(), OfError> {
        let version = self.connections.get(&id).and_then(|conn| conn.protocol).map(|known| known.version);
        let rest = Continuation::decode(&told.continuation, version.unwrap_or(Version::V13))?;
        let seed = self.config.seed;
        let bridge = self.bridges.values().find(|bridge| bridge_uuid(seed, bridge.id) == rest.bridge);
        let bridge = bridge.ok_or(OfError::NxRStale)?;
        let actions = actions_of(&rest);
        check_each(&actions)?;
        bridge.check_names(&actions)?;
        bridge.check_options(&actions)?;
        let mut told_metadata = told.metadata;
        bridge.place_options(&mut told_metadata)?;
        let bridge = bridge.id;
        let packet = Packet::detached(&told.data).map_err(|_| OfError::BrcBadPacket)?;
        let mut metadata = Metadata::of_port(DpPort(rest.dp_port));
        metadata.mark = told_metadata.key.pkt_mark;
        let mut key = self.key_of(&packet, &metadata);
        let words = ovs_flow::STAGE_ENDS[0];
        let packet_type = key.packet_type;
        key.words_mut()[..words].copy_from_slice(&told_metadata.key.words()[..words]);
        (key.packet_type, key.recirc_id) = (packet_type, 0);
        let state = to_state(rest, bridge, &key, &told.userdata)?;
        self.publish();
        self.pass_on(bridge, &key, Start::Thaw(&state), packet, metadata);
        Ok(())
    }
}
