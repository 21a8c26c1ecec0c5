//! Receive queues: which there are, who has them, and how they go from one worker to another.
//!
//! ```text
//!           AddRx ──────────▶
//!   idle ◀─┬─────── worker A ──── GiveRx ──▶ A answers what still waits of the port,
//!          │                                 sends all it has, and hands the queue back
//!          └────────────────◀─ Reply::Rx ─── and only then has the next worker it
//! ```
//!
//! A queue is with one worker at a time, and leaves it when nothing of it is under way there: no packet is lost on a
//! move and none overtakes another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::DpPort;
use ovs_netdev::RxQueue;

use super::super::message::{Command, RxHandle, RxMeter};
use super::assign::{Seat, Wish, assign, variance};
use super::link::Link;
use crate::{Rebalance, RxAssignment, RxConfig, RxLoad, RxPolicy, WorkerId};

/// What decisions look back on.
const MINUTE: Duration = Duration::from_mins(1);

/// Where a queue is.
enum Place {
    /// Here: there is no worker.
    Idle(RxHandle),
    At(WorkerId),
    /// A worker was asked to give it back.
    Leaving(WorkerId),
}

/// What a queue and its worker's clock had counted at the end of an interval.
#[derive(Clone, Copy, Default)]
struct Sample {
    busy: u64,
    packets: u64,
    clock: u64,
}

struct Queue {
    place: Place,
    polled: bool,
    /// The NUMA node of its device.
    numa: u32,
    pinned: Option<usize>,
    wanted: Option<WorkerId>,
    meter: Arc<RxMeter>,
    /// The ends of the last intervals, the oldest first.
    samples: VecDeque<Sample>,
}

impl Queue {
    fn worker(&self) -> Option<WorkerId> {
        match self.place {
            Place::At(worker) => Some(worker),
            Place::Idle(_) | Place::Leaving(_) => None,
        }
    }

    /// In the last whole intervals of a window, as far as they are known.
    fn load(&self, window: Duration) -> Option<RxLoad> {
        let count = window.as_nanos().div_ceil(RxLoad::INTERVAL.as_nanos()) as usize;
        let first = self.samples.get(self.samples.len().saturating_sub(count + 1))?;
        let last = self.samples.back()?;
        (self.samples.len() > 1 && count > 0).then(|| RxLoad {
            busy: last.busy - first.busy,
            all: last.clock.saturating_sub(first.clock),
            packets: last.packets - first.packets,
        })
    }
}

/// All receive queues of a datapath.
pub(super) struct Queues {
    all: BTreeMap<(DpPort, u32), Queue>,
    pub config: RxConfig,
    /// What counts their cost.
    clock: Option<fn() -> u64>,
    sampled: Option<Duration>,
}

impl Queues {
    /// None yet.
    pub fn new(clock: Option<fn() -> u64>) -> Self {
        Self { all: BTreeMap::new(), config: RxConfig::default(), clock, sampled: None }
    }

    /// The queues of a new port, whose device is on this NUMA node; the others stay where they are.
    pub fn add(&mut self, port: DpPort, numa: u32, queues: Vec<Box<dyn RxQueue>>, links: &mut [Link]) {
        for (number, rx) in (0..).zip(queues) {
            let meter = Arc::new(RxMeter::default());
            let polled = rx.is_polled();
            let handle = RxHandle { port, number, rx, meter: Arc::clone(&meter) };
            let queue = Queue {
                place: Place::Idle(handle),
                polled,
                numa,
                pinned: None,
                wanted: None,
                meter,
                samples: VecDeque::new(),
            };
            self.all.insert((port, number), queue);
        }
        // Each to the worker with the fewest queues; the others stay where they are.
        let wishes = |queue: &Queue| Wish { busy: 0, keep: queue.wanted, ..queue.wish() };
        self.choose(links, wishes, self.config.policy(RxPolicy::Group));
    }

    /// Lets go of a removed port's queues; workers do so by themselves.
    pub fn remove(&mut self, port: DpPort) {
        self.all.retain(|(of, _), _| *of != port);
    }

    /// Sets the cores that queues of a port are to be on. Whether that changed anything.
    pub fn pin(&mut self, port: DpPort, cores: &BTreeMap<u32, usize>) -> bool {
        let mut changed = false;
        for ((_, number), queue) in self.all.range_mut((port, 0)..=(port, u32::MAX)) {
            let core = cores.get(number).copied();
            changed |= std::mem::replace(&mut queue.pinned, core) != core;
        }
        changed
    }

    /// Gives all queues to workers anew.
    pub fn give_anew(&mut self, links: &mut [Link]) {
        self.choose(links, Queue::wish, self.config);
    }

    fn choose(&mut self, links: &mut [Link], wish: impl Fn(&Queue) -> Wish, config: RxConfig) {
        let wishes: Vec<Wish> = self.all.values().map(wish).collect();
        let chosen = assign(&wishes, &seats(links), config);
        for (((port, number), queue), worker) in self.all.iter_mut().zip(chosen) {
            queue.wanted = worker;
            queue.step(*port, *number, links);
        }
    }

    /// A worker has handed a queue back. If its port is gone, so is the queue.
    pub fn returned(&mut self, handle: RxHandle, links: &mut [Link]) {
        let (port, number) = (handle.port, handle.number);
        let Some(queue) = self.all.get_mut(&(port, number)) else { return };
        // The port may have been added again since, with queues of its own.
        if !Arc::ptr_eq(&queue.meter, &handle.meter) {
            return;
        }
        queue.place = Place::Idle(handle);
        queue.step(port, number, links);
    }

    /// A worker was dropped with the queues that it had: nothing is received by them any more.
    pub fn worker_gone(&mut self, worker: WorkerId) {
        self.all.retain(|_, queue| match queue.place {
            Place::At(at) | Place::Leaving(at) => at != worker,
            Place::Idle(_) => true,
        });
    }

    /// Who has which queue.
    pub fn list(&self, window: Duration) -> Vec<RxAssignment> {
        let entry = |((port, number), queue): (&(DpPort, u32), &Queue)| RxAssignment {
            port: *port,
            queue: *number,
            worker: queue.worker(),
            polled: queue.polled,
            numa: queue.numa,
            pinned: queue.pinned,
            load: queue.load(window),
        };
        self.all.iter().map(entry).collect()
    }

    /// Takes the samples of an interval that has passed.
    pub fn sample(&mut self, now: Duration) {
        let Some(clock) = self.clock else { return };
        if self.sampled.is_some_and(|sampled| now < sampled + RxLoad::INTERVAL) {
            return;
        }
        self.sampled = Some(now);
        let clock = clock();
        for queue in self.all.values_mut() {
            let (busy, packets) = queue.meter.read();
            if queue.samples.len() > RxLoad::INTERVALS {
                queue.samples.pop_front();
            }
            queue.samples.push_back(Sample { busy, packets, clock });
        }
    }

    /// What giving all polled queues anew would change; `None` if there is nothing to balance.
    pub fn rebalance(&self, links: &[Link]) -> Option<Rebalance> {
        let seats: Vec<Seat> = seats(links).into_iter().filter(|seat| seat.polls).collect();
        let queues: Vec<&Queue> = self.all.values().filter(|queue| queue.polled).collect();
        if seats.len() < 2 || queues.len() < 2 || queues.iter().any(|queue| queue.load(MINUTE).is_none()) {
            return None;
        }
        let wishes: Vec<Wish> = queues.iter().map(|queue| queue.wish()).collect();
        let loads = |chosen: Vec<Option<WorkerId>>| -> Vec<u64> {
            let percent = |queue: &&Queue| queue.load(MINUTE).map_or(0, |load| load.percent());
            let of = |seat: &Seat| {
                let own = queues.iter().zip(&chosen).filter(|(_, worker)| **worker == Some(seat.worker));
                own.map(|(queue, _)| percent(queue)).sum()
            };
            seats.iter().map(of).collect()
        };
        let now = loads(queues.iter().map(|queue| queue.worker()).collect());
        let then = loads(assign(&wishes, &seats, self.config));
        let busiest = now.iter().copied().max().unwrap_or_default();
        Some(Rebalance { before: variance(&now), after: variance(&then), busiest })
    }
}

impl Queue {
    fn wish(&self) -> Wish {
        let busy = self.load(MINUTE).map_or(0, |load| load.busy);
        Wish { polled: self.polled, pinned: self.pinned, numa: self.numa, busy, keep: None }
    }

    /// Takes the next step towards the wanted worker.
    fn step(&mut self, port: DpPort, number: u32, links: &mut [Link]) {
        let link = |links: &mut [Link], worker: WorkerId| {
            links.iter().position(|link| link.id == worker && !link.gone)
        };
        match &self.place {
            Place::At(at) if Some(*at) != self.wanted => {
                let at = *at;
                if let Some(index) = link(links, at) {
                    links[index].push(Command::GiveRx(port, number));
                    self.place = Place::Leaving(at);
                }
            }
            Place::Idle(_) => {
                let Some(worker) = self.wanted else { return };
                let Some(index) = link(links, worker) else { return };
                if let Place::Idle(handle) = std::mem::replace(&mut self.place, Place::At(worker)) {
                    links[index].push(Command::AddRx(handle));
                }
            }
            Place::At(_) | Place::Leaving(_) => {}
        }
    }
}

/// The workers that take queues.
fn seats(links: &[Link]) -> Vec<Seat> {
    let taking = links.iter().filter(|link| link.takes_queues());
    taking.map(|link| Seat { worker: link.id, polls: link.polls, core: link.core, numa: link.numa }).collect()
}
