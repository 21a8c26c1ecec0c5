//! The naive datapath itself.

use std::collections::VecDeque;
use std::time::Duration;

use ovs_flow::{DpPort, Match, Metadata, SparseKey, extract_limited};
use ovs_netdev::Sent;
use ovs_packet::{Batch, Packet, Pool, PoolConfig};

use super::WORKER;
use super::flows::Flows;
use super::ports::Ports;
use crate::conntrack::Conntrack;
use crate::execute::{Context, Env, Tracking, execute};
use crate::finish::finish;
use crate::fragments::Fragments;
use crate::meter::Meters;
use crate::random::Random;
use crate::{
    Actions, Completion, DpifError, DpifStats, DropReason, Event, Execute, FlowStats, Install, Ledger,
    MeterId, Op, Punt, Ticket, Upcall, UpcallHandler, Verdict,
};

/// What waits for the worker's next turn.
pub(super) enum Request {
    Op(Ticket, Op),
    Execute(Ticket, Execute),
}

pub(super) struct State {
    pub ports: Ports,
    pub flows: Flows,
    pub handler: Option<Box<dyn UpcallHandler>>,
    pub requests: VecDeque<Request>,
    pub events: VecDeque<Event>,
    pub stats: DpifStats,
    pub ledger: Ledger,
    pub tickets: u64,
    pool: Pool,
    random: Random,
    pub meters: Meters,
    tracking: Tracking,
    pub max_vlans: usize,
    now: Duration,
    /// Packets that start over after the one at hand.
    recirculated: VecDeque<(Packet, Metadata, u8)>,
}

impl State {
    pub fn new(seed: u64, flow_limit: usize, conntrack: Conntrack, fragments: &Fragments) -> Self {
        Self {
            ports: Ports::default(),
            flows: Flows::new(flow_limit),
            handler: None,
            requests: VecDeque::new(),
            events: VecDeque::new(),
            stats: DpifStats::default(),
            ledger: Ledger::default(),
            tickets: 0,
            pool: Pool::new(PoolConfig::default()),
            random: Random::new(seed, 1),
            meters: Meters::default(),
            tracking: Tracking::new(conntrack, fragments),
            max_vlans: 1,
            now: Duration::ZERO,
            recirculated: VecDeque::new(),
        }
    }

    pub fn run(&mut self, now: Duration) -> u64 {
        self.now = now;
        if let Some(handler) = &mut self.handler {
            handler.begin(now);
        }
        let mut count = 0;
        for request in std::mem::take(&mut self.requests) {
            self.carry_out(request);
            count += 1;
        }
        for port in self.ports.numbers() {
            for packet in self.receive(port) {
                self.ledger.received += 1;
                count += 1;
                let policer = self.ports.get(port).and_then(|port| port.police.rx());
                if policer.is_some_and(|policer| !policer.admit(packet.len(), self.now)) {
                    self.discard(packet, DropReason::RxPolicer);
                    continue;
                }
                let metadata = Metadata { mark: packet.facts().mark, ..Metadata::of_port(port) };
                self.forward(packet, metadata);
            }
        }
        let Self { tracking, pool, ledger, .. } = self;
        tracking.fragments.turn(now, true, pool, ledger);
        count
    }

    /// A batch from each queue of a port.
    fn receive(&mut self, port: DpPort) -> Vec<Packet> {
        let mut packets = Vec::new();
        for queue in self.ports.get(port).map(|port| &mut port.rx).into_iter().flatten() {
            let mut batch = Batch::new();
            // A device that is gone gives no packets; its status says so.
            let _ = queue.receive(&mut self.pool, &mut batch);
            packets.extend(batch.drain());
        }
        packets
    }

    fn carry_out(&mut self, request: Request) {
        let (ticket, result) = match request {
            Request::Op(ticket, op) => (ticket, self.operate(op)),
            Request::Execute(ticket, execute) => {
                self.execute_now(execute);
                (ticket, Ok(None))
            }
        };
        let completion =
            |stats: Option<FlowStats>| Completion { stats: stats.map(|s| (WORKER, s)).into_iter().collect() };
        self.events.push_back(Event::Done { ticket, result: result.map(completion) });
    }

    fn operate(&mut self, op: Op) -> Result<Option<FlowStats>, DpifError> {
        match op {
            Op::FlowPut(put) => self.flows.put(put),
            Op::FlowDel { ufid, .. } => self.flows.remove(ufid).map(Some).ok_or(DpifError::NoFlow),
            Op::FlowFlush => {
                for (ufid, stats) in self.flows.clear() {
                    self.events.push_back(Event::FlowGone { ufid, worker: WORKER, stats });
                }
                Ok(None)
            }
            Op::Sync => Ok(None),
        }
    }

    fn execute_now(&mut self, request: Execute) {
        let Execute { mut packet, mut metadata, actions } = request;
        self.ledger.injected += 1;
        extract_limited(&mut packet, &metadata, self.max_vlans, &mut SparseKey::new());
        execute(self, &actions, packet, &mut metadata, Context::default());
        self.settle();
    }

    /// One packet, from its arrival to its end.
    fn forward(&mut self, packet: Packet, metadata: Metadata) {
        self.forward_once(packet, metadata, 0);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some((packet, metadata, depth)) = self.recirculated.pop_front() {
            self.forward_once(packet, metadata, depth);
        }
    }

    fn forward_once(&mut self, mut packet: Packet, mut metadata: Metadata, depth: u8) {
        let mut key = SparseKey::new();
        extract_limited(&mut packet, &metadata, self.max_vlans, &mut key);
        let key = key.expand();
        let actions = if let Some(actions) = self.flows.hit(&key, packet.len(), self.now) {
            self.stats.hit += 1;
            actions
        } else {
            self.stats.missed += 1;
            let upcall = Upcall { packet: &packet, metadata: &metadata, key: &key, now: self.now };
            let verdict = match &mut self.handler {
                Some(handler) => handler.miss(upcall),
                None => Verdict::Refuse(DropReason::Upcall),
            };
            match verdict {
                Verdict::Forward { actions, install } => {
                    if let Some(install) = install {
                        self.install(&key, install);
                    }
                    actions
                }
                Verdict::Keep => {
                    self.ledger.punted += 1;
                    return;
                }
                Verdict::Refuse(reason) => {
                    self.stats.lost += 1;
                    return self.discard(packet, reason);
                }
            }
        };
        execute(self, &actions, packet, &mut metadata, Context::recirculated(depth));
    }

    fn install(&mut self, key: &ovs_flow::FlowKey, install: Install) {
        let Install { ufid, mask, actions } = install;
        let refused = match self.flows.add(ufid, &Match::new(key, *mask), actions) {
            Ok(()) => None,
            Err(DpifError::FlowExists) => Some(DropReason::AlreadyInstalled),
            Err(_) => Some(DropReason::FlowLimit),
        };
        if let Some(reason) = refused {
            self.ledger.drop_one(reason);
        }
        if let Some(handler) = &mut self.handler {
            handler.installed(ufid, refused);
        }
    }

    /// Sends one packet.
    fn send(&mut self, packet: Packet, port: DpPort) {
        let mut batch = Batch::new();
        let Some(port) = self.ports.get(port) else { return self.discard(packet, DropReason::InvalidPort) };
        if port.police.tx().is_some_and(|policer| !policer.admit(&packet, self.now)) {
            return self.discard(packet, DropReason::TxPolicer);
        }
        // The batch is empty: the packet fits.
        let _ = batch.push(packet);
        let mut sent = port.tx.send(&mut batch);
        let flushed = port.tx.flush();
        sent.add(Sent { packets: 0, bytes: 0, ..flushed });
        let lost = sent.full + sent.refused + sent.down;
        self.ledger.sent += 1_u64.saturating_sub(lost);
        self.ledger.drop_many(DropReason::TxFull, sent.full);
        self.ledger.drop_many(DropReason::TxRefused, sent.refused);
        self.ledger.drop_many(DropReason::TxDown, sent.down);
    }
}

impl Env for State {
    fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    fn output(&mut self, packet: Packet, port: DpPort) {
        let Some(offloads) = self.ports.get(port).map(|port| port.tx.offloads()) else {
            return self.discard(packet, DropReason::InvalidPort);
        };
        let mut finished = Vec::new();
        finish(packet, offloads, &mut self.pool, &mut self.ledger, &mut |packet, _| finished.push(packet));
        for packet in finished {
            self.send(packet, port);
        }
    }

    fn recirculate(&mut self, packet: Packet, metadata: Metadata, depth: u8) {
        self.recirculated.push_back((packet, metadata, depth));
    }

    fn punt(&mut self, punt: Punt<'_>) -> Result<Option<Actions>, DropReason> {
        match &mut self.handler {
            Some(handler) => handler.punt(punt),
            None => Err(DropReason::Upcall),
        }
    }

    fn meter(&mut self, meter: MeterId, bytes: usize) -> bool {
        self.meters.admit(meter, bytes, self.now)
    }

    fn tracking(&mut self) -> (&mut Tracking, &mut Pool, &mut Ledger) {
        (&mut self.tracking, &mut self.pool, &mut self.ledger)
    }

    fn random(&mut self) -> u32 {
        self.random.next()
    }

    fn now(&self) -> Duration {
        self.now
    }
}
