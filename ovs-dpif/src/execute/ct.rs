//! `ct`: takes packets through the connection tracker, fragments by way of their whole.
//!
//! ```text
//!   whole packet ─────────────────────────────────▶ tracker ─▶ the rest of the list
//!   fragment ─▶ reassembler ─┬ held: nothing goes on yet
//!                            ├ whole ─▶ tracker ─▶ cut as it came ─▶ the rest of the list, for each piece
//!                            └ refused: invalid ─▶ the rest of the list
//! ```

use std::time::Duration;

use ovs_flow::SparseKey;
use ovs_flow::{CtMetadata, CtState, Metadata, extract};
use ovs_packet::fragment::{Accepted, Cut, Origin, Pieces, fragment};
use ovs_packet::{BATCH_MAX, Packet};

use super::{Context, Env, change, execute};
use crate::conntrack::{Conntrack, CtAction, CtTurn, Refusal, Tracked};
use crate::fragments::{Fragments, Held, meeting};
use crate::{Action, DropReason};

/// What `ct` needs of a datapath.
pub(crate) struct Tracking {
    pub conntrack: Conntrack,
    /// Fragments that wait for their siblings: [`crate::Ledger::queued`].
    pub fragments: Held,
}

impl Tracking {
    pub(crate) fn new(conntrack: Conntrack, fragments: &Fragments) -> Self {
        Self { conntrack, fragments: Held::new(fragments) }
    }
}

/// Takes a packet through the tracker.
pub(super) fn track<E: Env>(env: &mut E, action: &CtAction, packet: &mut Packet, metadata: &mut Metadata) {
    let now = env.now();
    let random = if action.needs_chance() { env.random() } else { 0 };
    let tracked = env.tracking().0.conntrack.track(packet, &mut metadata.ct, action, now, random);
    account(env, tracked);
}

/// Counts a connection that was not remembered.
fn account<E: Env>(env: &mut E, tracked: Tracked) {
    if let Some(refusal) = tracked.refused {
        env.ledger().drop_one(match refusal {
            Refusal::Full => DropReason::ConntrackFull,
            Refusal::ZoneFull => DropReason::ConntrackZoneFull,
            Refusal::NatExhausted => DropReason::NatExhausted,
        });
    }
}

/// What the tracker is to do with one packet of several.
pub(crate) fn turn<'a, E: Env>(env: &mut E, action: &'a CtAction) -> CtTurn<'a> {
    CtTurn { action, random: if action.needs_chance() { env.random() } else { 0 } }
}

/// Takes packets through the tracker, those that have a turn, in order. Gives, as bits, which may have been rewritten.
pub(crate) fn track_batch<E: Env>(
    env: &mut E,
    turns: &[Option<CtTurn<'_>>],
    packets: &mut [Packet],
    metadata: &mut [Metadata],
) -> u32 {
    let mut tracked = [Tracked::default(); BATCH_MAX];
    let (now, tracked) = (env.now(), &mut tracked[..packets.len()]);
    env.tracking().0.conntrack.track_batch(packets, metadata, turns, now, tracked);
    let mut rewritten = 0;
    for (i, one) in tracked.iter().enumerate() {
        rewritten |= u32::from(one.rewritten) << i;
        if one.refused.is_some() {
            account(env, *one);
        }
    }
    rewritten
}

/// Where the tracker stands in a list that packets of a batch can be taken to together: nothing before it does more than to
/// change the packet, and nothing behind it has to do with the tracker. Then it makes no difference whether a packet goes on before
/// or after the next one has been tracked.
pub(crate) fn tracks_once(actions: &[Action]) -> Option<usize> {
    let at = actions.iter().position(|action| matches!(action, Action::Ct(_)))?;
    let changes = |action: &Action| {
        matches!(
            action,
            Action::Set(_)
                | Action::PushVlan { .. }
                | Action::PopVlan
                | Action::PushEth { .. }
                | Action::PopEth
                | Action::Hash { .. }
                | Action::CtClear
        )
    };
    let ends = |action: &Action| {
        matches!(
            action,
            Action::Output(_) | Action::Recirc(_) | Action::Trunc(_) | Action::Meter(_) | Action::Drop(_)
        )
    };
    let (before, behind) = (&actions[..at], &actions[at + 1..]);
    let once = before.iter().all(changes) && behind.iter().all(|action| changes(action) || ends(action));
    once.then_some(at)
}

/// Executes what stands before the tracker in such a list.
pub(crate) fn prepare(
    actions: &[Action],
    packet: &mut Packet,
    metadata: &mut Metadata,
    now: Duration,
) -> Result<(), DropReason> {
    let mut context = Context::default();
    actions.iter().try_for_each(|action| change(action, packet, metadata, &mut context, now))
}

/// Whether a packet may be a fragment; the reassembler knows for sure.
pub(crate) fn may_be_fragment(packet: &Packet) -> bool {
    let Some(ip) = packet.data().get(usize::from(packet.layers().l3)..) else { return false };
    match ip {
        [first, _, _, _, _, _, flags, offset, ..] if first >> 4 == 4 => flags & 0x3f != 0 || *offset != 0,
        // A fragment header, or one that others may stand before.
        [first, _, _, _, _, _, next, ..] if first >> 4 == 6 => matches!(next, 0 | 43 | 44 | 60),
        _ => false,
    }
}

/// `ct`, and then `rest`, on what may be a fragment.
pub(super) fn fragments<E: Env>(
    env: &mut E,
    action: &CtAction,
    rest: &[Action],
    packet: Packet,
    metadata: &mut Metadata,
    context: Context,
) {
    let now = env.now();
    let origin = Origin { zone: meeting(action.zone, metadata.recirc_id), port: metadata.in_port.0 };
    let (tracking, pool, ledger) = env.tracking();
    tracking.fragments.expire(now, pool, ledger);
    let before = tracking.fragments.held();
    let accepted = tracking.fragments.accept(origin, packet, now, pool);
    let gone = before.saturating_sub(tracking.fragments.held()) as u64;
    ledger.queued -= gone;
    match accepted {
        Accepted::Held => ledger.queued += 1,
        Accepted::NotAFragment(mut packet) => {
            track(env, action, &mut packet, metadata);
            execute(env, rest, packet, metadata, context);
        }
        Accepted::Whole(packet, pieces) => {
            whole(env, action, rest, packet, &pieces, metadata, context);
        }
        Accepted::Refused(packet, _) => {
            // Those that were held of a datagram that is condemned now.
            ledger.drop_many(DropReason::FragmentCondemned, gone);
            metadata.ct = CtMetadata {
                state: (CtState::TRK | CtState::INV).bits(),
                zone: action.zone,
                ..CtMetadata::default()
            };
            execute(env, rest, packet, metadata, context);
        }
    }
}

/// Tracks a datagram, and goes on with its pieces.
fn whole<E: Env>(
    env: &mut E,
    action: &CtAction,
    rest: &[Action],
    mut packet: Packet,
    pieces: &Pieces,
    metadata: &mut Metadata,
    context: Context,
) {
    track(env, action, &mut packet, metadata);
    // The pieces have not been through the tracker themselves: as in the original, it looks their next whole up anew.
    metadata.ct.connection = 0;
    let count = pieces.sizes().len();
    let mut parts = Vec::with_capacity(count);
    let cut = fragment(packet, Cut::Pieces(pieces), pieces.id(), env.pool(), &mut |part| parts.push(part));
    if cut.is_err() {
        parts.drain(..).for_each(|part| env.pool().recycle(part));
    }
    env.ledger().drop_many(DropReason::NoBuffer, count.saturating_sub(parts.len()) as u64);
    for mut part in parts {
        let mut metadata = metadata.clone();
        extract(&mut part, &metadata, &mut SparseKey::new());
        execute(env, rest, part, &mut metadata, context);
    }
}
