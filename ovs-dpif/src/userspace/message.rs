//! What control side and workers say to each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ovs_flow::{DpPort, Ufid};
use ovs_netdev::{RxQueue, TxQueue};

use crate::meter::Meter;
use crate::police::{RxPolicer, TxPolicer};
use crate::{DpifError, Execute, FlowPut, FlowStats, MeterId, Ticket, UpcallHandler};

/// From the control side to one worker.
pub(super) enum Command {
    /// A port to send by.
    AddTx(DpPort, Box<dyn TxQueue>),
    /// A queue to receive from; the port was added before.
    AddRx(RxHandle),
    /// Hand a queue of this port back once nothing of it is under way. Answered by [`Reply::Rx`], unless the port goes
    /// before.
    GiveRx(DpPort, u32),
    /// Come to an end once the last queue is handed back. Answered by [`Reply::FlowGone`] for each megaflow and by
    /// [`Reply::Retired`]; what is asked after that is not answered.
    Retire,
    /// Let go of a port. Answered by [`Reply::Released`].
    RemovePort(DpPort),
    /// Who answers upcalls.
    Handler(Box<dyn UpcallHandler>),
    /// Puts a meter in, or takes it out.
    Meter(MeterId, Option<Arc<Meter>>),
    /// What polices what comes by a port.
    PoliceRx(DpPort, Option<Arc<RxPolicer>>),
    /// What polices what leaves by a port.
    PoliceTx(DpPort, Option<Arc<TxPolicer>>),
    /// Put a megaflow. Answered by [`Reply::Done`], as are all that follow.
    Put(Ticket, Box<FlowPut>),
    /// Remove a megaflow.
    Delete(Ticket, Ufid),
    /// Remove all megaflows; each is also reported by [`Reply::FlowGone`].
    Flush(Ticket),
    /// Do nothing.
    Sync(Ticket),
    /// Execute actions on a packet.
    Execute(Ticket, Box<Execute>),
}

/// From one worker to the control side, in the order of the commands that it answers.
pub(super) enum Reply {
    /// A command is done; with the counters of the flow that it changed or removed.
    Done(Ticket, Result<Option<FlowStats>, DpifError>),
    /// A megaflow went.
    FlowGone(Ufid, FlowStats),
    /// The worker has no queue of this port any more.
    Released(DpPort),
    /// A receive queue of this port says that its device is gone.
    RxGone(DpPort),
    /// A queue that was asked back.
    Rx(RxHandle),
    /// The worker has let go of everything.
    Retired,
}

/// A receive queue on its way.
pub(super) struct RxHandle {
    pub port: DpPort,
    /// Its number within the port.
    pub number: u32,
    pub rx: Box<dyn RxQueue>,
    pub meter: Arc<RxMeter>,
}

/// What the packets of a queue have cost; written by the worker that has it.
#[derive(Debug, Default)]
pub(super) struct RxMeter {
    busy: AtomicU64,
    packets: AtomicU64,
}

impl RxMeter {
    /// Adds a batch.
    pub fn add(&self, busy: u64, packets: u64) {
        for (sum, more) in [(&self.busy, busy), (&self.packets, packets)] {
            sum.store(sum.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
        }
    }

    /// Units of time and packets.
    pub fn read(&self) -> (u64, u64) {
        (self.busy.load(Ordering::Relaxed), self.packets.load(Ordering::Relaxed))
    }
}
