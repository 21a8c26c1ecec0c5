//! Finishes in software what a device cannot: checksums and segments that a packet still asks for.

use ovs_packet::{Offload, Packet, Pool};

use crate::DropReason;

/// What became of a packet.
pub(crate) enum Finished {
    /// It is finished.
    One(Packet),
    /// It became several; the original is gone.
    Segments(Vec<Packet>),
    /// It could not be finished, and is gone.
    Failed(DropReason),
}

/// Does what `packet` asks for and `device` does not offer.
pub(crate) fn finish(mut packet: Packet, device: Offload, pool: &mut Pool) -> Finished {
    let missing =
        packet.facts().offload.intersection(Offload::NEEDS_L4_CSUM | Offload::SEGMENT).difference(device);
    if missing.intersects(Offload::SEGMENT) {
        pool.recycle(packet);
        return Finished::Failed(DropReason::TxRefused);
    }
    if missing.contains(Offload::NEEDS_L4_CSUM) {
        let facts = *packet.facts();
        let start = facts.csum_start as usize;
        let at = facts.csum_offset as usize;
        let Some(covered) = packet.data_mut().get_mut(start..).filter(|covered| covered.len() >= at + 2)
        else {
            pool.recycle(packet);
            return Finished::Failed(DropReason::InvalidPacket);
        };
        let mut sum = 0_u64;
        for pair in covered.chunks(2) {
            sum += u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        let checksum = match !(sum as u16) {
            // A UDP checksum of zero would mean that there is none (RFC 768).
            0 => 0xffff,
            sum => sum,
        };
        covered[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        packet.facts_mut().offload.remove(Offload::NEEDS_L4_CSUM);
    }
    Finished::One(packet)
}
