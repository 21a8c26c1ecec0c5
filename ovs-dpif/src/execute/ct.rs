//! `ct`: takes packets through the connection tracker, fragments by way of their whole.
//!
//! ```text
//!   whole packet ─────────────────────────────────▶ tracker ─▶ the rest of the list
//!   fragment ─▶ reassembler ─┬ held: nothing goes on yet
//!                            ├ whole ─▶ tracker ─▶ cut as it came ─▶ the rest of the list, for each piece
//!                            └ refused: invalid ─▶ the rest of the list
//! ```

use ovs_flow::SparseKey;
use ovs_flow::{CtMetadata, CtState, Metadata, extract};
use ovs_packet::fragment::{Accepted, Cut, Origin, Pieces, Reassembler, ReassemblerConfig, fragment};
use ovs_packet::{Packet, Pool};

use super::{Context, Env, execute};
use crate::conntrack::{Conntrack, CtAction, NatAction, NatSelect, Refusal};
use crate::{Action, DropReason, Ledger};

/// What `ct` needs of a datapath.
pub(crate) struct Tracking {
    pub conntrack: Conntrack,
    /// Fragments that wait for their siblings: [`Ledger::queued`].
    fragments: Reassembler,
}

impl Tracking {
    pub(crate) fn new(conntrack: Conntrack) -> Self {
        Self { conntrack, fragments: Reassembler::new(ReassemblerConfig::default()) }
    }

    /// Drops the fragments whose time is over.
    fn expire(&mut self, now: std::time::Duration, pool: &mut Pool, ledger: &mut Ledger) {
        let gone = self.fragments.expire(now, &mut |packet| pool.recycle(packet));
        ledger.queued -= gone as u64;
        ledger.drop_many(DropReason::FragmentTimeout, gone as u64);
    }
}

/// Takes a packet through the tracker.
pub(super) fn track<E: Env>(env: &mut E, action: &CtAction, packet: &mut Packet, metadata: &mut Metadata) {
    let now = env.now();
    let random = if needs_chance(action) { env.random() } else { 0 };
    let tracked = env.tracking().0.conntrack.track(packet, &mut metadata.ct, action, now, random);
    if let Some(refusal) = tracked.refused {
        env.ledger().drop_one(match refusal {
            Refusal::Full => DropReason::ConntrackFull,
            Refusal::ZoneFull => DropReason::ConntrackZoneFull,
            Refusal::NatExhausted => DropReason::NatExhausted,
        });
    }
}

fn needs_chance(action: &CtAction) -> bool {
    match &action.nat {
        Some(NatAction::Source(range) | NatAction::Destination(range)) => range.select == NatSelect::Random,
        Some(NatAction::Existing) | None => false,
    }
}

/// Whether a packet may be a fragment; the reassembler knows for sure.
pub(super) fn may_be_fragment(packet: &Packet) -> bool {
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
    let origin = Origin { zone: action.zone.into(), port: metadata.in_port.0 };
    let (tracking, pool, ledger) = env.tracking();
    tracking.expire(now, pool, ledger);
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
