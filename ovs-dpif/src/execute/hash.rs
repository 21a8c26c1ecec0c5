//! `hash`: a packet's hash for later lookups (`dp_hash`).

use ovs_flow::hash::stable::{dp_hash, dp_hash_symmetric};
use ovs_flow::{MAX_VLANS, Metadata, SparseKey, extract_bytes};
use ovs_packet::Packet;

use crate::HashAlgorithm;

/// The hash of the packet as it is now; never 0.
pub(super) fn hash(algorithm: HashAlgorithm, basis: u32, packet: &Packet, metadata: &Metadata) -> u32 {
    let mut key = SparseKey::new();
    extract_bytes(packet.data(), packet.facts().packet_type, metadata, MAX_VLANS, &mut key);
    let key = key.expand();
    match algorithm {
        HashAlgorithm::L4 => dp_hash(&key, basis),
        HashAlgorithm::SymmetricL4 => dp_hash_symmetric(&key, basis),
    }
}
