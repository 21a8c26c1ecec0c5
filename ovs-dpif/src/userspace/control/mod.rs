//! The control side.

mod assign;
mod flows;
mod link;
mod ports;
mod queues;

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use ovs_classifier::rcu::{Domain, Reader};
use ovs_flow::{DpPort, Match, Ufid};
use ovs_netdev::{DeviceConfig, Qos, QosView, Statistics, Status, Wait};

use self::assign::Seat;
use self::flows::Pending;
use self::link::Link;
use self::ports::Ports;
use super::message::Command;
use super::published::Published;
use super::tables::Tables;
use super::worker::{Ends, Shared};
use super::{UserspaceConfig, Waker, Worker};
use crate::conntrack::Conntrack;
use crate::fragments::Fragments;
use crate::meter::Meters;
use crate::{
    Busy, Core, Dpif, DpifError, DpifStats, Event, Execute, Features, FlowCursor, FlowView, HandlerFactory,
    Ledger, MeterCounters, MeterError, MeterId, MeterLimits, MeterSpec, Op, Policing, PortConfigError,
    PortInfo, PortRequest, Rebalance, RxAssignment, RxConfig, Ticket, WorkerId,
};

/// Retired values that one poll drops.
const RECLAIMED_PER_POLL: usize = 4096;

/// A datapath in user space. See [`Worker`] for its other half.
///
/// ```
/// use ovs_dpif::{Budget, Dpif, PortRequest, UserspaceConfig, UserspaceDatapath};
/// use ovs_dpif::ovs_netdev::dummy::Dummies;
/// use std::time::Duration;
///
/// let dummies = Dummies::new();
/// let mut datapath = UserspaceDatapath::new(UserspaceConfig::default());
/// let mut worker = datapath.add_worker(None);
/// let device = Box::new(dummies.open("p1", "dummy")?);
/// let port = datapath.add_port(PortRequest { device, number: None })?;
///
/// let now = Duration::ZERO;
/// worker.poll(now, Budget::default());
/// datapath.poll(now, &mut |event| println!("{event:?}"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UserspaceDatapath {
    config: UserspaceConfig,
    control: Option<Arc<dyn Waker>>,
    handlers: Option<Arc<dyn HandlerFactory>>,
    links: Vec<Link>,
    ports: Ports,
    pending: BTreeMap<Ticket, Pending>,
    tickets: u64,
    /// Events for the next poll.
    events: VecDeque<Event>,
    flow_limit: Arc<AtomicU32>,
    meters: Meters,
    /// What workers' tables retire and this side reclaims.
    domain: Domain,
    reader: Reader,
    conntrack: Conntrack,
    fragments: Fragments,
    /// When connections are swept next.
    sweep: Duration,
}

impl UserspaceDatapath {
    /// A datapath without ports and workers.
    pub fn new(config: UserspaceConfig) -> Self {
        let flow_limit = Arc::new(AtomicU32::new(config.flow_limit));
        let domain = Domain::new();
        let ports = Ports::new(config.cycles);
        Self {
            control: None,
            handlers: None,
            links: Vec::new(),
            ports,
            meters: Meters::default(),
            pending: BTreeMap::new(),
            tickets: 0,
            events: VecDeque::new(),
            flow_limit,
            conntrack: Conntrack::new(&config.conntrack.clone().seed(config.seed)),
            fragments: Fragments::default(),
            sweep: Duration::ZERO,
            reader: domain.reader(),
            domain,
            config,
        }
    }

    /// Sets who is woken when workers have answered; concerns workers that are added later.
    pub fn set_control_waker(&mut self, waker: Arc<dyn Waker>) {
        self.control = Some(waker);
    }

    /// Adds a worker; `waker` wakes the thread that polls it, if that thread ever sleeps. It gets its share of the
    /// receive queues that can be slept on, and of the others too while no worker is there for them.
    pub fn add_worker(&mut self, waker: Option<Arc<dyn Waker>>) -> Worker {
        self.add_worker_that(None, waker)
    }

    fn add_worker_that(&mut self, on: Option<Core>, waker: Option<Arc<dyn Waker>>) -> Worker {
        let id = WorkerId(self.links.len() as u32);
        let (command_tx, command_rx) = sync_channel(self.config.command_queue.max(1));
        let (reply_tx, reply_rx) = sync_channel(self.config.reply_queue.max(1));
        let shared = Arc::new(Shared {
            published: Published::new(),
            commands: AtomicUsize::new(0),
            parked: AtomicBool::new(false),
            flow_limit: self.flow_limit.clone(),
        });
        let (tables, view) = Tables::new(&self.config, id, &self.domain);
        let ends = Ends {
            commands: command_rx,
            replies: reply_tx,
            control: self.control.clone(),
            shared: shared.clone(),
        };
        let (reader, conntrack) = (self.domain.reader(), self.conntrack.clone());
        let worker = Worker::new(id, &self.config, ends, tables, reader, conntrack, &self.fragments);
        let (core, numa) = (on.map(|core| core.number), on.map_or(0, |core| core.numa));
        let seat = Seat { worker: id, polls: on.is_some(), core, numa };
        let mut link = Link::new(seat, command_tx, reply_rx, shared, view, waker);
        if let Some(handlers) = &self.handlers {
            link.push(Command::Handler(handlers.handler(id)));
        }
        for (id, meter) in self.meters.iter() {
            link.push(Command::Meter(id, Some(Arc::clone(meter))));
        }
        self.ports.join(&mut link);
        self.links.push(link);
        self.ports.queues.give_anew(&mut self.links);
        worker
    }

    /// Sets how many megaflows each worker may hold; those above stay.
    pub fn set_flow_limit(&mut self, flows: u32) {
        self.flow_limit.store(flows, Ordering::Relaxed);
    }

    /// Workers that were added, those that are gone included.
    pub fn workers(&self) -> usize {
        self.links.len()
    }

    /// The ledger of one worker.
    pub fn worker_ledger(&self, worker: WorkerId) -> Option<Ledger> {
        self.links.get(worker.0 as usize).map(|link| link.shared.published.read().0)
    }

    /// Operations that have not completed.
    pub fn outstanding(&self) -> usize {
        self.pending.len()
    }
}

impl Dpif for UserspaceDatapath {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn kind(&self) -> &'static str {
        self.config.kind
    }

    fn features(&self) -> Features {
        Features { max_vlan_headers: self.config.vlan_limit, ..Features::default() }
    }

    fn set_handler(&mut self, handlers: Arc<dyn HandlerFactory>) {
        for link in &mut self.links {
            link.push(Command::Handler(handlers.handler(link.id)));
        }
        self.handlers = Some(handlers);
    }

    fn add_port(&mut self, request: PortRequest) -> Result<DpPort, DpifError> {
        self.ports.add(request, &mut self.links)
    }

    fn remove_port(&mut self, port: DpPort) -> Result<(), DpifError> {
        self.ports.remove(port, &mut self.links)
    }

    fn ports(&self) -> Vec<PortInfo> {
        self.ports.list()
    }

    fn port_status(&mut self, port: DpPort) -> Option<Status> {
        Some(self.ports.device(port)?.status())
    }

    fn port_statistics(&mut self, port: DpPort) -> Option<Statistics> {
        self.ports.statistics(port)
    }

    fn configure_port(&mut self, port: DpPort, config: &DeviceConfig) -> Result<(), PortConfigError> {
        let device = self.ports.device(port).ok_or(PortConfigError::NoPort)?;
        Ok(device.configure(config)?)
    }

    fn set_policing(&mut self, port: DpPort, policing: Policing) -> Result<(), PortConfigError> {
        self.ports.set_policing(port, policing, &mut self.links)
    }

    fn qos_kinds(&self, port: DpPort) -> &'static [&'static str] {
        self.ports.qos_kinds(port)
    }

    fn set_qos(&mut self, port: DpPort, qos: Option<&Qos>) -> Result<(), PortConfigError> {
        self.ports.set_qos(port, qos, &mut self.links)
    }

    fn qos(&mut self, port: DpPort) -> Option<QosView> {
        self.ports.qos(port)
    }

    fn meter_limits(&self) -> MeterLimits {
        MeterLimits::OWN
    }

    fn set_meter(&mut self, meter: MeterId, spec: &MeterSpec) -> Result<(), MeterError> {
        let made = Meters::make(meter, spec)?;
        for link in &mut self.links {
            link.push(Command::Meter(meter, Some(Arc::clone(&made))));
        }
        self.meters.set(meter, Some(made));
        Ok(())
    }

    fn meter_counters(&self, meter: MeterId) -> Option<MeterCounters> {
        self.meters.counters(meter)
    }

    fn remove_meter(&mut self, meter: MeterId) -> Option<MeterCounters> {
        let gone = self.meters.set(meter, None)?;
        for link in &mut self.links {
            link.push(Command::Meter(meter, None));
        }
        Some(gone.counters())
    }

    fn submit(&mut self, op: Op) -> Result<Ticket, Busy> {
        self.submit_op(op)
    }

    fn poll_ready(
        &mut self,
        now: Duration,
        ready: &mut dyn FnMut(BorrowedFd<'_>) -> bool,
        events: &mut dyn FnMut(Event),
    ) {
        for index in 0..self.links.len() {
            self.exchange(index);
        }
        self.ports.poll(now, ready, &mut self.events);
        self.ports.queues.sample(now);
        self.domain.reclaim(RECLAIMED_PER_POLL);
        self.conntrack.sweep_at(now, &mut self.sweep);
        for event in self.events.drain(..) {
            events(event);
        }
    }

    fn dump_flows(
        &mut self,
        cursor: &mut FlowCursor,
        max: usize,
        show: &mut dyn FnMut(FlowView<'_>),
    ) -> bool {
        self.dump(cursor, max, show)
    }

    fn get_flow(&mut self, ufid: Ufid, matching: Option<&Match>, show: &mut dyn FnMut(FlowView<'_>)) {
        let guard = self.reader.enter();
        for link in &self.links {
            if let Some(flows) = &link.flows {
                flows.get(ufid, matching, link.id, &guard, show);
            }
        }
    }

    fn execute(&mut self, execute: Execute) -> Result<Ticket, Busy> {
        self.submit_execute(execute)
    }

    fn stats(&self) -> DpifStats {
        let mut sum = DpifStats::default();
        for link in &self.links {
            let (_, stats) = link.shared.published.read();
            sum.hit += stats.hit;
            sum.missed += stats.missed;
            sum.lost += stats.lost;
            sum.flows += stats.flows;
            sum.masks += stats.masks;
            sum.mask_hit += stats.mask_hit;
            sum.cache_hit += stats.cache_hit;
            sum.alike_hit += stats.alike_hit;
            sum.sent_batches += stats.sent_batches;
        }
        sum
    }

    fn ledger(&self) -> Ledger {
        let mut sum = Ledger::default();
        for link in &self.links {
            sum.add(&link.shared.published.read().0);
        }
        sum
    }

    fn add_polling_worker(&mut self, core: Core, waker: Option<Arc<dyn Waker>>) -> Option<Worker> {
        Some(self.add_worker_that(Some(core), waker))
    }

    fn retire_worker(&mut self, worker: WorkerId) -> bool {
        let Some(link) = self.links.iter_mut().find(|link| link.id == worker && link.takes_queues()) else {
            return false;
        };
        link.retiring = true;
        self.ports.queues.give_anew(&mut self.links);
        if let Some(link) = self.links.get_mut(worker.0 as usize) {
            link.push(Command::Retire);
        }
        true
    }

    fn configure_rx(&mut self, config: RxConfig) {
        if std::mem::replace(&mut self.ports.queues.config, config) != config {
            self.rebalance();
        }
    }

    fn pin_rx(&mut self, port: DpPort, cores: &BTreeMap<u32, usize>) {
        if self.ports.queues.pin(port, cores) {
            self.rebalance();
        }
    }

    fn rebalance(&mut self) {
        self.ports.queues.give_anew(&mut self.links);
    }

    fn rebalance_gain(&self) -> Option<Rebalance> {
        self.ports.queues.rebalance(&self.links)
    }

    fn conntrack(&self) -> Option<&Conntrack> {
        Some(&self.conntrack)
    }

    fn fragments(&self) -> Option<&Fragments> {
        Some(&self.fragments)
    }

    fn worker_stats(&self, worker: WorkerId) -> Option<(Ledger, DpifStats)> {
        self.links.get(worker.0 as usize).map(|link| link.shared.published.read())
    }

    fn rx_queues(&self, window: Duration) -> Vec<RxAssignment> {
        self.ports.queues.list(window)
    }

    fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        if !self.events.is_empty() || self.ports.any_released() {
            wait(Wait::Ready);
        }
        self.ports.waits(wait);
    }
}

impl std::fmt::Debug for UserspaceDatapath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserspaceDatapath").field("config", &self.config).finish_non_exhaustive()
    }
}
