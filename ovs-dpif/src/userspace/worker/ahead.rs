//! Packets of a batch that go through the connection tracker together, ahead of their turns.

use ovs_classifier::FlowId;
use ovs_classifier::rcu::Guard;
use ovs_flow::Metadata;
use ovs_packet::{BATCH_MAX, Packet};

use super::engine::Engine;
use crate::conntrack::CtAction;
use crate::execute::{may_be_fragment, prepare, track_batch, tracks_once, turn};
use crate::userspace::fate::Fate;
use crate::userspace::tables::Tables;
use crate::{Action, DropReason};

/// Where a packet stands in the list of its megaflow.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stand {
    /// Before this action.
    At(usize),
    /// An action has failed.
    Failed(DropReason),
}

/// How far the packets of a batch are ahead of their turns.
pub(super) struct Ahead {
    /// Packets up to this one have been considered.
    pub until: usize,
    pub stands: [Stand; BATCH_MAX],
    /// Bit `i`: the bytes of packet `i` may not be those that its key was made of.
    pub changed: u32,
}

/// A list, cut where the tracker stands in it.
#[derive(Clone, Copy)]
struct List<'g> {
    before: &'g [Action],
    action: &'g CtAction,
}

/// What a packet's megaflow says.
#[derive(Clone, Copy)]
enum Way<'g> {
    /// It has nothing to do with the tracker, or is not there.
    Aside,
    /// It passes it once.
    Through(List<'g>),
    /// It may pass it, and that cannot be foretold.
    Unknown,
}

impl Default for Ahead {
    /// All stand at the beginning.
    fn default() -> Self {
        Self { until: 0, stands: [Stand::At(0); BATCH_MAX], changed: 0 }
    }
}

fn way<'g>(found: Option<FlowId>, tables: &'g Tables, guard: &'g Guard<'_>) -> Way<'g> {
    let Some(flow) = found.and_then(|id| tables.get(id, guard)) else { return Way::Aside };
    if Fate::from_mark(flow.mark()) != Fate::List {
        return Way::Aside;
    }
    let actions = flow.value().actions(guard);
    match tracks_once(actions).map(|at| (at, &actions[at])) {
        Some((at, Action::Ct(action))) => Way::Through(List { before: &actions[..at], action }),
        _ => Way::Unknown,
    }
}

impl Ahead {
    /// Takes packets of a batch up to the tracker and through it, from packet `from` on, which is the first of those given here:
    /// all those of megaflows that pass it once, until one comes of which that is not known, or a fragment.
    pub fn track(
        &mut self,
        from: usize,
        engine: &mut Engine,
        (packets, metadata): (&mut [Packet], &mut [Metadata]),
        found: &[Option<FlowId>],
        tables: &Tables,
        guard: &Guard<'_>,
    ) {
        let mut turns = [None; BATCH_MAX];
        let mut last: Option<(Option<FlowId>, Way<'_>)> = None;
        let stands = &mut self.stands[from..];
        let mut count = 0;
        for (i, ((packet, metadata), id)) in packets.iter_mut().zip(&mut *metadata).zip(found).enumerate() {
            if last.is_none_or(|(last, _)| last != *id) {
                last = Some((*id, way(*id, tables, guard)));
            }
            let Some((_, way)) = last else { break };
            let list = match way {
                Way::Aside => {
                    count = i + 1;
                    continue;
                }
                Way::Unknown => break,
                Way::Through(list) => list,
            };
            count = i + 1;
            if !list.before.is_empty() {
                self.changed |= 1 << (from + i);
                if let Err(reason) = prepare(list.before, packet, metadata, engine.now) {
                    stands[i] = Stand::Failed(reason);
                    continue;
                }
            }
            if may_be_fragment(packet) {
                stands[i] = Stand::At(list.before.len());
                break;
            }
            stands[i] = Stand::At(list.before.len() + 1);
            turns[i] = Some(turn(engine, list.action));
        }
        self.until = from + count;
        let (packets, metadata) = (&mut packets[..count], &mut metadata[..count]);
        self.changed |= track_batch(engine, &turns[..count], packets, metadata) << from;
    }
}
