//! From a batch of packets to executed actions.

use std::sync::atomic::Ordering;

use ovs_classifier::FlowId;
use ovs_classifier::rcu::Guard;
use ovs_flow::{DpPort, FlowKey, Metadata, SparseKey, extract_limited};
use ovs_packet::{BATCH_MAX, Batch, Packet};

use super::Worker;
use super::run::Run;
use super::upcalls::Waiting;
use crate::execute::{Context, Env, copy_to, execute};
use crate::userspace::fate::Fate;
use crate::userspace::tables::{Megaflow, Tables};
use crate::{Action, Actions, DpifError, DropReason, Install, Upcall, Verdict};

/// A batch on its way, as parallel arrays that are used again and again.
pub(super) struct Scratch {
    /// Packets as they come from a queue are received right into here.
    pub packets: Batch,
    /// Where they all came in, if they come from a queue: nothing else is known of them then.
    port: Option<Metadata>,
    /// Otherwise, what is known of each, and how often it has recirculated.
    metadata: Vec<Metadata>,
    depths: Vec<u8>,
    keys: Vec<SparseKey>,
    found: [Option<FlowId>; BATCH_MAX],
    /// The megaflow that they hit, if they are like the batch that came before by the same way.
    hint: Option<FlowId>,
    /// Packets that recirculated, being processed.
    recirculated: Vec<Waiting>,
}

impl Scratch {
    pub fn new() -> Self {
        Self {
            packets: Batch::new(),
            port: None,
            metadata: Vec::with_capacity(BATCH_MAX),
            depths: Vec::with_capacity(BATCH_MAX),
            keys: vec![SparseKey::new(); BATCH_MAX],
            found: [None; BATCH_MAX],
            hint: None,
            recirculated: Vec::with_capacity(64),
        }
    }

    /// The packets have all come in by this port, behind others that have all hit `hint`.
    pub fn came_by(&mut self, port: DpPort, hint: Option<FlowId>) {
        self.port = Some(Metadata::of_port(port));
        self.hint = hint;
    }

    /// Adds a packet that recirculates; there is room for [`BATCH_MAX`].
    fn push(&mut self, packet: Packet, metadata: Metadata, depth: u8) {
        if self.packets.push(packet).is_ok() {
            self.metadata.push(metadata);
            self.depths.push(depth);
        }
    }

    /// Parses all packets and looks them up. Gives the one megaflow that all of them have hit, if there is one.
    #[inline]
    fn look_up(&mut self, tables: &mut Tables, max_vlans: usize, guard: &Guard<'_>) -> Option<FlowId> {
        let count = self.packets.len();
        let keys = &mut self.keys[..count];
        if let Some(metadata) = &mut self.port {
            for (packet, key) in self.packets.iter_mut().zip(keys) {
                metadata.mark = packet.facts().mark;
                extract_limited(packet, metadata, max_vlans, key);
            }
        } else {
            for ((packet, metadata), key) in self.packets.iter_mut().zip(&self.metadata).zip(keys) {
                extract_limited(packet, metadata, max_vlans, key);
            }
        }
        let keys = &self.keys[..count];
        if let Some(hint) = self.hint.take()
            && tables.all_match(keys, hint, guard)
        {
            return Some(hint);
        }
        tables.lookup(keys, &mut self.found[..count], guard);
        self.common()
    }

    /// The one megaflow that all packets have hit, if there is one.
    fn common(&self) -> Option<FlowId> {
        let found = &self.found[..self.packets.len()];
        found.first().copied().flatten().filter(|first| found.iter().all(|id| *id == Some(*first)))
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

/// The last of a list that is nothing but outputs, and those before it.
fn all_outputs(actions: &Actions) -> Option<(DpPort, &[Action])> {
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
            Some(flow) => self.process_alike(flow, guard),
            None => self.process_each(guard),
        }
        self.scratch.port = None;
        self.scratch.metadata.drain(..).for_each(|mut metadata| self.engine.done(&mut metadata));
        self.scratch.depths.clear();
        common
    }

    /// A batch whose packets all hit one megaflow: if that just sends them, the batch goes to its port as it is, after
    /// copies of it to others.
    fn process_alike(&mut self, flow: FlowId, guard: &Guard<'_>) {
        let Self { scratch, tables, engine, stats, .. } = self;
        let output =
            tables.get(flow, guard).and_then(|flow| Some((flow, all_outputs(flow.value().actions(guard))?)));
        let Some((flow, (port, others))) = output else {
            let count = scratch.packets.len();
            scratch.found[..count].fill(Some(flow));
            return self.process_each(guard);
        };
        let mut run = Run::default();
        for (packet, key) in scratch.packets.iter().zip(&scratch.keys) {
            run.add(packet.len(), key);
        }
        run.finish(flow, engine.now);
        stats.hit += scratch.packets.len() as u64;
        for action in others {
            let Action::Output(port) = action else { continue };
            scratch.packets.iter().for_each(|packet| copy_to(engine, packet, *port, None));
        }
        engine.outputs.push_all(&mut scratch.packets, port, &mut engine.pool, &mut engine.ledger);
    }

    fn process_each(&mut self, guard: &Guard<'_>) {
        let Self { scratch, tables, engine, stats, .. } = self;
        let Scratch { packets, port, metadata, depths, keys, found, .. } = scratch;
        let mut run = Run::default();
        let mut last: Option<(FlowId, &Megaflow, Fate)> = None;
        for (index, packet) in packets.drain().enumerate() {
            if last.is_none_or(|(id, ..)| found[index] != Some(id)) {
                if let Some((_, flow, _)) = last.take() {
                    run.finish(flow, engine.now);
                }
                let flow = found[index].and_then(|id| Some((id, tables.get(id, guard)?)));
                last = flow.map(|(id, flow)| (id, flow, Fate::from_mark(flow.mark())));
            }
            let Some((_, flow, fate)) = last else {
                // Whether it is a miss after all is known when its turn comes.
                let (metadata, depth) = known(port.as_ref(), metadata, depths, index, &packet);
                let lost = !engine.miss(Waiting { packet, metadata, depth, added: tables.added() });
                stats.missed += u64::from(lost);
                stats.lost += u64::from(lost);
                continue;
            };
            stats.hit += 1;
            run.add(packet.len(), &keys[index]);
            match fate {
                Fate::Output(port) => {
                    engine.output(packet, port);
                    continue;
                }
                Fate::Drop => {
                    engine.discard(packet, DropReason::FlowWithoutActions);
                    continue;
                }
                Fate::List => {}
            }
            let (mut metadata, depth) = known(port.as_ref(), metadata, depths, index, &packet);
            let actions = flow.value().actions(guard);
            execute(engine, actions, packet, &mut metadata, Context::recirculated(depth));
            engine.done(&mut metadata);
        }
        if let Some((_, flow, _)) = last {
            run.finish(flow, engine.now);
        }
    }

    /// Processes what has recirculated until nothing is left.
    pub(super) fn settle(&mut self, guard: &Guard<'_>) {
        while !self.engine.recirculated.is_empty() {
            let mut waiting = std::mem::take(&mut self.scratch.recirculated);
            std::mem::swap(&mut waiting, &mut self.engine.recirculated);
            let mut packets = waiting.drain(..).peekable();
            while packets.peek().is_some() {
                for Waiting { packet, metadata, depth, .. } in packets.by_ref().take(BATCH_MAX) {
                    self.scratch.push(packet, metadata, depth);
                }
                self.process_batch(guard);
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
