//! One datapath type: its switch, the workers that move its packets, and its OpenFlow sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ovs_dpif::{Budget, Core, Next, PortRequest, UserspaceConfig, UserspaceDatapath, Worker, WorkerId};
use ovs_flow::DpPort;
use ovs_netdev::Registry;
use ovs_ofproto::{DesiredState, Switch, SwitchConfig, SwitchEvent};
use ovs_stream::Tls;

use super::clock::Clock;
use super::commands::pmd::Baselines;
use super::numa::Topology;
use super::openflow::{Sockets, Targets};
use super::polling::{Balance, MaxSleep, Polling};
use super::sleep::Sleeper;
use super::waker::Wakeup;
use super::workers::WorkerThread;

/// Pieces of control work in one turn.
const TURN: usize = 4096;
/// Turns that a quiet switch is polled for more before it counts as quiescent.
const QUIET_TURNS: u32 = 3;
/// Turns after which a switch that never gets quiet is left to go on by itself.
const MOST_TURNS: u32 = 1_000_000;

/// How a datapath is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Workers have threads of their own.
    Threads,
    /// The control thread polls the workers: everything happens in one order.
    Inline,
}

/// A worker that the control thread polls.
struct Inline {
    worker: Worker,
    /// The core that it stands for, if it is for queues that have to be polled.
    core: Option<Core>,
    /// It hands its queues on.
    leaves: bool,
}

/// What a datapath is made of.
pub struct Plan<'a> {
    /// Its type, such as `netdev`.
    pub kind: &'static str,
    /// Its name, such as `ovs-netdev`.
    pub name: &'a str,
    /// How it is run.
    pub run: Run,
    /// Which device types it opens.
    pub registry: Registry,
    /// What its local port is opened as.
    pub local_kind: &'static str,
    /// Where its randomness comes from.
    pub seed: u64,
    /// The cores that its workers may be on.
    pub topology: Topology,
    /// How many VLAN tags of a packet it looks at.
    pub vlan_limit: usize,
    /// Where its sockets lie.
    pub rundir: &'a Path,
    /// Their keys.
    pub tls: Tls,
    /// Its clock.
    pub clock: Clock,
    /// Who is woken when it has news.
    pub control: Arc<Wakeup>,
}

/// See the module's head.
pub struct Datapath {
    /// Its bridges.
    pub switch: Switch,
    sockets: Sockets,
    // Declared after the switch: threads end once the datapath has let go of them.
    inline: Vec<Inline>,
    threads: Vec<WorkerThread>,
    /// Cores of the mask that are not there.
    missing: Vec<usize>,
    /// Threads that still have queues to hand on.
    leaving: Vec<WorkerThread>,
    /// Whether pinned queues have their thread for themselves.
    isolates: bool,
    balance: Option<Balance>,
    /// When balance was last looked at.
    balanced: Option<Duration>,
    /// How long threads that poll may sleep.
    pub sleep: MaxSleep,
    topology: Topology,
    clock: Clock,
    /// Where the counters of workers were last set to zero, for who looks at them.
    pub baselines: Baselines,
    more: bool,
    asked: bool,
    next: Option<Duration>,
}

impl Datapath {
    /// Makes one, with its local port and its first worker.
    pub fn new(plan: Plan<'_>) -> std::io::Result<Self> {
        let config = UserspaceConfig::default()
            .named(plan.name, plan.kind)
            .seed(plan.seed)
            .vlan_limit(plan.vlan_limit)
            .cycles(super::cycles::cycles);
        let mut dpif = UserspaceDatapath::new(config);
        dpif.set_control_waker(Arc::clone(&plan.control) as Arc<dyn ovs_dpif::Waker>);
        let wakeup = Arc::new(Wakeup::new()?);
        let waker: Option<Arc<dyn ovs_dpif::Waker>> = match plan.run {
            Run::Inline => None,
            Run::Threads => Some(Arc::clone(&wakeup) as _),
        };
        let worker = dpif.add_worker(waker);
        add_local_port(&mut dpif, &plan.registry, plan.local_kind, plan.name);
        let mut switch = Switch::new(SwitchConfig::default().seed(plan.seed), plan.registry, Box::new(dpif));
        switch.set_waker(plan.control);
        let (mut inline, mut threads) = (Vec::new(), Vec::new());
        match plan.run {
            Run::Inline => inline.push(Inline { worker, core: None, leaves: false }),
            Run::Threads => threads.push(WorkerThread::start(worker, None, wakeup, plan.clock.clone())?),
        }
        let sockets = Sockets::new(plan.rundir, plan.tls);
        Ok(Self {
            switch,
            sockets,
            inline,
            threads,
            missing: Vec::new(),
            leaving: Vec::new(),
            isolates: true,
            balance: None,
            balanced: None,
            sleep: MaxSleep::default(),
            topology: plan.topology,
            clock: plan.clock,
            baselines: Baselines::new(),
            more: false,
            asked: false,
            next: None,
        })
    }

    /// The clock that its workers go by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Makes its bridges what `wanted` says, and its sockets follow. Returns whether an interface failed.
    pub fn configure(&mut self, wanted: &DesiredState, now: Duration) -> bool {
        let plan = self.switch.plan(wanted);
        let mut failed = false;
        if !plan.is_empty() {
            for ((bridge, interface), result) in self.switch.apply(plan, now).interfaces {
                match result {
                    Ok(number) => {
                        tracing::info!(target: "bridge", "bridge {bridge}: added interface {interface} on port {}", number.0);
                    }
                    Err(error) => {
                        failed = true;
                        tracing::warn!(target: "bridge", "{error}");
                    }
                }
            }
        }
        let targets: BTreeMap<String, Targets> = wanted
            .bridges
            .values()
            .map(|b| {
                (
                    b.name.clone(),
                    Targets { controllers: b.controllers.iter().map(|c| c.target.clone()).collect() },
                )
            })
            .collect();
        self.sockets.configure(&targets, &mut self.switch, now);
        failed
    }

    /// Makes its threads, and what queues they have, what the database says. `polls` tells that there will be devices
    /// that have to be polled; without, threads are there only if there are such devices.
    pub fn follow(&mut self, polling: &Polling, polls: bool) -> std::io::Result<()> {
        let queues = self.switch.dpif().rx_queues(Duration::ZERO);
        let nodes: BTreeSet<u32> =
            queues.iter().filter(|queue| queue.polled).map(|queue| queue.numa).collect();
        let numbers = match &polling.cores {
            _ if nodes.is_empty() && !polls => Vec::new(),
            Some(cores) => cores.clone(),
            None => self.topology.usual(&nodes),
        };
        let (mut cores, mut missing) = (Vec::new(), Vec::new());
        for number in numbers {
            match self.topology.core(number) {
                Some(core) => cores.push(core),
                None => missing.push(number),
            }
        }
        if !missing.is_empty() && self.missing != missing {
            tracing::warn!(target: "dpif_netdev", "pmd-cpu-mask names cores that this machine does not have: {missing:?}");
        }
        self.missing = missing;
        for core in &cores {
            if !self.workers().any(|(_, at)| at == Some(*core)) {
                self.poll_on(*core)?;
            }
        }
        self.retire(&cores);
        for thread in &self.threads {
            thread.set_max_sleep(thread.core().map_or(0, |core| polling.sleep.on(core.number)));
        }
        let dpif = self.switch.dpif_mut();
        dpif.configure_rx(polling.rx);
        let none = BTreeMap::new();
        for port in dpif.ports() {
            dpif.pin_rx(port.number, polling.pins.get(&port.name).unwrap_or(&none));
        }
        self.isolates = polling.rx.isolate;
        self.balance = polling.balance;
        self.sleep.clone_from(&polling.sleep);
        Ok(())
    }

    fn poll_on(&mut self, core: Core) -> std::io::Result<()> {
        if self.is_inline() {
            let worker = self.switch.dpif_mut().add_polling_worker(core, None);
            self.inline.extend(worker.map(|worker| Inline { worker, core: Some(core), leaves: false }));
            return Ok(());
        }
        let wakeup = Arc::new(Wakeup::new()?);
        let waker = Some(Arc::clone(&wakeup) as Arc<dyn ovs_dpif::Waker>);
        let Some(worker) = self.switch.dpif_mut().add_polling_worker(core, waker) else { return Ok(()) };
        self.threads.push(WorkerThread::start(worker, Some(core), wakeup, self.clock.clone())?);
        Ok(())
    }

    /// Brings workers on other cores than these to their end; those that go hand their queues on first.
    fn retire(&mut self, cores: &[Core]) {
        let goes = |core: Option<Core>| core.is_some_and(|core| !cores.contains(&core));
        for thread in self.threads.extract_if(.., |thread| goes(thread.core())) {
            self.switch.dpif_mut().retire_worker(thread.id());
            self.leaving.push(thread);
        }
        for inline in self.inline.iter_mut().filter(|inline| goes(inline.core) && !inline.leaves) {
            self.switch.dpif_mut().retire_worker(inline.worker.id());
            inline.leaves = true;
        }
    }

    /// Its workers and the cores that they are on, the main one first.
    pub fn workers(&self) -> impl Iterator<Item = (WorkerId, Option<Core>)> {
        let threads = self.threads.iter().map(|thread| (thread.id(), thread.core()));
        let inline = self.inline.iter().filter(|inline| !inline.leaves);
        threads.chain(inline.map(|inline| (inline.worker.id(), inline.core)))
    }

    /// Lets go of threads that have come to their end, and gives queues anew if that is wanted by now.
    fn tend_threads(&mut self, now: Duration) {
        self.leaving.retain(|thread| !thread.is_finished());
        self.threads.iter_mut().for_each(|thread| thread.sample(now));
        let Some(balance) = self.balance else { return };
        let due = self.balanced.is_none_or(|at| now >= at + balance.interval);
        if !due {
            return;
        }
        // The first look is an interval after the start.
        if self.balanced.replace(now).is_none() {
            return;
        }
        let Some(gain) = self.switch.dpif().rebalance_gain() else { return };
        if gain.busiest >= balance.load && gain.improvement() >= balance.improvement {
            tracing::info!(
                target: "dpif_netdev",
                "PMD auto load balance detected: variance of loads {} would be {} ({}% better), receive queues are given anew",
                gain.before, gain.after, gain.improvement()
            );
            self.switch.dpif_mut().rebalance();
        }
    }

    /// Whether pinned queues have their thread for themselves.
    pub fn isolates(&self) -> bool {
        self.isolates
    }

    /// The threads of its workers, the main one first; none if the control thread polls them.
    pub fn threads(&self) -> &[WorkerThread] {
        &self.threads
    }

    /// Its OpenFlow sockets.
    pub fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// Drops a bridge's controller connections, to be made anew.
    pub fn reconnect(&mut self, bridge: &str, now: Duration) {
        self.sockets.reconnect(bridge, &mut self.switch, now);
    }

    /// One turn: sockets, workers that have no thread, the switch. Returns whether anything was done, and what the
    /// switch has to tell.
    pub fn poll(&mut self, slept: &Sleeper, now: Duration) -> (bool, Vec<SwitchEvent>) {
        let mut busy = self.sockets.poll(&mut self.switch, slept, now);
        self.asked = busy;
        self.inline.retain_mut(|inline| {
            let progress = inline.worker.poll(now, Budget::default());
            busy |= !progress.is_idle();
            progress.next != Next::Closed
        });
        self.tend_threads(now);
        let turn = self.switch.poll_ready(now, TURN, &mut |fd| slept.saw(&fd));
        self.next = turn.next;
        self.more = turn.more;
        self.sockets.flush(&mut self.switch);
        (busy || self.more || !turn.events.is_empty(), turn.events)
    }

    /// Polls until no packet, effect or command is pending; for workers without threads.
    pub fn settle(&mut self, slept: &Sleeper, now: Duration) -> Vec<SwitchEvent> {
        let (mut events, mut quiet) = (Vec::new(), 0);
        for _ in 0..MOST_TURNS {
            let (busy, more) = self.poll(slept, now);
            events.extend(more);
            quiet = if busy { 0 } else { quiet + 1 };
            if quiet >= QUIET_TURNS {
                break;
            }
        }
        events
    }

    /// Whether the last turn brought anything from a controller or a tool, which may ask for more at once.
    pub fn was_asked(&self) -> bool {
        self.asked
    }

    /// Whether the control thread polls its workers.
    pub fn is_inline(&self) -> bool {
        self.threads.is_empty()
    }

    /// What to sleep on.
    pub fn waits(&self, sleeper: &mut Sleeper) {
        if self.more {
            sleeper.ready();
        }
        if let Some(at) = self.next {
            sleeper.until(at);
        }
        self.switch.waits(&mut |wait| sleeper.netdev(wait));
        for Inline { worker, .. } in &self.inline {
            worker.waits(&mut |wait| sleeper.netdev(wait));
        }
        self.sockets.waits(&self.switch, sleeper);
    }

    /// Takes all bridges down and lets go of all devices. Quality of service stays on those that stay, for whoever
    /// comes next.
    pub fn close(&mut self, now: Duration) {
        self.sockets.close(&mut self.switch, now);
        self.switch.keep_qos();
        self.configure(&DesiredState::default(), now);
    }
}

/// A datapath's port 0 is a device named like the datapath. A user who may not make devices does without.
fn add_local_port(dpif: &mut UserspaceDatapath, registry: &Registry, kind: &str, name: &str) {
    use ovs_dpif::Dpif as _;
    let added = registry.open(kind, name, &BTreeMap::new()).map_err(|e| e.to_string()).and_then(|device| {
        let request = PortRequest { device, number: Some(DpPort::LOCAL) };
        dpif.add_port(request).map_err(|e| e.to_string())
    });
    if let Err(error) = added {
        tracing::info!(target: "dpif_netdev", "{name}: no local port: {error}");
    }
}
