//! Lists in lists: `clone` and `sample`.

use ovs_flow::Metadata;
use ovs_packet::Packet;

use super::{Context, Env, execute};
use crate::{Action, DropReason, SampleAction};

/// Whether this packet is sampled.
pub(super) fn chosen<E: Env>(env: &mut E, sample: &SampleAction) -> bool {
    match sample.probability {
        0 => false,
        u32::MAX => true,
        probability => env.random() <= probability,
    }
}

/// Executes a list on a packet of its own.
pub(super) fn list<E: Env>(
    env: &mut E,
    actions: &[Action],
    packet: Packet,
    metadata: &mut Metadata,
    context: Context,
) {
    match context.nested() {
        Some(context) => execute(env, actions, packet, metadata, context),
        None => env.discard(packet, DropReason::RecursionTooDeep),
    }
}
