//! A worker: receives, looks up, executes, sends.
//!
//! ```text
//!  poll ─▶ take commands ─▶ handler.begin ─▶ run commands ─▶ receive ─▶ upcalls ─▶ flush ─▶ publish
//!                                                              │           │
//!                                     per batch of 32: extract, look up    │ look up again, ask, install
//!                                     ├ hit:  execute ◀────────────────────┘
//!                                     └ miss: queue of its port
//! ```

mod ahead;
mod commands;
mod engine;
mod glance;
mod groups;
mod outputs;
mod pipeline;
mod receive;
mod run;
mod scratch;
mod upcalls;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use ovs_classifier::rcu::{Guard, Reader};
use ovs_flow::DpPort;
use ovs_netdev::Wait;
use ovs_packet::Pool;

use self::engine::Engine;
use self::outputs::Outputs;
pub(crate) use self::outputs::PORT_NUMBERS;
use self::receive::Receivers;
use self::scratch::Scratch;
use self::upcalls::Upcalls;
use super::message::{Command, Reply};
use super::published::Published;
use super::tables::Tables;
use super::{Budget, Next, Progress, UserspaceConfig, Waker};
use crate::conntrack::Conntrack;
use crate::execute::Tracking;
use crate::fragments::Fragments;
use crate::meter::Meters;
use crate::random::Random;
use crate::{DpifStats, Ledger, Ticket, WorkerId};

/// What a worker and its control side share beside the queues.
pub(super) struct Shared {
    /// The worker's counters, once a turn.
    pub published: Published,
    /// Commands in the queue.
    pub commands: AtomicUsize,
    /// The worker has answers that found no room.
    pub parked: AtomicBool,
    /// Megaflows that a worker may hold.
    pub flow_limit: Arc<AtomicU32>,
}

/// The ends of the queues that belong to a worker.
pub(super) struct Ends {
    pub commands: Receiver<Command>,
    pub replies: SyncSender<Reply>,
    pub control: Option<Arc<dyn Waker>>,
    pub shared: Arc<Shared>,
}

/// The packet side of a [`UserspaceDatapath`](crate::UserspaceDatapath).
///
/// It is polled by whoever owns it, on any thread. Polling never waits; what to sleep on in between
/// is told by [`Worker::waits`]. When it is dropped its queues are closed, and the control side
/// finds out at its next turn.
pub struct Worker {
    id: WorkerId,
    ends: Ends,
    tables: Tables,
    /// Taken out while a turn lasts.
    reader: Option<Reader>,
    engine: Engine,
    receivers: Receivers,
    scratch: Scratch,
    /// Commands taken from the queue and not run yet.
    taken: VecDeque<Command>,
    /// Answers that found the queue full.
    parked: VecDeque<Reply>,
    /// Ports whose waiting packets may match a megaflow by now.
    fresh: Vec<DpPort>,
    /// A flush under way, who asked for it, and where in the table it stands.
    flushing: Option<(Option<Ticket>, Option<u32>)>,
    stats: DpifStats,
    /// What counts the cost of receive queues.
    cycles: Option<fn() -> u64>,
    /// Asked to come to an end.
    retiring: bool,
    closed: bool,
    /// Whether counters may have changed since they were published.
    changed: bool,
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Worker>();
};

impl Worker {
    pub(super) fn new(
        id: WorkerId,
        config: &UserspaceConfig,
        ends: Ends,
        tables: Tables,
        reader: Reader,
        conntrack: Conntrack,
        fragments: &Fragments,
    ) -> Self {
        let ledger = Ledger { dropped: vec![0; crate::DropReason::COUNT], ..Ledger::default() };
        Self {
            id,
            ends,
            tables,
            reader: Some(reader),
            engine: Engine {
                pool: Pool::new(config.pool),
                ledger,
                outputs: Outputs::new(),
                handler: None,
                upcalls: Upcalls::new(config.upcall_queue),
                recirculated: Vec::with_capacity(64),
                random: Random::new(config.seed, u64::from(id.0) + 1),
                meters: Meters::default(),
                tracking: Tracking::new(conntrack, fragments),
                outer: Vec::new(),
                max_vlans: config.vlan_limit,
                now: Duration::ZERO,
            },
            receivers: Receivers::default(),
            scratch: Scratch::new(config.vlan_limit),
            taken: VecDeque::with_capacity(64),
            parked: VecDeque::new(),
            fresh: Vec::new(),
            flushing: None,
            stats: DpifStats::default(),
            cycles: config.cycles,
            retiring: false,
            closed: false,
            changed: false,
        }
    }

    /// Which worker it is.
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Takes a turn, in which it does no more than `budget` allows. `now` does not go back.
    pub fn poll(&mut self, now: Duration, budget: Budget) -> Progress {
        let Some(mut reader) = self.reader.take() else { return Progress::closed() };
        let (packets, upcalls, commands, more) = self.turn(now, budget, &reader.enter());
        self.reader = Some(reader);
        let next = match (self.closed && self.parked.is_empty(), more || self.is_busy()) {
            (true, _) => Next::Closed,
            (_, true) => Next::Now,
            (_, false) => self.engine.tracking.fragments.next().map_or(Next::Wait, Next::At),
        };
        Progress { packets, upcalls, commands, next }
    }

    fn turn(&mut self, now: Duration, budget: Budget, guard: &Guard<'_>) -> (usize, usize, usize, bool) {
        self.engine.now = now;
        self.engine.outputs.now = now;
        let commands = self.take_commands(budget.commands);
        if let Some(handler) = &mut self.engine.handler {
            handler.begin(now);
        }
        self.run_commands(guard);
        self.forward_known(guard);
        let (packets, more) = self.receive(budget.packets, guard);
        let upcalls = self.answer_upcalls(budget.upcalls, guard);
        self.engine.outputs.flush(&mut self.engine.ledger);
        let Engine { tracking, pool, ledger, .. } = &mut self.engine;
        self.changed |= tracking.fragments.turn(now, packets + upcalls == 0, pool, ledger);
        self.tables.tidy();
        self.changed |= packets + upcalls + commands > 0;
        self.publish();
        if self.receivers.any_leaving() {
            self.hand_back();
        }
        if self.retiring {
            self.retire(guard);
        }
        (packets, upcalls, commands, more)
    }

    /// What to sleep on until [`Worker::poll`] has something to do: one item for each receive queue. The queue of
    /// commands is not among them; the control side calls the worker's waker.
    pub fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        if self.is_busy() {
            wait(Wait::Ready);
        }
        self.receivers.waits(wait);
    }

    /// Whether there is work that needs no outside event. With answers parked there is none: no command is
    /// taken until the control side has made room, and it wakes the worker when it has.
    fn is_busy(&self) -> bool {
        let commands = self.flushing.is_some() || self.ends.shared.commands.load(Ordering::Acquire) > 0;
        let parting = self.retiring && !self.closed || self.receivers.any_leaving();
        let unlisted = self.engine.tracking.fragments.is_behind();
        unlisted || self.engine.upcalls.len() > 0 || (commands || parting) && self.parked.is_empty()
    }

    /// Whether it has a queue that cannot be slept on: then its thread should not sleep at all.
    pub fn is_polling(&self) -> bool {
        self.receivers.is_polling()
    }

    /// Where this worker's packets went.
    pub fn ledger(&self) -> &Ledger {
        &self.engine.ledger
    }

    /// Publishes counters if they may have changed.
    fn publish(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        self.stats.cache_hit = self.tables.cache_hits;
        self.stats.alike_hit = self.tables.alike_hits;
        self.stats.mask_hit = self.tables.probes();
        self.stats.flows = self.tables.flows() as u64;
        self.stats.masks = self.tables.masks() as u64;
        self.stats.sent_batches = self.engine.outputs.batches;
        self.ends.shared.published.write(&self.engine.ledger, &self.stats);
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("id", &self.id).finish_non_exhaustive()
    }
}
