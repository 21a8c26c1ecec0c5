//! What workers tell the control side.

use std::sync::Arc;
use std::time::Duration;

use ovs_classifier::Version;
use ovs_dpif::{Actions, ControllerPunt, TooBigPunt, WorkerId};
use ovs_flow::{FlowKey, Metadata, OfPort, Ufid};
use ovs_packet::Packet;

use crate::compact::Compact;
use crate::recirc::{FrozenState, RecircRef};
use crate::snapshot::BridgeId;
use crate::translate::{Dep, Push};

/// One message. Messages of one worker arrive in their order.
#[derive(Debug)]
pub(crate) enum Message {
    /// A packet was translated.
    Miss(Miss),
    /// The megaflow of an earlier message was not installed on this worker.
    Refused { ufid: Ufid, worker: WorkerId },
    /// A packet goes to controllers.
    Punted(PuntedPacket),
    /// A packet is for the session of a port.
    Heard(Box<HeardPacket>),
    /// A packet changes tables: it waits until they are changed.
    Held(Box<HeldPacket>),
    /// A packet is too long for a tunnel.
    TooBig(Box<LongPacket>),
}

/// What one translated packet counts for, and the megaflow that is being installed for its successors.
#[derive(Debug)]
pub(crate) struct Miss {
    pub now: Duration,
    /// Bytes of the packet.
    pub bytes: u64,
    pub tcp_flags: u16,
    pub push: Vec<Push>,
    pub install: Option<NewFlow>,
}

/// A megaflow as it is installed.
#[derive(Debug)]
pub(crate) struct NewFlow {
    pub ufid: Ufid,
    pub worker: WorkerId,
    /// `in_port` is a datapath port.
    pub key: Compact,
    pub mask: Compact,
    pub actions: Actions,
    pub deps: Vec<Dep>,
    pub frozen: Vec<RecircRef>,
    pub age: Age,
}

/// Of when the state was that a translation saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Age {
    pub version: Version,
    pub generation: u64,
    /// Changes of MAC tables.
    pub macs: u64,
}

/// A packet that waits for the change of tables that it makes, so that no answer to it overtakes what it taught.
#[derive(Debug)]
pub(crate) struct HeldPacket {
    pub worker: WorkerId,
    pub now: Duration,
    /// `in_port` is a datapath port.
    pub key: FlowKey,
    pub metadata: Metadata,
    pub packet: Packet,
    /// A megaflow has counted it already.
    pub counted: bool,
}

/// A packet of a protocol that the switch itself speaks.
#[derive(Debug)]
pub(crate) struct HeardPacket {
    pub now: Duration,
    pub bridge: BridgeId,
    pub port: OfPort,
    /// The packet's bytes from its Ethernet header on, cut where no message is so long.
    pub frame: Vec<u8>,
}

/// A packet that is too long for a tunnel.
#[derive(Debug)]
pub(crate) struct LongPacket {
    pub punt: TooBigPunt,
    /// Its first bytes, from its Ethernet header on.
    pub frame: Vec<u8>,
}

/// A packet for controllers.
#[derive(Debug)]
pub(crate) struct PuntedPacket {
    pub punt: ControllerPunt,
    pub state: Arc<FrozenState>,
    /// The datapath port that it came in by.
    pub dp_port: u32,
    /// The packet's bytes, cut to what the action allows.
    pub data: Vec<u8>,
    pub total_len: usize,
}
