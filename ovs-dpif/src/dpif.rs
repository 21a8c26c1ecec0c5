//! The datapath interface: one control side, whatever is behind it.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use ovs_flow::{DpPort, Match, Metadata, Ufid};
use ovs_netdev::{ConfigError, DeviceConfig, Netdev, Qos, QosError, QosView, Statistics, Status, Wait};
use ovs_packet::Packet;

use crate::conntrack::Conntrack;
use crate::features::Features;
use crate::fragments::Fragments;
use crate::{
    Actions, Core, FlowPut, FlowStats, FlowView, HandlerFactory, Ledger, MeterCounters, MeterError, MeterId,
    MeterLimits, MeterSpec, Policing, Rebalance, RxAssignment, RxConfig, Waker, Worker,
};

/// Names an operation in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A worker of a datapath.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WorkerId(pub u32);

/// A datapath, from its control side. All calls return at once; one control thread owns it.
///
/// Order: operations on one worker take effect in the order of their submission, and complete through
/// [`Dpif::poll`]. A port or flow that was given up is gone for packets of every later poll of a worker.
pub trait Dpif: Send {
    /// Name, such as `ovs-netdev`.
    fn name(&self) -> &str;

    /// Type, such as `netdev` or `dummy`.
    fn kind(&self) -> &'static str;

    /// What its actions and matches can do.
    fn features(&self) -> Features;

    /// Gives it the logic that answers upcalls. Before this, every miss is dropped by name.
    fn set_handler(&mut self, handlers: Arc<dyn HandlerFactory>);

    /// Adds a port with the device behind it; receiving starts at once. The number asked for is given if it is free.
    fn add_port(&mut self, request: PortRequest) -> Result<DpPort, DpifError>;

    /// Takes a port away and returns its device once no worker uses it any more (see [`Event::PortGone`]).
    fn remove_port(&mut self, port: DpPort) -> Result<(), DpifError>;

    /// All ports, by number.
    fn ports(&self) -> Vec<PortInfo>;

    /// Asks the device behind a port.
    fn port_status(&mut self, port: DpPort) -> Option<Status>;

    /// Asks the device behind a port what it has counted.
    fn port_statistics(&mut self, port: DpPort) -> Option<Statistics>;

    /// Changes the device behind a port.
    fn configure_port(&mut self, port: DpPort, config: &DeviceConfig) -> Result<(), PortConfigError>;

    /// Sets how much a port may receive; the rest is dropped as [`DropReason::RxPolicer`](crate::DropReason::RxPolicer).
    fn set_policing(&mut self, _port: DpPort, _policing: Policing) -> Result<(), PortConfigError> {
        Err(PortConfigError::NoPort)
    }

    /// The types of quality of service that a port can have.
    fn qos_kinds(&self, _port: DpPort) -> &'static [&'static str] {
        &[]
    }

    /// Sets how what a port sends is queued, or policed; `None` takes that away. What is so already is left alone.
    fn set_qos(&mut self, _port: DpPort, _qos: Option<&Qos>) -> Result<(), PortConfigError> {
        Err(PortConfigError::NoPort)
    }

    /// What [`Dpif::set_qos`] has set, as it is in effect, and what queues have counted.
    fn qos(&mut self, _port: DpPort) -> Option<QosView> {
        None
    }

    /// How many meters it can have.
    fn meter_limits(&self) -> MeterLimits {
        MeterLimits::default()
    }

    /// Makes a meter, or puts another in its place; counting begins anew. Packets see it after the operations that
    /// were submitted before.
    fn set_meter(&mut self, _meter: MeterId, _spec: &MeterSpec) -> Result<(), MeterError> {
        Err(MeterError::Unsupported)
    }

    /// What a meter has counted.
    fn meter_counters(&self, _meter: MeterId) -> Option<MeterCounters> {
        None
    }

    /// Takes a meter away; gives what it has counted. Actions that name it let packets pass.
    fn remove_meter(&mut self, _meter: MeterId) -> Option<MeterCounters> {
        None
    }

    /// Queues an operation. Never waits; [`Busy`] gives it back if the queue is full.
    fn submit(&mut self, op: Op) -> Result<Ticket, Busy>;

    /// Hands out what has happened since the last call: completions, changes of ports. A device that waits on a
    /// descriptor is asked only if `ready` says yes to that: who has just slept on all of them knows, and asking
    /// costs a system call a port.
    fn poll_ready(
        &mut self,
        now: Duration,
        ready: &mut dyn FnMut(BorrowedFd<'_>) -> bool,
        events: &mut dyn FnMut(Event),
    );

    /// Hands out what has happened since the last call, all devices asked.
    fn poll(&mut self, now: Duration, events: &mut dyn FnMut(Event)) {
        self.poll_ready(now, &mut |_| true, events);
    }

    /// Shows up to `max` megaflows from where `cursor` stands; `true` if there may be more. Flows that come
    /// or go meanwhile may or may not be shown; none is shown twice.
    fn dump_flows(&mut self, cursor: &mut FlowCursor, max: usize, show: &mut dyn FnMut(FlowView<'_>))
    -> bool;

    /// One megaflow, from each worker that has it. Who knows its key and mask gives them as `matching`: that is one
    /// look into a hash table instead of a walk over all flows. A flow that was given a wider mask than was asked
    /// for is found by the walk alone.
    fn get_flow(&mut self, ufid: Ufid, matching: Option<&Match>, show: &mut dyn FnMut(FlowView<'_>));

    /// Executes actions on a packet, on a worker's next turn (packet-outs, `dpctl/execute`).
    fn execute(&mut self, execute: Execute) -> Result<Ticket, Busy>;

    /// Counters of the whole datapath.
    fn stats(&self) -> DpifStats;

    /// Where packets went.
    fn ledger(&self) -> Ledger;

    /// Adds a worker for receive queues that cannot be slept on
    /// ([`RxQueue::is_polled`](ovs_netdev::RxQueue::is_polled)), to be polled on this core; the queues that there are
    /// are given anew. `waker` wakes its thread, if that sleeps while it has no queue. `None`: this datapath has no
    /// workers of its own.
    fn add_polling_worker(&mut self, _core: Core, _waker: Option<Arc<dyn Waker>>) -> Option<Worker> {
        None
    }

    /// Brings a worker to its end: its queues go to the others, without loss and in order; its megaflows go, each told
    /// by [`Event::FlowGone`]; then [`Worker::poll`] says [`Next::Closed`](crate::Next::Closed) and it may be dropped.
    /// `false`: there is no such worker, or it was asked before.
    fn retire_worker(&mut self, _worker: WorkerId) -> bool {
        false
    }

    /// Sets how queues are given to workers. If that changes, they are given anew.
    fn configure_rx(&mut self, _config: RxConfig) {}

    /// Sets the cores that queues of a port are to be on, by number of the queue; those that are not named are free to
    /// go anywhere. If that changes, queues are given anew.
    fn pin_rx(&mut self, _port: DpPort, _cores: &BTreeMap<u32, usize>) {}

    /// Gives all queues to workers anew, by what they have cost.
    fn rebalance(&mut self) {}

    /// What [`Dpif::rebalance`] would change. `None`: there is nothing to balance, or too little is known.
    fn rebalance_gain(&self) -> Option<Rebalance> {
        None
    }

    /// The connections that its packets belong to. `None`: it has no connection tracker, or one that is reached otherwise.
    fn conntrack(&self) -> Option<&Conntrack> {
        None
    }

    /// How fragments are put together for its connection tracker. `None`: it does not do that itself.
    fn fragments(&self) -> Option<&Fragments> {
        None
    }

    /// What one worker has done. `None`: there is no such worker, or workers are not told apart.
    fn worker_stats(&self, _worker: WorkerId) -> Option<(Ledger, DpifStats)> {
        None
    }

    /// The receive queues of each port, who has them and what they have cost in the last `window`, where workers are told
    /// apart.
    fn rx_queues(&self, _window: Duration) -> Vec<RxAssignment> {
        Vec::new()
    }

    /// What to sleep on until [`Dpif::poll`] has something; called for each item.
    fn waits(&self, wait: &mut dyn FnMut(Wait<'_>));
}

/// A port to be added.
pub struct PortRequest {
    /// The device.
    pub device: Box<dyn Netdev>,
    /// The number that is wanted; `None` for the lowest that is free.
    pub number: Option<DpPort>,
}

impl fmt::Debug for PortRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortRequest")
            .field("device", &self.device.name())
            .field("number", &self.number)
            .finish()
    }
}

/// A port, in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// Number.
    pub number: DpPort,
    /// The device's name.
    pub name: String,
    /// The device's type.
    pub kind: &'static str,
}

/// An operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Op {
    /// Put a megaflow.
    FlowPut(FlowPut),
    /// Remove a megaflow from the worker named, or from all.
    FlowDel {
        /// Which.
        ufid: Ufid,
        /// Where.
        worker: Option<WorkerId>,
    },
    /// Remove all megaflows.
    FlowFlush,
    /// Do nothing; completes when every worker has begun a turn after the submission or rests between two, so that
    /// all its later answers come from what was published before.
    Sync,
}

/// A packet, and what to do with it.
#[derive(Debug)]
pub struct Execute {
    /// The packet.
    pub packet: Packet,
    /// What it carries beside its bytes.
    pub metadata: Metadata,
    /// What is done with it.
    pub actions: Actions,
}

/// The queue is full; the operation was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the datapath's command queue is full")]
pub struct Busy;

/// What [`Dpif::poll`] tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// An operation has completed on every worker that it concerned.
    Done {
        /// Which.
        ticket: Ticket,
        /// How.
        result: Result<Completion, DpifError>,
    },
    /// A megaflow left a table other than by [`Op::FlowDel`] (eviction, its port went away).
    FlowGone {
        /// Which.
        ufid: Ufid,
        /// Whose.
        worker: WorkerId,
        /// Its last counters.
        stats: FlowStats,
    },
    /// The device behind a port says that its status may have changed.
    PortChanged(DpPort),
    /// The last worker has let go of a removed port; its device is closed.
    PortGone(DpPort),
}

/// How an operation completed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Completion {
    /// The counters of the flows that were changed or removed, by worker, as they were just before.
    pub stats: Vec<(WorkerId, FlowStats)>,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DpifError {
    /// No such flow.
    #[error("no such flow")]
    NoFlow,
    /// The flow exists already.
    #[error("flow exists already")]
    FlowExists,
    /// The flow table is full.
    #[error("flow limit reached")]
    FlowLimit,
    /// No such port.
    #[error("no such port")]
    NoPort,
    /// The number or name is taken.
    #[error("port exists already")]
    PortExists,
    /// The datapath cannot have so many ports.
    #[error("no port number is free")]
    PortLimit,
    /// The worker was dropped before it could answer.
    #[error("worker {} is gone", .0.0)]
    WorkerGone(WorkerId),
    /// A worker or its device failed.
    #[error("{0}")]
    Device(String),
}

/// Why a device behind a port could not be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortConfigError {
    /// No such port.
    #[error("no such port")]
    NoPort,
    /// The device refused.
    #[error(transparent)]
    Device(#[from] ConfigError),
    /// There cannot be such a quality of service.
    #[error(transparent)]
    Qos(#[from] QosError),
}

/// Where a dump stands. Begin with `FlowCursor::default()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FlowCursor {
    /// The worker being dumped.
    pub worker: u32,
    /// Position in its table.
    pub position: u64,
}

/// Counters of a datapath, as `dpif/show` and `dpctl/show` print them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DpifStats {
    /// Packets that a megaflow matched.
    pub hit: u64,
    /// Packets that none matched.
    pub missed: u64,
    /// Packets that were lost before an upcall was answered.
    pub lost: u64,
    /// Megaflows now.
    pub flows: u64,
    /// Masks now, summed over workers.
    pub masks: u64,
    /// Masks probed for all packets.
    pub mask_hit: u64,
    /// Packets that the exact-match cache answered.
    pub cache_hit: u64,
    /// Packets of batches in which all hit the same megaflow as the whole batch before them.
    pub alike_hit: u64,
    /// Batches given to devices.
    pub sent_batches: u64,
}
