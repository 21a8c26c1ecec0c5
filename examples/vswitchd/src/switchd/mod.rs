//! The switch as a program: database rows in, bridges out, and everything that has to be polled in one loop.
//!
//! ```text
//!   database ─▶ Rows ─▶ desired ─▶ Datapath::configure          one Datapath for each datapath type:
//!      ▲                                  │                     Switch, workers, OpenFlow sockets
//!      └── report ◀─ Switch::status ◀─────┤
//!   appctl  ─▶ commands ──────────────────┘
//! ```

mod clock;
mod commands;
mod cycles;
mod database;
mod datapath;
mod desired;
mod dpdk;
mod in_band;
mod mirrors;
mod network;
mod numa;
mod openflow;
mod polling;
mod qos;
mod report;
mod rows;
mod sleep;
mod tls;
mod types;
mod waker;
mod workers;
mod zones;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ovs_db::unixctl::{Format, RequestId, Server};
use ovs_netdev::dummy::Dummies;
use ovs_ofproto::router::Prefix;
use ovs_ofproto::{DesiredState, SwitchEvent};
use ovs_stream::StreamConfig;

use crate::cli::Cli;
use crate::daemon::{Daemon, Program};
use crate::vlog::Vlog;
use clock::Clock;
use commands::Command;
use database::Database;
use datapath::Datapath;
use polling::Polling;
use report::Part;
use rows::Rows as _;
use sleep::Sleeper;
pub use types::OwnType;
use types::Types;
use waker::Wakeup;

/// How often the state of interfaces is told although nothing says that it has changed.
const STATE_INTERVAL: Duration = Duration::from_secs(1);
/// How often counters are told, unless `other_config:stats-update-interval` says otherwise.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(5);
/// How long the control thread stays awake after it was asked something: whoever waits for the answer to go on
/// asks again in this time.
const AWAKE: Duration = Duration::from_micros(50);
/// How long an exiting switch waits for its last answers to be read.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Why the switch cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchdError {
    /// The database cannot be used.
    #[error("{0}")]
    Database(String),
    /// The control socket cannot be made.
    #[error("could not initialize control socket ({0})")]
    Control(ovs_stream::ListenError),
    /// An option about keys.
    #[error("{0}")]
    Tls(ovs_stream::TlsOptionError),
    /// The system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A warp of the clock under way.
struct Warp {
    request: RequestId,
    left: Duration,
    step: Duration,
}

/// The running switch.
pub struct Vswitchd {
    program: Program,
    vlog: Vlog,
    clock: Clock,
    control: Arc<Wakeup>,
    types: Types,
    dummies: Dummies,
    /// Addresses of dummy devices, which the system does not know.
    dummy_addresses: BTreeMap<String, Vec<Prefix>>,
    /// Hears what the system says of the network; none if that is not wanted.
    listener: Option<network::Listener>,
    /// What it has said.
    network: network::Network,
    keys: tls::Keys,
    database: Database,
    datapaths: BTreeMap<String, Datapath>,
    unixctl: Option<Server<Command>>,
    warp: Option<Warp>,
    settling: Vec<RequestId>,
    /// Operations on megaflows that were asked for by hand.
    operations: Vec<commands::megaflow::Operation>,
    /// Which code of several does the datapaths' work.
    variants: commands::variants::Variants,
    exiting: Option<(Vec<RequestId>, bool)>,
    configured: Option<u64>,
    wanted: Option<(BTreeMap<String, DesiredState>, Polling, Option<i64>)>,
    next_state: Duration,
    next_statistics: Duration,
    state_changed: bool,
    again: bool,
    /// What the last sleep saw.
    sleeper: Sleeper,
}

impl Vswitchd {
    /// Sets everything up; nothing is connected or configured yet.
    pub fn new(program: &Program, cli: &Cli, vlog: &Vlog) -> Result<Self, SwitchdError> {
        let system = |what| move |source| SwitchdError::System { what, source };
        let control = Arc::new(Wakeup::new().map_err(system("making an eventfd"))?);
        let clock = Clock::new();
        let types = Types::new(&cli.switch, &program.dirs.run);
        let stream = StreamConfig::default().rundir(&program.dirs.run);
        let unixctl = match cli.daemon.unixctl_address(program) {
            None => None,
            Some(address) => {
                let registry = commands::registry(&program.version_line(), types.has_dummy());
                Some(Server::bind(&address, &stream, registry).map_err(SwitchdError::Control)?)
            }
        };
        let keys = tls::Keys::new(&cli.tls).map_err(SwitchdError::Tls)?;
        let database = Database::open(program, cli, keys.tls(), clock.now())?;
        Ok(Self {
            program: program.clone(),
            vlog: vlog.clone(),
            clock,
            control,
            types,
            dummies: Dummies::new(),
            dummy_addresses: BTreeMap::new(),
            listener: if cli.switch.disable_system_route { None } else { network::Listener::open().ok() },
            network: network::Network::default(),
            keys,
            database,
            datapaths: BTreeMap::new(),
            unixctl,
            warp: None,
            settling: Vec::new(),
            operations: Vec::new(),
            variants: commands::variants::Variants::default(),
            exiting: None,
            configured: None,
            wanted: None,
            next_state: Duration::ZERO,
            next_statistics: Duration::ZERO,
            state_changed: false,
            again: false,
            sleeper: Sleeper::default(),
        })
    }

    /// Adds a type of device, under the name that its factory says; ports of it can be made from then on.
    pub fn register(&mut self, own: OwnType) {
        self.types.add(own);
    }

    /// Runs until a signal or a command ends it.
    pub fn run(mut self, mut daemon: Daemon) -> ExitCode {
        loop {
            self.control.reset();
            let now = self.clock.now();
            self.turn(now, &mut daemon);
            if let Some(signal) = daemon.terminated() {
                self.close();
                drop(self);
                return daemon.die(signal);
            }
            if self.exiting.is_some() {
                self.close();
                return ExitCode::SUCCESS;
            }
            self.sleep(&daemon);
        }
    }

    fn sleep(&mut self, daemon: &Daemon) {
        let mut sleeper = std::mem::take(&mut self.sleeper);
        sleeper.clear();
        sleeper.readable(&daemon.signal_fd());
        self.waits(&mut sleeper);
        let asked = self.datapaths.values().any(Datapath::was_asked);
        sleeper.sleep(self.clock.now(), if asked { AWAKE } else { Duration::ZERO });
        self.sleeper = sleeper;
    }

    fn turn(&mut self, now: Duration, daemon: &mut Daemon) {
        if self.database.is_due(&self.sleeper, now) {
            self.database.poll(now);
        }
        self.reconfigure(now);
        self.hear_network();
        self.keys.log();
        self.poll_datapaths(now);
        self.run_commands();
        self.go_on_warping();
        self.answer_settled(now);
        self.tell(now);
        // What comes in now is acted on in the next turn, which must not wait for anything else.
        self.again = self.database.is_due(&self.sleeper, now) && self.database.poll(now);
        if !daemon.is_ready()
            && self.configured.is_some()
            && self.database.is_idle()
            && let Err(error) = daemon.ready()
        {
            tracing::error!(target: "daemon_unix", "{error}");
        }
    }

    /// Takes up what the database says, when it says something new and the switch has the right to act on it.
    fn reconfigure(&mut self, now: Duration) {
        if !self.database.may_act() {
            if self.configured.take().is_some() {
                self.wanted = None;
                self.release(now);
            }
            return;
        }
        let Some(serial) = self.database.serial() else { return };
        let stale = self.database.take_stale();
        if self.configured == Some(serial) && !stale {
            return;
        }
        self.configured = Some(serial);
        let root = self.database.all("Open_vSwitch").into_iter().next();
        let keys = root.and_then(|root| root.references("ssl").next());
        self.keys.follow(keys.and_then(|uuid| self.database.get("SSL", uuid)));
        let types = &self.types;
        let mut complaints = desired::Complaints::default();
        let mut wanted = desired::desired(&self.database, |kind| types.kinds(kind), &mut complaints);
        let next = self.database.all("Open_vSwitch").first().and_then(|root| root.integer("next_cfg"));
        // Most changes are what the switch itself has told.
        let polling = Polling::of(&self.database);
        let is_same = |(was, polled, step): &(_, _, _)| *was == wanted && *polled == polling && *step == next;
        if !stale && self.wanted.as_ref().is_some_and(is_same) {
            // A row for a datapath can come without anything to configure.
            let updates = self.capability_updates();
            self.database.submit(updates, now);
            return;
        }
        complaints.log();
        self.wanted = Some((wanted.clone(), polling.clone(), next));
        if let Some(root) = self.database.all("Open_vSwitch").first() {
            self.types.dpdk().start(root);
        }
        let polls = self.types.dpdk().runs();
        for kind in self.datapaths.keys() {
            wanted.entry(kind.clone()).or_default();
        }
        for (kind, state) in &wanted {
            if let Err(error) = self.make_datapath(kind) {
                tracing::error!(target: "bridge", "datapath type {kind}: {error}");
                continue;
            }
            if let Some(datapath) = self.datapaths.get_mut(kind) {
                // Threads first: what is added then is theirs at once. And again, for ports that are new.
                let before = datapath.follow(&polling, polls);
                datapath.configure(state, now);
                if let Err(error) = before.and_then(|()| datapath.follow(&polling, polls)) {
                    tracing::error!(target: "dpif_netdev", "{kind}: cannot start polling threads: {error}");
                }
            }
        }
        let emptied: Vec<String> = wanted
            .iter()
            .filter(|(_, state)| state.bridges.is_empty())
            .map(|(kind, _)| kind.clone())
            .collect();
        for kind in emptied {
            self.remove_datapath(&kind, now);
        }
        self.report_configuration(now);
    }

    /// Takes up what the system says of routes and addresses, when it says something new.
    fn hear_network(&mut self) {
        let Some(listener) = self.listener.as_mut().filter(|listener| self.sleeper.saw(&listener.fd()))
        else {
            return;
        };
        if let Some(network) = listener.poll()
            && network != self.network
        {
            self.network = network;
            self.tell_network();
        }
    }

    /// Tells every datapath what is known of the network.
    fn tell_network(&mut self) {
        let mut addresses = self.network.addresses.clone();
        for (device, own) in &self.dummy_addresses {
            addresses.entry(device.clone()).or_default().extend(own);
        }
        for datapath in self.datapaths.values_mut() {
            let (routes, rules) = (self.network.routes.clone(), self.network.rules.clone());
            datapath.switch.set_network(routes, rules, addresses.clone());
        }
    }

    fn make_datapath(&mut self, kind: &str) -> Result<(), SwitchdError> {
        if self.datapaths.contains_key(kind) {
            return Ok(());
        }
        let Some(datapath_type) = self.types.datapath(kind) else {
            return Err(SwitchdError::Database(format!("unknown datapath type {kind}")));
        };
        if datapath_type.is_fallback {
            tracing::info!(
                target: "dpif",
                "no kernel datapath is available: bridges of type {kind} run in the userspace datapath"
            );
        }
        let plan = datapath::Plan {
            kind: datapath_type.kind,
            name: datapath_type.name,
            run: datapath_type.run,
            registry: self.types.registry(&self.dummies, kind),
            local_kind: self.types.kinds(kind).internal,
            seed: self.types.seed(),
            topology: self.types.topology().clone(),
            vlan_limit: self.vlan_limit(),
            rundir: &self.program.dirs.run,
            tls: self.keys.tls(),
            clock: self.clock.clone(),
            control: Arc::clone(&self.control),
        };
        let made = Datapath::new(plan)
            .map_err(|source| SwitchdError::System { what: "making a datapath", source })?;
        self.datapaths.insert(kind.to_owned(), made);
        self.tell_network();
        Ok(())
    }

    /// How many VLAN tags are looked at (`other_config:vlan-limit`), 0 there being as many as can be. A datapath takes
    /// what stands there when it is made.
    fn vlan_limit(&self) -> usize {
        let root = self.database.all("Open_vSwitch").into_iter().next();
        match root.and_then(|root| root.key_number("other_config", "vlan-limit")) {
            Some(0) => ovs_flow::MAX_VLANS,
            limit => limit.unwrap_or(1),
        }
    }

    /// Tells the database what came of its configuration, together with `cur_cfg`.
    fn report_configuration(&mut self, now: Duration) {
        let statuses =
            self.datapaths.iter_mut().map(|(kind, dp)| (kind.clone(), dp.switch.status())).collect();
        let mut updates = report::updates(&self.database, &statuses, Part::State);
        updates.extend(self.capability_updates());
        if let Some(root) = self.database.all("Open_vSwitch").into_iter().next() {
            let mut columns = self.types.root_columns();
            columns.push(("cur_cfg", report::number(Some(root.integer("next_cfg").unwrap_or(0)))));
            report::push(&mut updates, "Open_vSwitch", &root, columns);
        }
        self.database.submit(updates, now);
        self.state_changed = false;
        self.next_state = now + STATE_INTERVAL;
    }

    fn poll_datapaths(&mut self, now: Duration) {
        let (slept, mut completed) = (&self.sleeper, Vec::new());
        for datapath in self.datapaths.values_mut() {
            let events =
                if datapath.is_inline() { datapath.settle(slept, now) } else { datapath.poll(slept, now).1 };
            for event in events {
                match event {
                    SwitchEvent::InterfaceChanged { .. } => self.state_changed = true,
                    SwitchEvent::Operation { ticket, result } => {
                        completed.push((datapath.switch.dpif().name().to_owned(), ticket, result));
                    }
                    _ => {}
                }
            }
        }
        for (name, ticket, result) in completed {
            let Some(at) = self.operations.iter().position(|operation| operation.is(&name, ticket)) else {
                continue;
            };
            let (request, answer) = self.operations.remove(at).complete(self, result, now);
            if let Some(answer) = answer {
                self.reply(request, answer);
            }
        }
    }

    /// Polls until no packet, effect or message is pending.
    fn settle(&mut self) {
        let now = self.clock.now();
        self.poll_datapaths(now);
    }

    fn run_commands(&mut self) {
        let (slept, now) = (&self.sleeper, self.clock.now());
        let Some(mut server) =
            self.unixctl.take_if(|server| server.waits().any(|wait| slept.is_due(&wait, now)))
        else {
            return;
        };
        for request in server.poll() {
            let answer = match request.command {
                Command::Vlog(command) => Some(self.vlog.command(command, &request.args)),
                Command::Show(viewer) if request.format == Format::Json => {
                    server.reply_json(request.id, viewer(self).json());
                    None
                }
                Command::Show(viewer) => Some(Ok(viewer(self).text())),
                Command::Tell(teller) => match teller(self, &request) {
                    Ok(told) if request.format == Format::Json => {
                        server.reply_json(request.id, told.json());
                        None
                    }
                    told => Some(told.map(|told| told.text)),
                },
                Command::Run(handler) => handler(self, &request),
            };
            if let Some(answer) = answer {
                server.reply(request.id, answer);
            }
        }
        for fault in server.take_faults() {
            tracing::warn!(target: "unixctl", "{fault}");
        }
        self.unixctl = Some(server);
    }

    fn reply(&mut self, id: RequestId, answer: Result<String, String>) {
        if let Some(server) = &mut self.unixctl {
            server.reply(id, answer);
        }
    }

    fn warp(&mut self, request: RequestId, total: Duration, step: Duration) {
        self.clock.stop();
        self.warp = Some(Warp { request, left: total, step });
    }

    /// One step of a warp: time moves, and everything that waited for it happens.
    fn go_on_warping(&mut self) {
        let Some(mut warp) = self.warp.take() else { return };
        let step = warp.step.min(warp.left);
        self.clock.warp(step);
        warp.left -= step;
        self.settle();
        if warp.left.is_zero() {
            self.reply(warp.request, Ok("warped".to_owned()));
        } else {
            self.warp = Some(warp);
        }
    }

    fn answer_when_settled(&mut self, request: RequestId) {
        self.settling.push(request);
    }

    fn answer_settled(&mut self, now: Duration) {
        let waits = |switch: &ovs_ofproto::Switch| !switch.is_settled() || switch.is_revalidation_paused();
        if self.settling.is_empty() || self.datapaths.values().any(|dp| waits(&dp.switch)) {
            return;
        }
        self.poll_datapaths(now);
        for request in std::mem::take(&mut self.settling) {
            self.reply(request, Ok(String::new()));
        }
    }

    /// Tells the database what has changed by itself: link states, counters, controllers.
    fn tell(&mut self, now: Duration) {
        if !self.database.may_act() || self.configured.is_none() || !self.database.is_idle() {
            return;
        }
        let statistics_due = now >= self.next_statistics;
        if !(statistics_due || now >= self.next_state || self.state_changed) {
            return;
        }
        let statuses =
            self.datapaths.iter_mut().map(|(kind, dp)| (kind.clone(), dp.switch.status())).collect();
        let mut updates = report::updates(&self.database, &statuses, Part::State);
        updates.extend(self.controller_updates(now));
        self.database.submit(updates, now);
        if statistics_due {
            let updates = report::updates(&self.database, &statuses, Part::Statistics);
            self.database.submit(updates, now);
            self.next_statistics = now + self.statistics_interval();
        }
        self.state_changed = false;
        self.next_state = now + STATE_INTERVAL;
    }

    fn statistics_interval(&self) -> Duration {
        let root = self.database.all("Open_vSwitch").into_iter().next();
        let asked = root.and_then(|r| r.key_number("other_config", "stats-update-interval"));
        asked.map_or(STATISTICS_INTERVAL, |ms| Duration::from_millis(ms).max(STATISTICS_INTERVAL))
    }

    fn capability_updates(&self) -> Vec<report::Update> {
        let features = self.datapaths.iter().map(|(kind, dp)| (kind.clone(), dp.switch.features())).collect();
        report::capabilities(&self.database, &features)
    }

    fn controller_updates(&self, now: Duration) -> Vec<report::Update> {
        let mut updates = Vec::new();
        for bridge in self.database.all("Bridge") {
            let Some(datapath) = self.datapaths.get(desired::datapath_type(&bridge)) else { continue };
            for row in
                bridge.references("controller").filter_map(|uuid| self.database.get("Controller", uuid))
            {
                let (name, target) = (bridge.string("name"), row.string("target"));
                let state = datapath.sockets().controller(&datapath.switch, name, target, now);
                report::push(&mut updates, "Controller", &row, report::controller_columns(state.as_ref()));
            }
        }
        updates
    }

    fn exit(&mut self, request: RequestId, cleanup: bool) {
        let (requests, all) = self.exiting.get_or_insert_with(|| (Vec::new(), false));
        requests.push(request);
        *all |= cleanup;
    }

    /// Lets go of all bridges without a word to the database.
    fn release(&mut self, now: Duration) {
        for kind in self.datapaths.keys().cloned().collect::<Vec<_>>() {
            self.remove_datapath(&kind, now);
        }
    }

    fn remove_datapath(&mut self, kind: &str, now: Duration) {
        let Some(mut datapath) = self.datapaths.remove(kind) else { return };
        datapath.close(now);
        // Nobody else will answer these.
        let name = datapath.switch.dpif().name();
        let unanswered: Vec<_> = self.operations.extract_if(.., |operation| operation.is_of(name)).collect();
        for operation in unanswered {
            let (request, answer) = operation.give_up(&self.program.name);
            self.reply(request, answer);
        }
    }

    fn close(&mut self) {
        let now = self.clock.now();
        self.release(now);
        self.database.close(now);
        for request in self.exiting.take().map(|(requests, _)| requests).unwrap_or_default() {
            self.reply(request, Ok(String::new()));
        }
        let Some(mut server) = self.unixctl.take() else { return };
        let deadline = std::time::Instant::now() + LAST_WORDS;
        while !server.flush() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn waits(&self, sleeper: &mut Sleeper) {
        sleeper.readable(&*self.control);
        if let Some(listener) = &self.listener {
            sleeper.readable(&listener.fd());
        }
        self.database.waits(sleeper);
        for datapath in self.datapaths.values() {
            datapath.waits(sleeper);
        }
        for wait in self.unixctl.iter().flat_map(Server::waits) {
            sleeper.stream(wait);
        }
        if self.again || self.warp.is_some() {
            sleeper.ready();
        }
        if self.configured.is_some() && !self.clock.is_stopped() {
            sleeper.until(self.next_state.min(self.next_statistics));
        }
    }
}
