//! Executes a list on packets that came together: each action on all of them, and then the next.
//!
//! What comes of a packet is what [`execute`] makes of it alone. Of the packets that leave by one port, the copies that one
//! output makes stand beside each other and not those of one packet; each output keeps the packets' order.
//!
//! Only lists go this way in which nothing depends on what is known of a packet beside its bytes and its mark, nor on whose
//! turn it is: see [`goes_by_batch`]. Where packets would part and could overtake each other, the rest of the list is executed
//! packet by packet after all.

use ovs_flow::Metadata;
use ovs_packet::{Batch, Packet};

use super::{Context, Env, change, consumes, duplicate, execute, matters, output, tunnel};
use crate::tunnel::{Template, wants_segments};
use crate::{Action, CheckPktLenAction, DropReason, SetField, TnlPush};

/// How deep lists may stand in a list that is executed so: each level needs room for a batch of copies.
const DEPTH: u8 = 4;

/// Whether a list can be executed on many packets at once.
pub(crate) fn goes_by_batch(actions: &[Action]) -> bool {
    // Whom a meter lets pass depends on who asked it before.
    let mut meters = 0;
    all_go(actions, DEPTH, &mut meters) && meters <= 1
}

fn all_go(actions: &[Action], depth: u8, meters: &mut u32) -> bool {
    depth > 0 && actions.iter().all(|action| goes(action, depth - 1, meters))
}

fn goes(action: &Action, depth: u8, meters: &mut u32) -> bool {
    match action {
        Action::Set(field) => {
            !matches!(field, SetField::Priority(_) | SetField::Mark(_) | SetField::Tunnel(_))
        }
        Action::Clone(list) => all_go(list, depth, meters),
        Action::CheckPktLen(check) => {
            all_go(&check.greater, depth, meters) && all_go(&check.less_equal, depth, meters)
        }
        Action::Meter(_) => {
            *meters += 1;
            true
        }
        Action::Output(_)
        | Action::Drop(_)
        | Action::Trunc(_)
        | Action::PushVlan { .. }
        | Action::PopVlan
        | Action::PushMpls { .. }
        | Action::PopMpls { .. }
        | Action::AddMpls { .. }
        | Action::PushNsh(_)
        | Action::PopNsh
        | Action::PushEth { .. }
        | Action::PopEth
        | Action::TnlPush(_)
        | Action::TnlPop { .. } => true,
        _ => false,
    }
}

/// Executes a list that [`goes_by_batch`] on packets that may differ in nothing but their bytes and facts: each has its mark
/// there, and all came to the list in the same way. `packets` is empty afterwards.
pub(crate) fn execute_batch<E: Env>(
    env: &mut E,
    actions: &[Action],
    packets: &mut Batch,
    mut context: Context,
) {
    let Some(last) = actions.iter().rposition(matters) else {
        return env.discard_all(packets, DropReason::FlowWithoutActions);
    };
    for (index, action) in actions[..last].iter().enumerate() {
        match action {
            Action::Drop(code) => return env.discard_all(packets, DropReason::of_drop_code(*code)),
            Action::TnlPush(push) => {
                if context.cut.is_none() && packets.iter().any(|packet| wants_segments(packet, push)) {
                    return one_by_one(env, &actions[index..], packets, context);
                }
                wrap(env, push, packets, &mut context);
            }
            Action::Meter(_) => keep(env, packets, |env, packet| {
                let Action::Meter(meter) = action else { return Ok(()) };
                if env.meter(*meter, packet.len()) { Ok(()) } else { Err(DropReason::Meter) }
            }),
            _ if consumes(action) => branch(env, action, packets, &mut context),
            _ => {
                let now = env.now();
                let mut metadata = Metadata::default();
                keep(env, packets, |_, packet| change(action, packet, &mut metadata, &mut context, now));
            }
        }
    }
    finish(env, &actions[last], packets, context);
}

/// Keeps the packets of which `then` says so, and drops the others by the reasons that it gives.
fn keep<E: Env>(
    env: &mut E,
    packets: &mut Batch,
    mut then: impl FnMut(&mut E, &mut Packet) -> Result<(), DropReason>,
) {
    packets.retain(|packet| match then(env, packet) {
        Ok(()) => true,
        Err(reason) => {
            env.ledger().drop_one(reason);
            false
        }
    });
}

/// Puts the same headers around all packets.
fn wrap<E: Env>(env: &mut E, push: &TnlPush, packets: &mut Batch, context: &mut Context) {
    // The limit is one of what goes in.
    if let Some(max) = context.cut.take() {
        packets.iter_mut().for_each(|packet| output::cut(packet, max));
    }
    let Some(template) = Template::of(push) else {
        return env.discard_all(packets, DropReason::TunnelPush);
    };
    let now = env.now();
    keep(env, packets, |_, packet| template.wrap(packet, now));
}

/// Executes an action that uses up packets on copies, for `packets` are needed further on.
fn branch<E: Env>(env: &mut E, action: &Action, packets: &Batch, context: &mut Context) {
    let mut copies = Batch::new();
    for copy in packets.iter().filter_map(|packet| duplicate(env, packet)) {
        // There is room: as many as there are packets.
        drop(copies.push(copy));
    }
    let of_copies = *context;
    if let Action::Output(_) = action {
        context.cut = None;
    }
    finish(env, action, &mut copies, of_copies);
}

/// Executes the action that uses up the packets themselves.
fn finish<E: Env>(env: &mut E, action: &Action, packets: &mut Batch, context: Context) {
    match action {
        Action::Output(port) => {
            if let Some(max) = context.cut {
                packets.iter_mut().for_each(|packet| output::cut(packet, max));
            }
            env.output_all(packets, *port);
        }
        Action::Clone(list) => nested(env, list, packets, context),
        Action::CheckPktLen(check) => match common_length(check, packets) {
            Some(true) => nested(env, &check.greater, packets, context),
            Some(false) => nested(env, &check.less_equal, packets, context),
            None => one_by_one(env, std::slice::from_ref(action), packets, context),
        },
        Action::TnlPop { .. } => {
            let mut metadata = Metadata::default();
            for packet in packets.drain() {
                metadata.mark = packet.facts().mark;
                tunnel::pop(env, packet, action, &metadata, context);
            }
        }
        Action::Drop(code) => env.discard_all(packets, DropReason::of_drop_code(*code)),
        _ => one_by_one(env, std::slice::from_ref(action), packets, context),
    }
}

/// Executes a list in a list.
fn nested<E: Env>(env: &mut E, actions: &[Action], packets: &mut Batch, context: Context) {
    match context.nested() {
        Some(context) => execute_batch(env, actions, packets, context),
        None => env.discard_all(packets, DropReason::RecursionTooDeep),
    }
}

/// Whether all packets are longer than the action says, or none is; `None` if they are not alike.
fn common_length(check: &CheckPktLenAction, packets: &Batch) -> Option<bool> {
    let mut longer = packets.iter().map(|packet| tunnel::longest(packet) > usize::from(check.len));
    let first = longer.next()?;
    longer.all(|longer| longer == first).then_some(first)
}

/// The rest of a list for packets that must stay in their order.
fn one_by_one<E: Env>(env: &mut E, actions: &[Action], packets: &mut Batch, context: Context) {
    for packet in packets.drain() {
        let mut metadata = Metadata { mark: packet.facts().mark, ..Metadata::default() };
        execute(env, actions, packet, &mut metadata, context);
    }
}

#[cfg(test)]
mod tests;
