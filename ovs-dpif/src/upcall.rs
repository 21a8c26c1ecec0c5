//! The questions that a datapath asks the switch's logic, answered on the worker that asks.

use std::time::Duration;

use ovs_flow::{FlowKey, FlowMask, Metadata, Ufid};
use ovs_packet::Packet;

use crate::{Actions, DropReason, PuntCookie, WorkerId};

/// A packet that no megaflow matches.
#[derive(Debug)]
pub struct Upcall<'a> {
    /// The packet.
    pub packet: &'a Packet,
    /// What it carries beside its bytes.
    pub metadata: &'a Metadata,
    /// Its whole key; `in_port` is a [`ovs_flow::DpPort`].
    pub key: &'a FlowKey,
    /// Now.
    pub now: Duration,
}

/// A packet that an action hands to the switch's logic.
#[derive(Debug)]
pub struct Punt<'a> {
    /// The packet as it is after the actions before this one.
    pub packet: &'a Packet,
    /// What it carries beside its bytes.
    pub metadata: &'a Metadata,
    /// Why.
    pub cookie: &'a PuntCookie,
    /// Now.
    pub now: Duration,
}

/// What is done with a packet that missed.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Execute these actions; install a megaflow if there is one.
    Forward {
        /// For this packet.
        actions: Actions,
        /// For its successors.
        install: Option<Install>,
    },
    /// The handler has a copy, of which it disposes later: the packet itself ends here, counted as punted.
    Keep,
    /// Drop it, counted under this reason: the logic could not take the upcall.
    Refuse(DropReason),
}

/// A megaflow that the answer to an upcall installs: the packet's key under `mask`.
#[derive(Clone, Debug)]
pub struct Install {
    /// Identity.
    pub ufid: Ufid,
    /// Which bits of the packet's key were looked at.
    pub mask: Box<FlowMask>,
    /// What is done with the packets; usually the upcall's own actions.
    pub actions: Actions,
}

/// The switch's logic on one worker. It must not wait for anything.
pub trait UpcallHandler: Send {
    /// A worker's turn begins: take the newest published configuration. Called once per poll, before any
    /// packet of it; all answers of the turn come from what is taken here.
    fn begin(&mut self, now: Duration);

    /// Answers a miss. What else shall happen (learning, packet-ins) is handed to the control side by the
    /// handler itself, and has been accepted there when this returns [`Verdict::Forward`].
    fn miss(&mut self, upcall: Upcall<'_>) -> Verdict;

    /// The megaflow that [`UpcallHandler::miss`] asked for was installed, or refused for the reason given.
    fn installed(&mut self, ufid: Ufid, refused: Option<DropReason>);

    /// Takes a copy of a packet that an action punted. Returns what is executed on it at once: for a
    /// controller nothing, for the slow path what translation says. Fails if the control side takes no more.
    fn punt(&mut self, punt: Punt<'_>) -> Result<Option<Actions>, DropReason>;
}

/// Makes a handler for each worker of a datapath.
pub trait HandlerFactory: Send + Sync {
    /// The handler of worker `worker`.
    fn handler(&self, worker: WorkerId) -> Box<dyn UpcallHandler>;
}
