//! The naive datapath: one packet at a time, one list of megaflows, searched from its start.
//!
//! It is meant to be obviously right, and is the oracle of the userspace datapath: same trait, same actions,
//! same accounting, none of the speed. It is one state behind a lock that its two halves, control side and
//! [`NaiveWorker`], share.

mod flows;
mod ports;
mod state;

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::{DpPort, Match, Ufid};
use ovs_netdev::{DeviceConfig, Qos, QosView, Statistics, Status, Wait};
use parking_lot::Mutex;

use self::state::{Request, State};
use crate::conntrack::{Conntrack, ConntrackConfig};
use crate::fragments::Fragments;
use crate::meter::Meters;
use crate::police::Police;
use crate::{
    Busy, Dpif, DpifError, DpifStats, Event, Execute, Features, FlowCursor, FlowView, HandlerFactory, Ledger,
    MeterCounters, MeterError, MeterId, MeterLimits, MeterSpec, Op, Policing, PortConfigError, PortInfo,
    PortRequest, Ticket, WorkerId,
};

/// The only worker's name.
const WORKER: WorkerId = WorkerId(0);
/// Requests that may wait for the worker's next turn.
const QUEUE: usize = 4096;

/// The naive datapath's control side.
pub struct NaiveDatapath {
    name: String,
    kind: &'static str,
    state: Arc<Mutex<State>>,
    conntrack: Conntrack,
    fragments: Fragments,
    /// When connections are swept next.
    sweep: Duration,
}

/// The naive datapath's packet side; there is one at a time in action, however many were made.
pub struct NaiveWorker {
    state: Arc<Mutex<State>>,
}

impl NaiveWorker {
    /// Carries out what was submitted, then takes every packet that has arrived through the datapath; says
    /// how many requests and packets that were.
    pub fn run(&mut self, now: Duration) -> u64 {
        self.state.lock().run(now)
    }
}

impl NaiveDatapath {
    /// A datapath without ports. `seed` is where its randomness comes from; `flow_limit` is how many
    /// megaflows it holds at most.
    pub fn new(name: impl Into<String>, kind: &'static str, seed: u64, flow_limit: usize) -> Self {
        let conntrack = Conntrack::new(&ConntrackConfig::default().seed(seed));
        let fragments = Fragments::default();
        let state = State::new(seed, flow_limit, conntrack.clone(), &fragments);
        let state = Arc::new(Mutex::new(state));
        Self { name: name.into(), kind, state, conntrack, fragments, sweep: Duration::ZERO }
    }

    /// Sets how many 802.1Q tags are parsed as tags; 1 at first.
    pub fn vlan_limit(self, tags: usize) -> Self {
        self.state.lock().max_vlans = tags;
        self
    }

    /// Its packet side.
    pub fn worker(&self) -> NaiveWorker {
        NaiveWorker { state: self.state.clone() }
    }

    fn request(&mut self, request: impl FnOnce(Ticket) -> Request) -> Result<Ticket, Busy> {
        let mut state = self.state.lock();
        if state.requests.len() >= QUEUE {
            return Err(Busy);
        }
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        state.requests.push_back(request(ticket));
        Ok(ticket)
    }
}

impl Dpif for NaiveDatapath {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn features(&self) -> Features {
        Features { max_vlan_headers: self.state.lock().max_vlans, ..Features::default() }
    }

    fn set_handler(&mut self, handlers: Arc<dyn HandlerFactory>) {
        self.state.lock().handler = Some(handlers.handler(WORKER));
    }

    fn add_port(&mut self, request: PortRequest) -> Result<DpPort, DpifError> {
        self.state.lock().ports.add(request)
    }

    fn remove_port(&mut self, port: DpPort) -> Result<(), DpifError> {
        let mut state = self.state.lock();
        state.ports.remove(port)?;
        state.events.push_back(Event::PortGone(port));
        Ok(())
    }

    fn ports(&self) -> Vec<PortInfo> {
        self.state.lock().ports.list()
    }

    fn port_status(&mut self, port: DpPort) -> Option<Status> {
        Some(self.state.lock().ports.get(port)?.device.status())
    }

    fn port_statistics(&mut self, port: DpPort) -> Option<Statistics> {
        let mut state = self.state.lock();
        let port = state.ports.get(port)?;
        let mut statistics = port.device.statistics();
        port.police.count_into(&mut statistics);
        Some(statistics)
    }

    fn configure_port(&mut self, port: DpPort, config: &DeviceConfig) -> Result<(), PortConfigError> {
        let mut state = self.state.lock();
        let port = state.ports.get(port).ok_or(PortConfigError::NoPort)?;
        Ok(port.device.configure(config)?)
    }

    fn set_policing(&mut self, port: DpPort, policing: Policing) -> Result<(), PortConfigError> {
        let mut state = self.state.lock();
        state.ports.get(port).ok_or(PortConfigError::NoPort)?.police.set_policing(policing);
        Ok(())
    }

    fn qos_kinds(&self, port: DpPort) -> &'static [&'static str] {
        self.state.lock().ports.get(port).map_or(&[], |port| Police::kinds(&*port.device))
    }

    fn set_qos(&mut self, port: DpPort, qos: Option<&Qos>) -> Result<(), PortConfigError> {
        let mut state = self.state.lock();
        let port = state.ports.get(port).ok_or(PortConfigError::NoPort)?;
        port.police.set_qos(&mut *port.device, qos)?;
        Ok(())
    }

    fn qos(&mut self, port: DpPort) -> Option<QosView> {
        let mut state = self.state.lock();
        let port = state.ports.get(port)?;
        port.police.qos(&mut *port.device)
    }

    fn meter_limits(&self) -> MeterLimits {
        MeterLimits::OWN
    }

    fn set_meter(&mut self, meter: MeterId, spec: &MeterSpec) -> Result<(), MeterError> {
        let made = Meters::make(meter, spec)?;
        self.state.lock().meters.set(meter, Some(made));
        Ok(())
    }

    fn meter_counters(&self, meter: MeterId) -> Option<MeterCounters> {
        self.state.lock().meters.counters(meter)
    }

    fn remove_meter(&mut self, meter: MeterId) -> Option<MeterCounters> {
        self.state.lock().meters.set(meter, None).map(|gone| gone.counters())
    }

    fn submit(&mut self, op: Op) -> Result<Ticket, Busy> {
        self.request(|ticket| Request::Op(ticket, op))
    }

    fn poll_ready(
        &mut self,
        now: Duration,
        ready: &mut dyn FnMut(BorrowedFd<'_>) -> bool,
        events: &mut dyn FnMut(Event),
    ) {
        self.conntrack.sweep_at(now, &mut self.sweep);
        let mut state = self.state.lock();
        let changed = state.ports.poll_changes(now, ready);
        let mut pending = std::mem::take(&mut state.events);
        drop(state);
        pending.extend(changed.into_iter().map(Event::PortChanged));
        pending.into_iter().for_each(events);
    }

    fn dump_flows(
        &mut self,
        cursor: &mut FlowCursor,
        max: usize,
        show: &mut dyn FnMut(FlowView<'_>),
    ) -> bool {
        let state = self.state.lock();
        let mut flows = state.flows.from(cursor.position);
        for flow in flows.by_ref().take(max) {
            cursor.position = flow.serial + 1;
            show(flow.view());
        }
        flows.next().is_some()
    }

    fn get_flow(&mut self, ufid: Ufid, _matching: Option<&Match>, show: &mut dyn FnMut(FlowView<'_>)) {
        if let Some(flow) = self.state.lock().flows.get(ufid) {
            show(flow.view());
        }
    }

    fn execute(&mut self, execute: Execute) -> Result<Ticket, Busy> {
        self.request(|ticket| Request::Execute(ticket, execute))
    }

    fn conntrack(&self) -> Option<&Conntrack> {
        Some(&self.conntrack)
    }

    fn fragments(&self) -> Option<&Fragments> {
        Some(&self.fragments)
    }

    fn stats(&self) -> DpifStats {
        let state = self.state.lock();
        DpifStats {
            flows: state.flows.len() as u64,
            masks: state.flows.masks() as u64,
            ..state.stats.clone()
        }
    }

    fn ledger(&self) -> Ledger {
        self.state.lock().ledger.clone()
    }

    fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        let mut state = self.state.lock();
        if !state.events.is_empty() || !state.requests.is_empty() {
            wait(Wait::Ready);
        }
        state.ports.waits(wait);
    }
}

impl std::fmt::Debug for NaiveDatapath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NaiveDatapath").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NaiveWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NaiveWorker").finish_non_exhaustive()
    }
}
