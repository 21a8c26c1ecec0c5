//! Executes action lists on packets: the one meaning of actions, shared by all datapaths.
//!
//! ```text
//!   list ─┬─ changes the packet: set, push, pop, hash, trunc, ct_clear
//!         ├─ ct: takes the packet through the connection tracker
//!         └─ uses up the packet, or a copy of it if more of the list follows:
//!              output ─▶ Env::output      recirc ─▶ Env::recirculate     drop
//!              userspace ─▶ Env::punt     clone, sample ─▶ a list on the copy
//! ```
//!
//! Every packet that goes in is accounted for in [`Env::ledger`] by exactly one of sent, queued, punted or
//! dropped, and every copy made on the way is one more that went in. Nothing here allocates but the frames
//! of copies, which come from the pool, and the outer headers of tunnels where [`Env::outer`] does.

mod batch;
mod ct;
mod eth;
mod hash;
mod mpls;
mod nest;
mod nsh;
mod output;
mod punt;
mod set;
mod tunnel;
mod vlan;

pub(crate) use batch::{execute_batch, goes_by_batch};
pub(crate) use ct::{Tracking, may_be_fragment, prepare, track_batch, tracks_once, turn};
pub(crate) use output::copy_to;

use std::time::Duration;

use ovs_flow::{CtMetadata, DpPort, Metadata, TunnelKey};
use ovs_packet::edit::EditError;
use ovs_packet::{Batch, Packet, Pool};

use crate::{Action, Actions, DropReason, Ledger, MeterId, Punt};

/// How deep lists may stand in lists (`clone`, `sample`, answers to punts).
pub(crate) const MAX_NESTING: u8 = 16;
/// How often a packet may recirculate.
pub(crate) const MAX_RECIRCULATIONS: u8 = 8;

/// What an execution needs of the datapath around it.
pub(crate) trait Env {
    /// The pool that copies come from.
    fn pool(&mut self) -> &mut Pool;

    /// Where packets are accounted for.
    fn ledger(&mut self) -> &mut Ledger;

    /// Takes a packet to be sent, and accounts for it.
    fn output(&mut self, packet: Packet, port: DpPort);

    /// [`Env::output`] for all packets of a batch, in their order; it is empty afterwards.
    fn output_all(&mut self, packets: &mut Batch, port: DpPort) {
        packets.drain().for_each(|packet| self.output(packet, port));
    }

    /// Takes a packet that starts over, and accounts for it. `metadata` has its new identifier; `depth` counts
    /// how often it has started over, this time included, and is at most [`MAX_RECIRCULATIONS`].
    fn recirculate(&mut self, packet: Packet, metadata: Metadata, depth: u8);

    /// Hands a packet to the switch's logic; accounting is the caller's.
    fn punt(&mut self, punt: Punt<'_>) -> Result<Option<Actions>, DropReason>;

    /// Counts a packet of so many bytes in a meter; `false` if it is to be dropped.
    fn meter(&mut self, meter: MeterId, bytes: usize) -> bool;

    /// The connection tracker, and what else reassembly needs.
    fn tracking(&mut self) -> (&mut Tracking, &mut Pool, &mut Ledger);

    /// Memory for the outer headers of a packet; what it says is of no meaning.
    fn outer(&mut self) -> Box<TunnelKey> {
        Box::default()
    }

    /// Takes back what is left of metadata: memory of [`Env::outer`], if it came from there.
    fn done(&mut self, _: &mut Metadata) {}

    /// A random number for `sample`, and for translations that ask for one.
    fn random(&mut self) -> u32;

    /// Now.
    fn now(&self) -> Duration;

    /// Drops a packet for `reason`.
    fn discard(&mut self, packet: Packet, reason: DropReason) {
        self.ledger().drop_one(reason);
        self.pool().recycle(packet);
    }

    /// [`Env::discard`] for all packets of a batch.
    fn discard_all(&mut self, packets: &mut Batch, reason: DropReason) {
        packets.drain().for_each(|packet| self.discard(packet, reason));
    }
}

/// How a packet came to a list, and what earlier actions left to later ones.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    /// How often the packet has recirculated.
    pub recirculated: u8,
    /// How many lists stand around this one.
    pub nesting: u8,
    /// Bytes that the next output may send (`trunc`).
    cut: Option<u32>,
}

impl Context {
    /// Of a packet that has recirculated so often.
    pub(crate) fn recirculated(depth: u8) -> Self {
        Self { recirculated: depth, ..Self::default() }
    }

    /// Of a list in this one; `None` if that is too deep.
    fn nested(self) -> Option<Self> {
        (self.nesting < MAX_NESTING).then_some(Self { nesting: self.nesting + 1, ..self })
    }
}

/// Whether an action uses the packet up; the others change it.
fn consumes(action: &Action) -> bool {
    matches!(
        action,
        Action::Output(_)
            | Action::Userspace(_)
            | Action::Recirc(_)
            | Action::Clone(_)
            | Action::Sample(_)
            | Action::CheckPktLen(_)
            | Action::Drop(_)
            | Action::TnlPop { .. }
    )
}

/// Whether an action at the end of a list has any effect: those that only change the packet have none.
fn matters(action: &Action) -> bool {
    consumes(action) || matches!(action, Action::Meter(_) | Action::Ct(_))
}

/// Executes `actions` on `packet`, whose layer offsets are those of its bytes. Afterwards `metadata` is of no
/// further use to the caller.
pub(crate) fn execute<E: Env>(
    env: &mut E,
    actions: &[Action],
    mut packet: Packet,
    metadata: &mut Metadata,
    mut context: Context,
) {
    // What follows the last use of the packet changes nothing that anyone sees.
    let Some(last) = actions.iter().rposition(matters) else {
        return env.discard(packet, DropReason::FlowWithoutActions);
    };
    for (index, action) in actions[..last].iter().enumerate() {
        if let Action::Meter(meter) = action {
            if !env.meter(*meter, packet.len()) {
                return env.discard(packet, DropReason::Meter);
            }
        } else if let Action::Ct(ct) = action {
            if may_be_fragment(&packet) {
                return ct::fragments(env, ct, &actions[index + 1..], packet, metadata, context);
            }
            ct::track(env, ct, &mut packet, metadata);
        } else if let Action::TnlPush(push) = action
            && context.cut.is_none()
            && crate::tunnel::wants_segments(&packet, push)
        {
            return tunnel::segments(env, &actions[index..], packet, metadata, context);
        } else if consumes(action) {
            if let Action::Drop(code) = action {
                return env.discard(packet, DropReason::of_drop_code(*code));
            }
            branch(env, action, &packet, metadata, &mut context);
        } else if let Err(reason) = change(action, &mut packet, metadata, &mut context, env.now()) {
            return env.discard(packet, reason);
        }
    }
    finish(env, &actions[last], packet, metadata, context);
}

/// Executes an action that changes the packet.
fn change(
    action: &Action,
    packet: &mut Packet,
    metadata: &mut Metadata,
    context: &mut Context,
    now: Duration,
) -> Result<(), DropReason> {
    match action {
        Action::Set(field) => {
            set::set(field, packet, metadata);
            Ok(())
        }
        Action::PushVlan { tpid, tci } => vlan::push(packet, *tpid, *tci),
        Action::PopVlan => vlan::pop(packet),
        Action::PushMpls { ethertype, lse } => mpls::push(packet, *ethertype, *lse),
        Action::PopMpls { ethertype } => mpls::pop(packet, *ethertype),
        Action::AddMpls { ethertype, lse, behind_eth } => mpls::add(packet, *ethertype, *lse, *behind_eth),
        Action::PushNsh(header) => nsh::push(packet, header),
        Action::PopNsh => nsh::pop(packet),
        Action::PushEth { src, dst } => eth::push(packet, *src, *dst),
        Action::PopEth => eth::pop(packet),
        Action::Hash { algorithm, basis } => {
            metadata.dp_hash = hash::hash(*algorithm, *basis, packet, metadata);
            Ok(())
        }
        Action::Trunc(max) => {
            context.cut = Some(*max);
            Ok(())
        }
        Action::CtClear => {
            metadata.ct = CtMetadata::default();
            Ok(())
        }
        Action::TnlPush(push) => {
            // The limit is one of what goes in.
            if let Some(max) = context.cut.take() {
                output::cut(packet, max);
            }
            crate::tunnel::push(packet, push, now)
        }
        _ => Err(DropReason::UnsupportedAction),
    }
}

/// Executes an action that uses up a packet on a copy, for `packet` is needed further on.
fn branch<E: Env>(env: &mut E, action: &Action, packet: &Packet, metadata: &Metadata, context: &mut Context) {
    match action {
        Action::Output(port) => copy_to(env, packet, *port, context.cut.take()),
        Action::Userspace(userspace) => {
            let cut = context.cut.take();
            punt::punt_copy(env, userspace, packet, metadata, Context { cut, ..*context });
        }
        Action::Sample(sample) if !nest::chosen(env, sample) => {}
        _ => {
            if let Some(copy) = duplicate(env, packet) {
                let mut metadata = tunnel::copy_metadata(env, metadata);
                finish_chosen(env, action, copy, &mut metadata, *context);
                env.done(&mut metadata);
            }
        }
    }
}

/// Executes the action that uses up the packet itself.
fn finish<E: Env>(
    env: &mut E,
    action: &Action,
    mut packet: Packet,
    metadata: &mut Metadata,
    context: Context,
) {
    match action {
        Action::Output(port) => output::to(env, packet, *port, context.cut),
        Action::Userspace(userspace) => punt::punt(env, userspace, packet, metadata, context),
        Action::Meter(meter) => {
            let passed = env.meter(*meter, packet.len());
            env.discard(packet, if passed { DropReason::FlowWithoutActions } else { DropReason::Meter });
        }
        Action::Sample(sample) if !nest::chosen(env, sample) => env.discard(packet, DropReason::Sample),
        Action::Ct(ct) if may_be_fragment(&packet) => {
            ct::fragments(env, ct, &[], packet, metadata, context);
        }
        Action::Ct(ct) => {
            ct::track(env, ct, &mut packet, metadata);
            env.discard(packet, DropReason::FlowWithoutActions);
        }
        _ => finish_chosen(env, action, packet, metadata, context),
    }
}

/// [`finish`] for what needs metadata of its own; a sample has been chosen.
fn finish_chosen<E: Env>(
    env: &mut E,
    action: &Action,
    packet: Packet,
    metadata: &mut Metadata,
    context: Context,
) {
    match action {
        Action::Recirc(id) => {
            if context.recirculated >= MAX_RECIRCULATIONS {
                return env.discard(packet, DropReason::RecircDepth);
            }
            let metadata = Metadata { recirc_id: *id, ..std::mem::take(metadata) };
            env.recirculate(packet, metadata, context.recirculated + 1);
        }
        Action::TnlPop { .. } => tunnel::pop(env, packet, action, metadata, context),
        Action::Clone(list) => nest::list(env, list, packet, metadata, context),
        Action::Sample(sample) => nest::list(env, &sample.actions, packet, metadata, context),
        Action::CheckPktLen(check) => {
            let longer = tunnel::longest(&packet) > usize::from(check.len);
            let list = if longer { &check.greater } else { &check.less_equal };
            nest::list(env, list, packet, metadata, context);
        }
        Action::Drop(code) => env.discard(packet, DropReason::of_drop_code(*code)),
        _ => env.discard(packet, DropReason::UnsupportedAction),
    }
}

/// Why an edit that was not made ends the packet.
fn edit_failed(error: EditError) -> DropReason {
    match error {
        EditError::NoRoom(_) => DropReason::NoBuffer,
        _ => DropReason::InvalidPacket,
    }
}

/// A copy of `packet`, accounted as created; if there is no frame for it, as created and dropped.
fn duplicate<E: Env>(env: &mut E, packet: &Packet) -> Option<Packet> {
    env.ledger().cloned += 1;
    let copy = packet.try_clone_into(env.pool());
    if copy.is_none() {
        env.ledger().drop_one(DropReason::NoBuffer);
    }
    copy
}
