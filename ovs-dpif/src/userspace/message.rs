//! What control side and workers say to each other.

use ovs_flow::{DpPort, Ufid};
use ovs_netdev::{RxQueue, TxQueue};

use crate::{DpifError, Execute, FlowPut, FlowStats, Ticket, UpcallHandler};

/// From the control side to one worker.
pub(super) enum Command {
    /// A port to send by.
    AddTx(DpPort, Box<dyn TxQueue>),
    /// A queue to receive from; the port was added before.
    AddRx(DpPort, Box<dyn RxQueue>),
    /// Let go of a port. Answered by [`Reply::Released`].
    RemovePort(DpPort),
    /// Who answers upcalls.
    Handler(Box<dyn UpcallHandler>),
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
}
