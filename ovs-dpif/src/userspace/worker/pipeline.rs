//! From a batch of packets to executed actions.

use std::sync::atomic::Ordering;

use ovs_classifier::FlowId;
use ovs_classifier::rcu::Guard;
use ovs_flow::{DpPort, FlowKey, Metadata, extract_limited};
use ovs_packet::{BATCH_MAX, Packet};

use super::Worker;
use super::ahead::{Ahead, Stand};
use super::engine::Engine;
use super::run::Run;
use super::scratch::Scratch;
use super::upcalls::Waiting;
use crate::execute::{Context, Env, MAX_RECIRCULATIONS, copy_to, execute, execute_batch, tracks_once};
use crate::userspace::fate::Fate;
use crate::userspace::tables::{Megaflow, Tables};
use crate::{Action, DpifError, DropReason, Install, Upcall, Verdict};

/// A megaflow that packets have hit.
struct Hit<'g> {
    id: FlowId,
    flow: &'g Megaflow,
    fate: Fate,
    /// Packets of a batch can be taken through the tracker together.
    tracks: bool,
}

impl<'g> Hit<'g> {
    #[inline]
    fn of(id: FlowId, tables: &'g Tables, guard: &'g Guard<'_>) -> Option<Self> {
        let flow = tables.get(id, guard)?;
        let fate = Fate::from_mark(flow.mark());
        let tracks = fate == Fate::List && tracks_once(flow.value().actions(guard)).is_some();
        Some(Self { id, flow, fate, tracks })
    }
}

/// What is known of packet `index` of a batch, and how often it has recirculated.
fn known(
    port: Option<&Metadata>,
    metadata: &mut [Metadata],
    depths: &[u8],
    index: usize,
    packet: &Packet,
) -> (Metadata, u8) {
    match port {
        Some(port) => (Metadata { mark: packet.facts().mark, ..port.clone() }, 0),
        None => (std::mem::take(&mut metadata[index]), depths[index]),
    }
}

/// The recirculation that is all that the tracker has left of a list, if a packet may take it with those of its batch.
#[inline]
fn over(actions: &[Action], place: usize, depth: u8, engine: &Engine) -> Option<u32> {
    let [Action::Recirc(id)] = *actions else { return None };
    (place > 0 && depth < MAX_RECIRCULATIONS && engine.recirculated.is_empty()).then_some(id)
}

/// Executes what is left of a list on one packet.
#[inline]
fn execute_known(
    engine: &mut Engine,
    actions: &[Action],
    packet: Packet,
    (mut metadata, depth): (Metadata, u8),
) {
    execute(engine, actions, packet, &mut metadata, Context::recirculated(depth));
    engine.done(&mut metadata);
}

/// The last of a list that is nothing but outputs, and those before it.
fn all_outputs(actions: &[Action]) -> Option<(DpPort, &[Action])> {
    let (last, others) = actions.split_last()?;
    let Action::Output(port) = last else { return None };
    others.iter().all(|action| matches!(action, Action::Output(_))).then_some((*port, others))
}

impl Worker {
    /// Processes the packets in the scratch batch, and whatever of them recirculates, to the end; sends
    /// what came of it. Gives the megaflow that all in the batch have hit, if there is one.
    pub(super) fn process(&mut self, guard: &Guard<'_>) -> Option<FlowId> {
        let common = self.process_batch(guard);
        self.settle(guard);
        self.engine.outputs.send(&mut self.engine.ledger);
        common
    }

    /// Gives the megaflow that all packets have hit, if there is one.
    fn process_batch(&mut self, guard: &Guard<'_>) -> Option<FlowId> {
        let common = self.scratch.look_up(&mut self.tables, self.engine.max_vlans, guard);
        match common {
            Some(flow) if self.process_together(flow, guard) => {}
            Some(flow) => self.process_alike(flow, guard),
            None => self.process_each(Ahead::default(), guard),
        }
        self.scratch.port = None;
        self.scratch.metadata.drain(..).for_each(|mut metadata| self.engine.done(&mut metadata));
        self.scratch.depths.clear();
        common
    }

    /// A batch whose packets all hit one megaflow of a list that can be executed on all of them at once: sent by one port they
    /// go to it as they came. `false` if it is not such a list, or the packets have not come to it in the same way.
    fn process_together(&mut self, flow: FlowId, guard: &Guard<'_>) -> bool {
        let Self { scratch, tables, engine, stats, .. } = self;
        let Some(megaflow) = tables.get(flow, guard) else { return false };
        let fate = Fate::from_mark(megaflow.mark());
        let depth = match fate {
            Fate::Output(_) | Fate::Drop => Some(0),
            Fate::Batch => scratch.common_depth(),
            Fate::List => None,
        };
        let Some(depth) = depth else { return false };
        let mut run = Run::default();
        for (packet, key) in scratch.packets.iter().zip(&scratch.keys) {
            run.add(packet.len(), key);
        }
        run.finish(megaflow, engine.now);
        let packets = &mut scratch.packets;
        stats.hit += packets.len() as u64;
        match fate {
            Fate::Output(port) => engine.output_all(packets, port),
            Fate::Drop => engine.discard_all(packets, DropReason::FlowWithoutActions),
            Fate::Batch | Fate::List => {
                execute_batch(engine, megaflow.value().actions(guard), packets, Context::recirculated(depth));
            }
        }
        true
    }

    /// A batch whose packets all hit one megaflow: if that takes them through the tracker, or just sends them, or both, the
    /// batch goes on as it is: to the tracker, to where it starts over, or to its port, after copies of it to others.
    fn process_alike(&mut self, flow: FlowId, guard: &Guard<'_>) {
        let Self { scratch, tables, engine, stats, .. } = self;
        let count = scratch.packets.len();
        scratch.found[..count].fill(Some(flow));
        let Some(megaflow) = tables.get(flow, guard) else {
            return self.process_each(Ahead::default(), guard);
        };
        let mut rest: &[Action] = megaflow.value().actions(guard);
        let mut ahead = Ahead::default();
        if let Some(at) = tracks_once(rest) {
            let Scratch { packets, port, metadata, depths, found, .. } = scratch;
            Scratch::spread(port, metadata, depths, packets.iter().map(|packet| packet.facts().mark));
            ahead.track(0, engine, (packets, metadata), &found[..count], tables, guard);
            let together =
                ahead.stands[..count].iter().all(|stand| matches!(stand, Stand::At(place) if *place > at));
            rest = if together { &rest[at + 1..] } else { &[] };
        }
        let over = match rest {
            [Action::Recirc(id)] => Some(*id),
            _ => None,
        };
        let outputs = all_outputs(rest);
        let starts_over = over.is_some_and(|_| {
            engine.recirculated.is_empty() && scratch.depths.iter().all(|depth| *depth < MAX_RECIRCULATIONS)
        });
        if outputs.is_none() && !starts_over || over.is_some() && scratch.port.is_some() {
            return self.process_each(ahead, guard);
        }
        let mut run = Run::default();
        for (packet, key) in scratch.packets.iter().zip(&scratch.keys) {
            run.add(packet.len(), key);
        }
        run.finish(megaflow, engine.now);
        stats.hit += count as u64;
        if let Some((port, others)) = outputs {
            for action in others {
                let Action::Output(port) = action else { continue };
                scratch.packets.iter().for_each(|packet| copy_to(engine, packet, *port, None));
            }
            engine.outputs.push_all(&mut scratch.packets, port, &mut engine.pool, &mut engine.ledger);
        } else if let Some(id) = over {
            scratch.start_over(id, ahead.changed);
        }
    }

    /// Packet by packet, but for what can be done with them together on the way through the tracker.
    fn process_each(&mut self, mut ahead: Ahead, guard: &Guard<'_>) {
        let Self { scratch, tables, engine, stats, .. } = self;
        let common = scratch.common_depth();
        let Scratch { packets, port, metadata, depths, keys, found, groups, next, .. } = scratch;
        let mut run = Run::default();
        let mut last: Option<Hit<'_>> = None;
        let mut packets = packets.drain();
        for index in 0..packets.len() {
            if last.as_ref().is_none_or(|hit| found[index] != Some(hit.id)) {
                if let Some(hit) = last.take() {
                    run.finish(hit.flow, engine.now);
                }
                last = found[index].and_then(|id| Hit::of(id, tables, guard));
            }
            if last.as_ref().is_some_and(|hit| hit.tracks) && ahead.until <= index {
                let packets = packets.as_mut_slice();
                let past = std::iter::repeat_n(0, index);
                Scratch::spread(
                    port,
                    metadata,
                    depths,
                    past.chain(packets.iter().map(|packet| packet.facts().mark)),
                );
                let found = &found[index..index + packets.len()];
                ahead.track(index, engine, (packets, &mut metadata[index..]), found, tables, guard);
            }
            let Some(packet) = packets.next() else { break };
            let Some(Hit { id, flow, fate, .. }) = last else {
                // Whether it is a miss after all is known when its turn comes.
                let (metadata, depth) = known(port.as_ref(), metadata, depths, index, &packet);
                let lost = !engine.miss(Waiting { packet, metadata, depth, added: tables.added() });
                stats.missed += u64::from(lost);
                stats.lost += u64::from(lost);
                continue;
            };
            stats.hit += 1;
            run.add(packet.len(), &keys[index]);
            if fate == Fate::Batch
                && common.is_some()
                && let Some(group) = groups.of(id)
            {
                // There is room: it is as large as the batch.
                drop(group.push(packet));
                continue;
            }
            match (fate, ahead.stands[index]) {
                (Fate::Output(port), _) => engine.output(packet, port),
                (Fate::Drop, _) => engine.discard(packet, DropReason::FlowWithoutActions),
                (Fate::Batch | Fate::List, Stand::Failed(reason)) => engine.discard(packet, reason),
                (Fate::Batch | Fate::List, Stand::At(place)) => {
                    let known = known(port.as_ref(), metadata, depths, index, &packet);
                    let actions = &flow.value().actions(guard)[place..];
                    match over(actions, place, known.1, engine) {
                        Some(id) => {
                            let changed = ahead.changed >> index & 1 != 0;
                            next.push(packet, id, known, &keys[index], changed);
                        }
                        None => execute_known(engine, actions, packet, known),
                    }
                }
            }
        }
        if let Some(hit) = last {
            run.finish(hit.flow, engine.now);
        }
        let context = Context::recirculated(common.unwrap_or_default());
        groups.each(|id, packets| {
            // No megaflow goes while its packets are under way.
            let actions = tables.get(id, guard).map_or(&[][..], |flow| flow.value().actions(guard));
            execute_batch(engine, actions, packets, context);
        });
    }

    /// Processes what starts over by whole batches.
    fn go_on(&mut self, guard: &Guard<'_>) {
        while self.scratch.turn_over() {
            self.process_batch(guard);
        }
    }

    /// Processes what has recirculated until nothing is left.
    pub(super) fn settle(&mut self, guard: &Guard<'_>) {
        self.go_on(guard);
        while !self.engine.recirculated.is_empty() {
            let mut waiting = std::mem::take(&mut self.scratch.recirculated);
            std::mem::swap(&mut waiting, &mut self.engine.recirculated);
            let mut packets = waiting.drain(..).peekable();
            while packets.peek().is_some() {
                for Waiting { packet, metadata, depth, .. } in packets.by_ref().take(BATCH_MAX) {
                    self.scratch.push(packet, metadata, depth);
                }
                self.process_batch(guard);
                self.go_on(guard);
            }
            drop(packets);
            self.scratch.recirculated = waiting;
        }
    }

    /// Answers up to `budget` upcalls, port by port in turn; says how many.
    pub(super) fn answer_upcalls(&mut self, budget: usize, guard: &Guard<'_>) -> usize {
        let mut answered = 0;
        while let Some(waiting) = self.engine.upcalls.pop() {
            match self.answer(waiting, answered < budget, guard) {
                Ok(asked) => answered += usize::from(asked),
                Err(waiting) => {
                    self.engine.upcalls.unpop(waiting);
                    break;
                }
            }
            self.settle(guard);
        }
        self.forward_known(guard);
        answered
    }

    /// Forwards packets that wait behind others and that a megaflow matches by now: the next packet of their flow will
    /// hit it, and must not overtake them. Megaflows match on the port, so only the queues of some ports are looked at.
    pub(super) fn forward_known(&mut self, guard: &Guard<'_>) {
        while let Some(port) = self.fresh.pop() {
            let mut queue = self.engine.upcalls.lend(port);
            for _ in 0..queue.len() {
                let Some(waiting) = queue.pop_front() else { break };
                if let Err(waiting) = self.answer(waiting, false, guard) {
                    queue.push_back(waiting);
                }
                self.settle(guard);
            }
            self.engine.upcalls.give_back(port, queue);
        }
    }

    /// Answers one upcall. A packet whose megaflow has been installed meanwhile is just forwarded and gives
    /// `false`; otherwise the logic is asked, if `may_ask`.
    fn answer(&mut self, waiting: Waiting, may_ask: bool, guard: &Guard<'_>) -> Result<bool, Waiting> {
        let Waiting { mut packet, mut metadata, depth, added } = waiting;
        let key = &mut self.scratch.keys[0];
        extract_limited(&mut packet, &metadata, self.engine.max_vlans, key);
        let found = self.tables.look_up_again(key, added, guard);
        let context = Context::recirculated(depth);
        if let Some(flow) = found.and_then(|id| self.tables.get(id, guard)) {
            self.engine.ledger.queued -= 1;
            self.stats.hit += 1;
            let mut run = Run::default();
            run.add(packet.len(), key);
            run.finish(flow, self.engine.now);
            execute(&mut self.engine, flow.value().actions(guard), packet, &mut metadata, context);
            self.engine.done(&mut metadata);
            return Ok(false);
        }
        if !may_ask {
            return Err(Waiting { packet, metadata, depth, added: self.tables.added() });
        }
        self.engine.ledger.queued -= 1;
        self.stats.missed += 1;
        let key = key.expand();
        let now = self.engine.now;
        let upcall = Upcall { packet: &packet, metadata: &metadata, key: &key, now };
        let verdict = match &mut self.engine.handler {
            Some(handler) => handler.miss(upcall),
            None => Verdict::Refuse(DropReason::Upcall),
        };
        match verdict {
            Verdict::Forward { actions, install } => {
                if let Some(install) = install {
                    self.install(&key, install, guard);
                }
                execute(&mut self.engine, &actions, packet, &mut metadata, context);
            }
            Verdict::Keep => self.engine.ledger.punted += 1,
            Verdict::Refuse(reason) => {
                self.stats.lost += 1;
                self.engine.discard(packet, reason);
            }
        }
        Ok(true)
    }

    /// Installs a megaflow and tells the handler what became of it.
    fn install(&mut self, key: &FlowKey, install: Install, guard: &Guard<'_>) {
        let Install { ufid, mask, actions } = install;
        let limit = self.ends.shared.flow_limit.load(Ordering::Relaxed);
        let result = if self.tables.flows() >= limit as usize {
            Err(DpifError::FlowLimit)
        } else {
            self.tables.install(ufid, key, &mask, actions, guard)
        };
        if result.is_ok() {
            self.is_fresh(DpPort(key.in_port));
        }
        let refused = result.err().map(|error| match error {
            DpifError::FlowExists => DropReason::AlreadyInstalled,
            _ => DropReason::FlowLimit,
        });
        if let Some(reason) = refused {
            self.engine.ledger.drop_one(reason);
        }
        if let Some(handler) = &mut self.engine.handler {
            handler.installed(ufid, refused);
        }
    }

    /// Notes that packets of this port may match a megaflow that was not there before.
    pub(super) fn is_fresh(&mut self, port: DpPort) {
        if self.engine.upcalls.has(port) && !self.fresh.contains(&port) {
            self.fresh.push(port);
        }
    }
}
