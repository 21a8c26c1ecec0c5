//! `hash`: a packet's hash for later lookups (`dp_hash`).

use ovs_flow::Metadata;
use ovs_packet::Packet;

use crate::HashAlgorithm;

/// The hash of the packet.
pub(super) fn hash(algorithm: HashAlgorithm, basis: u32, packet: &Packet, metadata: &Metadata) -> u32 {
    let _ = (algorithm, packet, metadata);
    basis
}
