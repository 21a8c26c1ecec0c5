//! `output` and `trunc`.

use ovs_flow::DpPort;
use ovs_packet::edit::complete_checksum;
use ovs_packet::{Offload, Packet};

use super::{Env, duplicate};

/// Sends the packet itself, no more than `max` bytes of it if there is such a limit.
pub(super) fn to<E: Env>(env: &mut E, mut packet: Packet, port: DpPort, max: Option<u32>) {
    if let Some(max) = max {
        cut(&mut packet, max);
    }
    env.output(packet, port);
}

/// Sends a copy.
pub(crate) fn copy_to<E: Env>(env: &mut E, packet: &Packet, port: DpPort, max: Option<u32>) {
    if let Some(copy) = duplicate(env, packet) {
        to(env, copy, port, max);
    }
}

/// Shortens a packet to `max` bytes. A checksum that was still to be made is made first, for it covers the
/// whole; a packet that was still to be cut into segments is sent as it stands.
pub(super) fn cut(packet: &mut Packet, max: u32) {
    if packet.len() > max as usize {
        // A request that cannot be met has no meaning for a part of the packet either.
        let _ = complete_checksum(packet);
        packet.truncate(max as usize);
        packet.facts_mut().offload.remove(Offload::NEEDS_L4_CSUM | Offload::SEGMENT);
    }
}
