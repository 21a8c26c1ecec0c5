//! From a batch of packets to executed actions.

use std::sync::atomic::Ordering;

use ovs_classifier::FlowId;
use ovs_classifier::rcu::Guard;
use ovs_flow::{FlowKey, Metadata, SparseKey, extract_limited};
use ovs_packet::{BATCH_MAX, Batch, Packet};

use super::Worker;
use super::run::Run;
use super::upcalls::Waiting;
use crate::execute::{Context, Env, execute};
use crate::userspace::tables::{Megaflow, Tables};
use crate::{DpifError, DropReason, Install, Upcall, Verdict};

/// A batch on its way, as parallel arrays that are used again and again.
pub(super) struct Scratch {
    packets: Batch,
    metadata: Vec<Metadata>,
    depths: Vec<u8>,
    keys: Vec<SparseKey>,
    found: [Option<FlowId>; BATCH_MAX],
    /// Packets that recirculated, being processed.
    recirculated: Vec<Waiting>,
}

impl Scratch {
    pub fn new() -> Self {
        Self {
            packets: Batch::new(),
            metadata: Vec::with_capacity(BATCH_MAX),
            depths: Vec::with_capacity(BATCH_MAX),
            keys: vec![SparseKey::new(); BATCH_MAX],
            found: [None; BATCH_MAX],
            recirculated: Vec::with_capacity(64),
        }
    }

    /// Adds a packet; there is room for [`BATCH_MAX`].
    pub fn push(&mut self, packet: Packet, metadata: Metadata, depth: u8) {
        if self.packets.push(packet).is_ok() {
            self.metadata.push(metadata);
            self.depths.push(depth);
        }
    }

    /// Parses all packets and looks them up.
    fn look_up(&mut self, tables: &mut Tables, max_vlans: usize, guard: &Guard<'_>) {
        let count = self.packets.len();
        let keys = &mut self.keys[..count];
        for ((packet, metadata), key) in self.packets.iter_mut().zip(&self.metadata).zip(keys) {
            extract_limited(packet, metadata, max_vlans, key);
        }
        tables.lookup(&self.keys[..count], &mut self.found[..count], guard);
    }
}

impl Worker {
    /// Processes the packets in the scratch batch, and whatever of them recirculates, to the end; sends
    /// what came of it.
    pub(super) fn process(&mut self, guard: &Guard<'_>) {
        self.process_batch(guard);
        self.settle(guard);
        self.engine.outputs.send(&mut self.engine.ledger);
    }

    fn process_batch(&mut self, guard: &Guard<'_>) {
        let Self { scratch, tables, engine, stats, .. } = self;
        scratch.look_up(tables, engine.max_vlans, guard);
        let mut run = Run::default();
        let mut last: Option<&Megaflow> = None;
        for (index, packet) in scratch.packets.drain().enumerate() {
            let metadata = &mut scratch.metadata[index];
            let depth = scratch.depths[index];
            let Some(flow) = scratch.found[index].and_then(|id| tables.get(id, guard)) else {
                // Whether it is a miss after all is known when its turn comes.
                let lost = !engine.miss(packet, std::mem::take(metadata), depth);
                stats.missed += u64::from(lost);
                stats.lost += u64::from(lost);
                continue;
            };
            if let Some(last) = last.filter(|last| last.id() != flow.id()) {
                run.finish(last, engine.now);
            }
            last = Some(flow);
            stats.hit += 1;
            run.add(packet.len(), &scratch.keys[index]);
            let actions = flow.value().actions(guard);
            execute(engine, actions, packet, metadata, Context::recirculated(depth));
        }
        if let Some(last) = last {
            run.finish(last, engine.now);
        }
        scratch.metadata.clear();
        scratch.depths.clear();
    }

    /// Processes what has recirculated until nothing is left.
    pub(super) fn settle(&mut self, guard: &Guard<'_>) {
        while !self.engine.recirculated.is_empty() {
            let mut waiting = std::mem::take(&mut self.scratch.recirculated);
            std::mem::swap(&mut waiting, &mut self.engine.recirculated);
            let mut packets = waiting.drain(..).peekable();
            while packets.peek().is_some() {
                for Waiting { packet, metadata, depth } in packets.by_ref().take(BATCH_MAX) {
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
        answered
    }

    /// Answers one upcall. A packet whose megaflow has been installed meanwhile is just forwarded and gives
    /// `false`; otherwise the logic is asked, if `may_ask`.
    fn answer(&mut self, waiting: Waiting, may_ask: bool, guard: &Guard<'_>) -> Result<bool, Waiting> {
        let Waiting { mut packet, mut metadata, depth } = waiting;
        let key = &mut self.scratch.keys[0];
        extract_limited(&mut packet, &metadata, self.engine.max_vlans, key);
        let mut found = [None];
        self.tables.lookup(std::slice::from_ref(key), &mut found, guard);
        let context = Context::recirculated(depth);
        if let Some(flow) = found[0].and_then(|id| self.tables.get(id, guard)) {
            self.engine.ledger.queued -= 1;
            self.stats.hit += 1;
            let mut run = Run::default();
            run.add(packet.len(), key);
            run.finish(flow, self.engine.now);
            execute(&mut self.engine, flow.value().actions(guard), packet, &mut metadata, context);
            return Ok(false);
        }
        if !may_ask {
            return Err(Waiting { packet, metadata, depth });
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
}
