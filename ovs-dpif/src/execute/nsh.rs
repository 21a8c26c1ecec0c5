//! Network service headers (RFC 8300): `push_nsh`, `pop_nsh`, `set(nsh(…))`.

use ovs_packet::Packet;
use ovs_packet::edit::{self, EditError, Nsh, NshContext, NshPush};

use super::edit_failed;
use crate::{DropReason, NshHeader, NshMetadata, SetNsh};

/// Puts a header in front of the packet.
pub(super) fn push(packet: &mut Packet, header: &NshHeader) -> Result<(), DropReason> {
    let context = match &header.context {
        NshMetadata::Fixed(words) => NshContext::Fixed(*words),
        NshMetadata::Options(options) => NshContext::Options(options),
    };
    let push = NshPush { flags: header.flags, ttl: header.ttl, path: header.spi, index: header.si, context };
    edit::push_nsh(packet, &push).map_err(|error| match error {
        EditError::WrongHeader => DropReason::UnsupportedPacketType,
        other => edit_failed(other),
    })
}

/// Takes the header off, with an Ethernet header in front of it if there is one.
pub(super) fn pop(packet: &mut Packet) -> Result<(), DropReason> {
    edit::pop_nsh(packet).map_err(edit_failed)
}

/// Overwrites parts of the header; a packet without one is left alone.
pub(super) fn set(packet: &mut Packet, set: &SetNsh) {
    let Some(mut nsh) = Nsh::of(packet) else { return };
    nsh.set_flags(set.flags.apply(nsh.flags()));
    nsh.set_ttl(set.ttl.apply(nsh.ttl()));
    nsh.set_path(set.spi.apply(nsh.path()));
    nsh.set_index(set.si.apply(nsh.index()));
    if let Some(words) = nsh.context() {
        for (n, (old, new)) in words.into_iter().zip(set.context).enumerate() {
            nsh.set_context(n, new.apply(old));
        }
    }
}
