//! `userspace`: hands packets to the switch's logic.

use ovs_flow::Metadata;
use ovs_packet::Packet;

use super::{Context, Env, duplicate, execute, output};
use crate::{Actions, DropReason, Punt, UserspaceAction};

/// Punts the packet itself. If the answer has actions, it lives on and they are executed on it.
pub(super) fn punt<E: Env>(
    env: &mut E,
    action: &UserspaceAction,
    mut packet: Packet,
    metadata: &mut Metadata,
    mut context: Context,
) {
    if let Some(max) = context.cut.take() {
        output::cut(&mut packet, max);
    }
    match ask(env, action, &packet, metadata) {
        Ok(Some(actions)) => follow(env, &actions, packet, metadata, context),
        Ok(None) => {
            env.ledger().punted += 1;
            env.pool().recycle(packet);
        }
        Err(reason) => env.discard(packet, reason),
    }
}

/// Punts a packet that is needed further on: it is lent, and copied only if the answer has actions.
pub(super) fn punt_copy<E: Env>(
    env: &mut E,
    action: &UserspaceAction,
    packet: &Packet,
    metadata: &Metadata,
    context: Context,
) {
    if context.cut.is_some_and(|max| packet.len() > max as usize) {
        if let Some(copy) = duplicate(env, packet) {
            punt(env, action, copy, &mut metadata.clone(), context);
        }
        return;
    }
    match ask(env, action, packet, metadata) {
        Ok(Some(actions)) => {
            if let Some(copy) = duplicate(env, packet) {
                follow(env, &actions, copy, &mut metadata.clone(), Context { cut: None, ..context });
            }
        }
        Ok(None) => {
            let ledger = env.ledger();
            ledger.cloned += 1;
            ledger.punted += 1;
        }
        Err(reason) => {
            let ledger = env.ledger();
            ledger.cloned += 1;
            ledger.drop_one(reason);
        }
    }
}

fn ask<E: Env>(
    env: &mut E,
    action: &UserspaceAction,
    packet: &Packet,
    metadata: &Metadata,
) -> Result<Option<Actions>, DropReason> {
    let now = env.now();
    env.punt(Punt { packet, metadata, cookie: &action.cookie, now })
}

fn follow<E: Env>(env: &mut E, actions: &Actions, packet: Packet, metadata: &mut Metadata, context: Context) {
    match context.nested() {
        Some(context) => execute(env, actions, packet, metadata, context),
        None => env.discard(packet, DropReason::RecursionTooDeep),
    }
}
