//! `tnl_pop`: what was inside of a tunnel starts over; and what is cut before `tnl_push`.

use ovs_flow::{Metadata, TunnelKey};
use ovs_packet::edit::Located;
use ovs_packet::wire::IpProtocol;
use ovs_packet::{Offload, Packet};

use super::{Context, Env, MAX_RECIRCULATIONS, execute};
use crate::{Action, DropReason};

/// Takes the headers off; the packet comes again by the tunnel's port, and nothing but its mark goes with it.
pub(super) fn pop<E: Env>(
    env: &mut E,
    mut packet: Packet,
    action: &Action,
    metadata: &Metadata,
    context: Context,
) {
    let Action::TnlPop { port, format, mirrored } = action else { return };
    if context.recirculated >= MAX_RECIRCULATIONS {
        return env.discard(packet, DropReason::RecircDepth);
    }
    let mut key = env.outer();
    *key = TunnelKey::default();
    let popped = crate::tunnel::pop(&mut packet, *format, &mut key);
    // Mirrored frames are for tunnels of that kind, and nothing else is.
    let popped = popped.and_then(|is_mirrored| match (is_mirrored, mirrored) {
        (true, Some(mirrored)) => Ok(*mirrored),
        _ if is_mirrored == format.kind.is_erspan() => Ok(*port),
        _ => Err(DropReason::TunnelPop),
    });
    let port = popped.unwrap_or(*port);
    let mut metadata = Metadata { mark: metadata.mark, tunnel: Some(key), ..Metadata::of_port(port) };
    match popped {
        Ok(_) => env.recirculate(packet, metadata, context.recirculated + 1),
        Err(reason) => {
            env.done(&mut metadata);
            env.discard(packet, reason);
        }
    }
}

/// Cuts a packet into the segments that it was still to become, and executes `actions` on each.
pub(super) fn segments<E: Env>(
    env: &mut E,
    actions: &[Action],
    packet: Packet,
    metadata: &Metadata,
    context: Context,
) {
    let mut parts = Vec::new();
    let (_, pool, ledger) = env.tracking();
    crate::finish::finish(packet, Offload::empty(), pool, ledger, &mut |part, _| parts.push(part));
    for part in parts {
        let mut metadata = copy_metadata(env, metadata);
        execute(env, actions, part, &mut metadata, context);
        env.done(&mut metadata);
    }
}

/// A copy, with memory of the environment's.
pub(super) fn copy_metadata<E: Env>(env: &mut E, metadata: &Metadata) -> Metadata {
    let tunnel = metadata.tunnel.as_deref().map(|key| {
        let mut copy = env.outer();
        *copy = *key;
        copy
    });
    let Metadata { in_port, recirc_id, dp_hash, priority, mark, ct, .. } = *metadata;
    Metadata { in_port, recirc_id, dp_hash, priority, mark, ct, tunnel }
}

/// Bytes of the longest packet that this one becomes where it is still to be cut.
pub(super) fn longest(packet: &Packet) -> usize {
    let offload = packet.facts().offload;
    if !offload.intersects(Offload::SEGMENT) || offload.intersects(Offload::TUNNEL) {
        return packet.len();
    }
    let Some(transport) = Located::of(packet).and_then(|located| located.transport) else {
        return packet.len();
    };
    let header = match transport.protocol {
        IpProtocol::UDP => 8,
        _ => packet.data().get(transport.at + 12).map_or(20, |words| usize::from(words >> 4) * 4),
    };
    packet.len().min(transport.at + header + usize::from(packet.facts().segment_size))
}
