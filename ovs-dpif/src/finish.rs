//! Finishes in software what a device cannot: checksums and segments that a packet still asks for.

use ovs_packet::edit::{self, FinishError};
use ovs_packet::{Offload, Packet, Pool};

use crate::{DropReason, Ledger};

/// Does what `packet` asks for and `device` does not offer, and emits what comes of it: one packet, several
/// segments, or none.
pub(crate) fn finish(
    packet: Packet,
    device: Offload,
    pool: &mut Pool,
    ledger: &mut Ledger,
    emit: &mut dyn FnMut(Packet, &mut Ledger),
) {
    let mut emitted = 0_u32;
    let result = edit::finish(packet, device, pool, &mut |packet| {
        emitted += 1;
        emit(packet, ledger);
    });
    match result {
        Ok(_) => ledger.segmented += u64::from(emitted).saturating_sub(1),
        Err(error) => {
            // What was made before the error is more than what came in; that itself is dropped.
            ledger.segmented += u64::from(emitted);
            ledger.drop_one(match error {
                FinishError::NoFrame => DropReason::NoBuffer,
                _ => DropReason::InvalidPacket,
            });
        }
    }
}
