//! `tnl_pop`: what was inside of a tunnel starts over.

use ovs_flow::{DpPort, Metadata};
use ovs_packet::Packet;

use super::{Context, Env, MAX_RECIRCULATIONS};
use crate::{DropReason, TunnelKind};

/// Takes the headers off; the packet comes again by the tunnel's port, and nothing but its mark goes with it.
pub(super) fn pop<E: Env>(
    env: &mut E,
    mut packet: Packet,
    port: DpPort,
    kind: TunnelKind,
    metadata: &Metadata,
    context: Context,
) {
    if context.recirculated >= MAX_RECIRCULATIONS {
        return env.discard(packet, DropReason::RecircDepth);
    }
    match crate::tunnel::pop(&mut packet, kind) {
        Ok(key) => {
            let tunnel = Some(key);
            let metadata = Metadata { mark: metadata.mark, tunnel, ..Metadata::of_port(port) };
            env.recirculate(packet, metadata, context.recirculated + 1);
        }
        Err(reason) => env.discard(packet, reason),
    }
}
