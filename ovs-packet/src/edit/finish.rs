//! Doing in software what a device cannot.

use super::{complete_checksum, complete_outer_checksum, segment};
use crate::{Offload, Packet, Pool};

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
    /// The outer GRE header has a sequence number, which only the tunnel's end could count on.
    #[error("the packet to be segmented has a GRE sequence number")]
    Sequenced,
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

/// Makes `packet` fit for a device that does the work in `can`: passes it to `emit` as it is, or with its checksums
/// completed, or cut into segments from `pool`. Returns how many packets were emitted.
///
/// Work inside a tunnel is the device's only if `can` has the tunnel's flag too.
///
/// On an error the packet is dropped, the segments made until then have been emitted, and the caller counts it.
pub fn finish(
    mut packet: Packet,
    can: Offload,
    pool: &mut Pool,
    emit: &mut dyn FnMut(Packet),
) -> Result<usize, FinishError> {
    let offload = packet.facts().offload;
    if offload.intersects(Offload::SEGMENT) {
        let asked = Offload::SEGMENT | Offload::ECN | Offload::TUNNEL;
        if offload.difference(can).intersects(asked) {
            return segment::segment(&packet, can, pool, emit);
        }
    }
    if !can.contains(Offload::NEEDS_L4_CSUM) {
        complete_checksum(&mut packet)?;
    }
    if !can.contains(Offload::NEEDS_OUTER_L4_CSUM) {
        complete_outer_checksum(&mut packet)?;
    }
    emit(packet);
    Ok(1)
}
