//! The shortest way: a batch like the last one, of a megaflow that looks at so little that packets need no key.
//!
//! ```text
//!   batch ─▶ does a glance at each packet show what the last batch's showed? ─ yes ─▶ counted, sent or dropped
//!                                  │ no
//!                                  └─▶ keys, lookup, actions
//! ```

use ovs_classifier::FlowId;
use ovs_classifier::rcu::Guard;
use ovs_flow::{DpPort, Glance};
use ovs_packet::Packet;

use super::Worker;
use crate::DropReason;
use crate::execute::Env;
use crate::userspace::fate::Fate;

/// What the last batch of a queue tells of the next one.
#[derive(Clone, Copy, Default)]
pub(super) struct Hint {
    /// The megaflow that all of it has hit.
    flow: Option<FlowId>,
    /// The Ethernet type of what that matches at a glance: all of the port's packets that show the same match it.
    dl_type: Option<u16>,
}

/// What a glance at a packet that needs no work shows.
#[inline]
fn glance(packet: &Packet) -> Option<Glance> {
    let facts = packet.facts();
    if facts.packet_type == 0 && !facts.is_unfinished() { Glance::of(packet.data()) } else { None }
}

impl Worker {
    /// Processes the packets in the scratch batch, which have come in by the port that has this hint, if that can be done
    /// without their keys. Else nothing has been done.
    #[inline]
    pub(super) fn process_at_a_glance(&mut self, hint: Hint, guard: &Guard<'_>) -> bool {
        let (Some(flow), Some(dl_type)) = (hint.flow, hint.dl_type) else { return false };
        let Self { scratch, tables, engine, stats, .. } = self;
        let (mut bytes, mut flags) = (0, 0);
        for packet in &scratch.packets {
            let Some(glance) = glance(packet).filter(|glance| glance.dl_type == dl_type) else {
                return false;
            };
            bytes += packet.len() as u64;
            flags |= glance.tcp_flags;
        }
        let count = scratch.packets.len() as u64;
        let Some(megaflow) = tables.get(flow, guard) else { return false };
        let fate = Fate::from_mark(megaflow.mark());
        if !matches!(fate, Fate::Output(_) | Fate::Drop) {
            return false;
        }
        megaflow.counters().add(count, bytes, flags, engine.now);
        tables.alike_hits += count;
        stats.hit += count;
        match fate {
            Fate::Output(port) => engine.output_all(&mut scratch.packets, port),
            _ => engine.discard_all(&mut scratch.packets, DropReason::FlowWithoutActions),
        }
        engine.outputs.send(&mut engine.ledger);
        true
    }

    /// Processes the packets in the scratch batch, which have come in by a port, in the usual way; says what that tells of
    /// the port's next batch.
    pub(super) fn process_from(&mut self, port: DpPort, hint: Hint, guard: &Guard<'_>) -> Hint {
        let first = self.scratch.packets.iter().next().and_then(glance);
        self.scratch.came_by(port, hint.flow);
        let flow = self.process(guard);
        let shows =
            |flow| self.tables.get(flow, guard).is_some_and(|flow| Fate::shows_at_a_glance(flow.mark()));
        let dl_type = first.filter(|_| flow.is_some_and(shows)).map(|glance| glance.dl_type);
        Hint { flow, dl_type }
    }
}
