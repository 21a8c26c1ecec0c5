//! Megaflows as the control side sees them.

use std::time::Duration;

use ovs_flow::{FlowKey, FlowMask, Ufid};

use crate::{Actions, WorkerId};

/// What a megaflow has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FlowStats {
    /// Packets that hit it; the one that made it is not among them.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When it was last hit, on the datapath's clock; `None` for never.
    pub used: Option<Duration>,
    /// TCP flags seen, or-ed.
    pub tcp_flags: u16,
}

/// A megaflow to be put into a datapath.
#[derive(Clone, Debug)]
pub struct FlowPut {
    /// Its identity; `None` to have it computed from the masked key.
    pub ufid: Option<Ufid>,
    /// Its key; bits outside the mask are ignored. `in_port` is a [`ovs_flow::DpPort`].
    pub key: Box<FlowKey>,
    /// Its mask.
    pub mask: Box<FlowMask>,
    /// What is done with its packets.
    pub actions: Actions,
    /// What may exist already.
    pub mode: PutMode,
    /// On which worker; `None` for all.
    pub worker: Option<WorkerId>,
}

/// What [`FlowPut`] does to the flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PutMode {
    /// Add; an existing flow is an error.
    #[default]
    Create,
    /// Change the actions; a missing flow is an error.
    Modify,
    /// Add or change.
    Upsert,
}

/// A megaflow in a dump.
#[derive(Clone, Debug)]
pub struct FlowView<'a> {
    /// Identity.
    pub ufid: Ufid,
    /// Masked key; `in_port` is a [`ovs_flow::DpPort`].
    pub key: &'a FlowKey,
    /// Mask.
    pub mask: &'a FlowMask,
    /// Actions.
    pub actions: &'a Actions,
    /// Counters as of now.
    pub stats: FlowStats,
    /// Whose table it is in.
    pub worker: WorkerId,
}
