//! `output` and `trunc`.

use ovs_flow::DpPort;
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
pub(super) fn copy_to<E: Env>(env: &mut E, packet: &Packet, port: DpPort, max: Option<u32>) {
    if let Some(copy) = duplicate(env, packet) {
        to(env, copy, port, max);
    }
}

/// Shortens a packet to `max` bytes. What remains of a packet whose checksum or segments were still to be
/// made is sent as it stands: neither can be made of a part.
pub(super) fn cut(packet: &mut Packet, max: u32) {
    if packet.len() > max as usize {
        packet.truncate(max as usize);
        packet.facts_mut().offload.remove(Offload::NEEDS_L4_CSUM | Offload::SEGMENT);
    }
}
