//! The switch: all bridges of one datapath, and the one control side of it.

mod agent;
mod apply;
mod bundles;
mod effects;
mod fail_mode;
mod features;
mod held;
mod in_band;
mod learn;
mod monitor;
mod net;
mod poll;
mod ports;
mod publish;
mod qos;
mod rule_changes;
mod settle;
mod solicit;
mod status;
mod texts;
mod too_big;
mod trace;
mod trace_text;
mod tunnels;
mod upkeep;
mod view;
mod zones;

pub use qos::InterfaceQos;
pub use view::{Bridge, Revalidation};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use ovs_classifier::Version;
use ovs_dpif::{Busy, Completion, Dpif, DpifError, Features, MeterId, Op, Ticket};
use ovs_flow::{DpPort, OfPort};
use ovs_netdev::{Registry, Wait};

use agent::Connection;
pub use agent::{ConnId, ConnectionKind};
use settle::{Settled, Settler};

use crate::bridge::{BridgeState, Gone};
use crate::meter::MeterNumbers;
use crate::revalidate::Revalidator;
use crate::snapshot::{BridgeId, Shared, Snapshot, World};
use crate::translate::Scratch;
use crate::upcall::{Handlers, Message};
use crate::{DesiredState, SwitchConfig};

/// All bridges of one datapath.
///
/// One control thread owns it and calls [`Switch::poll`] in turn with the datapath's workers (or lets threads
/// run those). Order of calls in a turn: configuration and OpenFlow bytes in, then [`Switch::poll`], then output
/// bytes out. Nothing here waits.
pub struct Switch {
    config: SwitchConfig,
    registry: Registry,
    dpif: Box<dyn Dpif>,
    /// What was applied last, local ports included.
    state: DesiredState,
    bridges: BTreeMap<String, BridgeState>,
    by_dp: BTreeMap<DpPort, (String, OfPort)>,
    /// Why interfaces that are wanted are not there, by name of bridge and interface.
    errors: BTreeMap<(String, String), String>,
    /// Why quality of service is not as wanted, likewise.
    qos_errors: BTreeMap<(String, String), String>,
    /// Devices that go keep their quality of service.
    keeps_qos: bool,
    next_bridge: u32,
    policy_numbers: zones::PolicyNumbers,
    /// Numbers of the zones' timeout policies.
    zone_policies: Arc<BTreeMap<u16, u32>>,

    shared: Arc<Shared>,
    world: Arc<World>,
    /// Configurations that were published before; dropped here when no worker has them any more.
    retired: VecDeque<Arc<World>>,
    /// The version that changes are being made for; readers use the one before.
    version: Version,
    /// Rules have changed for that version.
    rules_changed: bool,
    /// Ports or settings have changed since the configuration was published.
    world_changed: bool,
    scratch: Scratch,
    net: net::Net,
    /// Sessions of forwarding detection.
    monitors: monitor::Monitors,
    /// Who has been told lately that a packet is too long.
    answers: too_big::Answers,
    /// What translation makes use of in the datapath.
    features: Features,
    /// How megaflows are looked after.
    upkeep: upkeep::Upkeep,

    waker: crate::upcall::SharedWaker,
    messages: Receiver<Box<Message>>,
    revalidator: Revalidator,
    settler: Settler,
    /// Operations of others than the switch itself.
    operations: BTreeSet<Ticket>,
    /// Rules that are removed; told when their last counters are known.
    gone: Vec<(BridgeId, Gone)>,
    gone_until: Option<Settled>,

    meter_numbers: MeterNumbers,
    /// Meters that were deleted, and when they go.
    meters_leaving: Vec<(Settled, MeterId)>,

    connections: BTreeMap<ConnId, Connection>,
    next_connection: u64,
    /// Whose request is being served, and its transaction.
    source: Option<(ConnId, u32)>,
    events: Vec<SwitchEvent>,
    now: Duration,
    /// No worker had a message left at the end of the last poll.
    drained: bool,
}

impl Switch {
    /// A switch without bridges over a datapath. Devices are opened by `registry`.
    pub fn new(config: SwitchConfig, registry: Registry, mut dpif: Box<dyn Dpif>) -> Self {
        let shared = Arc::new(Shared::new());
        let (sender, messages) = sync_channel(config.limits.effects);
        let waker = crate::upcall::SharedWaker::default();
        dpif.set_handler(Arc::new(Handlers {
            shared: Arc::clone(&shared),
            messages: sender,
            waker: Arc::clone(&waker),
            seed: config.seed,
        }));
        let features = dpif.features();
        let vlan_headers = features.max_vlan_headers;
        let world = Arc::new(World { features, vlan_headers, ..World::default() });
        let snapshot =
            Snapshot { world: Arc::clone(&world), version: shared.version(), shared: Arc::clone(&shared) };
        shared.publish_world(Arc::clone(&world));
        Self {
            registry,
            dpif,
            state: DesiredState::default(),
            bridges: BTreeMap::new(),
            by_dp: BTreeMap::new(),
            errors: BTreeMap::new(),
            qos_errors: BTreeMap::new(),
            keeps_qos: false,
            next_bridge: 0,
            policy_numbers: zones::PolicyNumbers::default(),
            zone_policies: Arc::default(),
            version: shared.version().next(),
            scratch: Scratch::new(&snapshot),
            net: net::Net::default(),
            monitors: monitor::Monitors::default(),
            answers: too_big::Answers::default(),
            features,
            upkeep: upkeep::Upkeep::default(),
            shared,
            world,
            retired: VecDeque::new(),
            rules_changed: false,
            world_changed: true,
            waker,
            messages,
            revalidator: Revalidator::default(),
            settler: Settler::default(),
            operations: BTreeSet::new(),
            gone: Vec::new(),
            gone_until: None,
            meter_numbers: MeterNumbers::default(),
            meters_leaving: Vec::new(),
            connections: BTreeMap::new(),
            next_connection: 0,
            source: None,
            events: Vec::new(),
            now: Duration::ZERO,
            drained: false,
            config,
        }
    }

    /// What it was made with.
    pub fn config(&self) -> &SwitchConfig {
        &self.config
    }

    /// The datapath.
    pub fn dpif(&self) -> &dyn Dpif {
        &*self.dpif
    }

    /// The datapath, to dump flows or to ask for statistics. Ports and flows are the switch's: who changes
    /// them behind its back sees them changed again.
    pub fn dpif_mut(&mut self) -> &mut dyn Dpif {
        &mut *self.dpif
    }

    /// Gives the datapath an operation of the embedder's, to look into something or to try it: [`SwitchEvent::Operation`]
    /// tells what came of it. Megaflows that the switch did not make are gone after the next sweep.
    pub fn submit(&mut self, op: Op) -> Result<Ticket, Busy> {
        let ticket = self.dpif.submit(op)?;
        self.operations.insert(ticket);
        Ok(ticket)
    }

    /// Sets who is woken when a worker has something for the control side, on whichever thread that is. The first
    /// call counts: workers ask for it without a lock, so it stays.
    pub fn set_waker(&mut self, waker: Arc<dyn ovs_dpif::Waker>) {
        let _ = self.waker.set(waker);
    }

    /// Configuration and tables as they are for workers now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            world: Arc::clone(&self.world),
            version: self.shared.version(),
            shared: Arc::clone(&self.shared),
        }
    }

    /// What to sleep on until [`Switch::poll`] has something to do; called for each item.
    pub fn waits(&self, wait: &mut dyn FnMut(Wait<'_>)) {
        self.dpif.waits(wait);
    }

    fn bridge_by_id(&mut self, id: BridgeId) -> Option<&mut BridgeState> {
        self.bridges.values_mut().find(|bridge| bridge.id == id)
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("datapath", &self.dpif.name())
            .field("bridges", &self.bridges.keys())
            .finish_non_exhaustive()
    }
}

/// What one call of [`Switch::poll`] brought.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Turn {
    /// What the embedder may want to know, in order.
    pub events: Vec<SwitchEvent>,
    /// When the next timer of the switch is due; `None` if there is none.
    pub next: Option<Duration>,
    /// The budget ended before the work: poll again at once.
    pub more: bool,
}

/// What the embedder may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SwitchEvent {
    /// The state of an interface (carrier, address, MTU …) may have changed.
    InterfaceChanged {
        /// Its bridge.
        bridge: String,
        /// Its name.
        interface: String,
    },
    /// An operation of [`Switch::submit`] has completed.
    Operation {
        /// Which.
        ticket: Ticket,
        /// How.
        result: Result<Completion, DpifError>,
    },
    /// A connection has bytes to be sent: call [`Switch::take_output`].
    Output(ConnId),
    /// The switch has given a connection up; what [`Switch::take_output`] still has should be sent.
    Closed {
        /// Which.
        connection: ConnId,
        /// Why, for the log.
        reason: String,
    },
}
