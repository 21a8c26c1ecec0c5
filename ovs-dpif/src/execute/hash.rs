//! `hash`: a packet's hash for later lookups (`dp_hash`).

use ovs_flow::Metadata;
use ovs_packet::Packet;

use crate::{DropReason, HashAlgorithm};

/// Sets the packet's hash.
pub(super) fn hash(
    algorithm: HashAlgorithm,
    basis: u32,
    packet: &Packet,
    metadata: &mut Metadata,
) -> Result<(), DropReason> {
    let _ = (algorithm, basis, packet, metadata);
    Err(DropReason::UnsupportedAction)
}
