//! Doing in software what a device cannot.

use super::{Located, Transport, ports::sctp_checksum, segment, write::nonzero};
use crate::{
    Offload, Packet, Pool,
    checksum::Sum,
    wire::{
        IpProtocol,
        bytes::{put, u16_at},
    },
};

/// Why unfinished work could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FinishError {
    /// The place of the checksum lies outside the packet.
    #[error("the checksum to be completed lies outside the packet")]
    ChecksumOutside,
    /// The headers are not those that the request for segmentation speaks of.
    #[error("the packet to be segmented has other headers than its offload flags say")]
    WrongHeaders,
    /// The segment size is zero, or would give more than [`MAX_SEGMENTS`](super::MAX_SEGMENTS) segments.
    #[error("segment size {size} for {payload} bytes of payload")]
    SegmentSize {
        /// Bytes per segment asked for.
        size: u16,
        /// Bytes to be cut.
        payload: usize,
    },
    /// The pool had no frame for a segment; the segments before it were made.
    #[error("no frame for a segment")]
    NoFrame,
}

/// Makes `packet` fit for a device that does the work in `can`: passes it to `emit` as it is, or with its checksum
/// completed, or cut into segments from `pool`. Returns how many packets were emitted.
///
/// On an error the packet is dropped, the segments made until then have been emitted, and the caller counts it.
pub fn finish(
    mut packet: Packet,
    can: Offload,
    pool: &mut Pool,
    emit: &mut dyn FnMut(Packet),
) -> Result<usize, FinishError> {
    let left = packet.facts().offload.difference(can);
    let to_segment = packet.facts().offload.intersects(Offload::SEGMENT);
    if to_segment && left.intersects(Offload::SEGMENT.union(Offload::ECN)) {
        return segment::segment(&packet, can, pool, emit);
    }
    if left.contains(Offload::NEEDS_L4_CSUM) {
        complete_checksum(&mut packet)?;
    }
    emit(packet);
    Ok(1)
}

/// Completes a partial L4 checksum ([`Offload::NEEDS_L4_CSUM`]) and clears the flag; nothing without the flag.
///
/// A packet that is also to be segmented gets a checksum over the whole, which is of use to a receiver that
/// will not cut it.
pub fn complete_checksum(packet: &mut Packet) -> Result<(), FinishError> {
    let facts = *packet.facts();
    if !facts.offload.contains(Offload::NEEDS_L4_CSUM) {
        return Ok(());
    }
    let start = usize::from(facts.csum_start);
    let field = start + usize::from(facts.csum_offset);
    let transport = Located::of(packet).and_then(|located| located.transport).filter(|t| t.at == start);
    // Padding behind the IP packet is not covered; without a known header everything is.
    let end = transport.map_or(packet.len(), |t| t.end);
    match transport {
        Some(Transport { protocol: IpProtocol::SCTP, .. }) if facts.csum_offset == 8 => {
            let checksum = sctp_checksum(packet.data(), start, end).ok_or(FinishError::ChecksumOutside)?;
            put(packet.data_mut(), field, &checksum.to_le_bytes());
        }
        _ => {
            let data = packet.data_mut();
            if field + 2 > end || u16_at(data, field).is_none() {
                return Err(FinishError::ChecksumOutside);
            }
            // The field holds the pseudo header's sum, so it takes part.
            let covered = data.get(start..end).ok_or(FinishError::ChecksumOutside)?;
            let mut checksum = Sum::of(covered).checksum();
            if transport.is_none_or(|t| t.protocol == IpProtocol::UDP) {
                checksum = nonzero(checksum);
            }
            put(data, field, &checksum.to_be_bytes());
        }
    }
    let offload = &mut packet.facts_mut().offload;
    offload.remove(Offload::NEEDS_L4_CSUM);
    offload.insert(Offload::CSUM_VALID);
    Ok(())
}
