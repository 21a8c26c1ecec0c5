//! Cutting packets short.

use super::complete_checksum;
use crate::{Offload, Packet};

/// Shortens a packet to `max` bytes; nothing if it is not longer. True if bytes went.
///
/// A checksum that was still to be completed is completed first, for it covers what goes; and a packet of which a
/// part is gone is no longer to be segmented.
pub fn truncate(packet: &mut Packet, max: usize) -> bool {
    if packet.len() <= max {
        return false;
    }
    // A request that cannot be met has no meaning for a part of the packet either.
    let _ = complete_checksum(packet);
    packet.truncate(max);
    packet.facts_mut().offload.remove(Offload::UNFINISHED | Offload::TUNNEL);
    true
}
