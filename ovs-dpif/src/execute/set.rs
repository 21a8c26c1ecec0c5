//! `set`: overwrites fields of metadata and headers, under a mask.

use ovs_flow::Metadata;
use ovs_packet::Packet;

use crate::{DropReason, Masked, SetField};

/// Overwrites what `field` says. A header that the packet does not have is left alone, as the megaflow that
/// leads here matches on its presence.
pub(super) fn set(field: &SetField, packet: &mut Packet, metadata: &mut Metadata) -> Result<(), DropReason> {
    match field {
        SetField::Priority(priority) => metadata.priority = *priority,
        SetField::Mark(mark) => metadata.mark = apply(metadata.mark, *mark),
        SetField::Tunnel(tunnel) => metadata.tunnel = Some(tunnel.clone()),
        SetField::Ethernet { src, dst } => {
            if let Some(addresses) = packet.data_mut().get_mut(..12) {
                bytes(&mut addresses[..6], &dst.value, &dst.mask);
                bytes(&mut addresses[6..], &src.value, &src.mask);
            }
        }
        _ => return Err(DropReason::UnsupportedAction),
    }
    Ok(())
}

/// `old` with the masked bits of `new`.
fn apply(old: u32, new: Masked<u32>) -> u32 {
    old & !new.mask | new.value & new.mask
}

/// Overwrites the masked bits of `to`.
fn bytes(to: &mut [u8], value: &[u8], mask: &[u8]) {
    for (to, (value, mask)) in to.iter_mut().zip(value.iter().zip(mask)) {
        *to = *to & !mask | value & mask;
    }
}
