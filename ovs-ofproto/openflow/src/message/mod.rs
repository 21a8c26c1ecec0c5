//! Messages: one typed value for what the versions write differently.

mod async_config;
mod bundle;
mod codec;
mod continuation;
mod ct_flush;
mod features;
mod flow_mod;
mod flow_removed;
mod group_mod;
mod hello;
mod kinds;
mod meter;
mod nicira;
mod packet_in;
mod packet_in2;
mod packet_out;
mod port;
mod queue;
mod role;
mod stats;
mod table_mod;
mod tlv_table;

pub use async_config::AsyncConfig;
pub use bundle::{BundleAdd, BundleControl, BundleControlKind, BundleFlags};
pub use codec::Rejected;
pub use continuation::{Continuation, ContinuationStep};
pub use ct_flush::{CtFlush, CtTuple};
pub use features::{Capabilities, ConfigFlags, Features, SwitchConfig};
pub use flow_mod::{FlowMod, FlowModCommand, FlowModFlags};
pub use flow_removed::{FlowRemoved, FlowRemovedReason};
pub use group_mod::{Bucket, GroupMod, GroupModCommand, GroupType, Selection};
pub use hello::Hello;
pub use meter::{
    BandKind, MeterBand, MeterConfig, MeterFeatures, MeterFlags, MeterMod, MeterModCommand, MeterStats,
};
pub use nicira::FlowFormat;
pub use packet_in::{PacketIn, PacketInReason};
pub use packet_out::PacketOut;
pub use port::{PortConfig, PortDesc, PortFeatures, PortMod, PortState, PortStatus, PortStatusReason};
pub use queue::{QueueConfig, QueueProperty};
pub use role::{Role, RoleMsg, RoleReason, RoleStatus};
pub use stats::{
    AggregateStats, Dialect, FlowEvent, FlowFacts, FlowFilter, FlowStats, FlowStatsEncoder, FlowUpdate,
    FlowUpdateFull, GroupDesc, GroupFeatures, GroupStats, IpfixStats, MonitorCommand, MonitorFlags,
    MonitorRequest, PortStats, QueueDesc, QueueStats, StatsReply, StatsReplyBody, StatsRequest, SwitchDesc,
    TableAbilities, TableFeatures, TableStats,
};
pub use table_mod::{TableDesc, TableMod, TableStatus, Vacancy};
pub use tlv_table::{TlvMap, TlvTable, TlvTableCommand, TlvTableMod};

pub(crate) use port::property;
pub(crate) use stats::StatsKind;

use crate::ErrorMsg;

/// A message of any version.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// The first message of each side: what versions it speaks.
    Hello(Hello),
    /// Something went wrong.
    Error(ErrorMsg),
    /// Are you there? The bytes come back.
    EchoRequest(Vec<u8>),
    /// Yes.
    EchoReply(Vec<u8>),
    /// Who are you?
    FeaturesRequest,
    /// The switch's identity and abilities.
    FeaturesReply(Box<Features>),
    /// How are you set up?
    GetConfigRequest,
    /// The set-up.
    GetConfigReply(SwitchConfig),
    /// Change the set-up.
    SetConfig(SwitchConfig),
    /// A packet for the controller.
    PacketIn(Box<PacketIn>),
    /// A packet from the controller.
    PacketOut(PacketOut),
    /// Change flows.
    FlowMod(Box<FlowMod>),
    /// A flow has gone.
    FlowRemoved(Box<FlowRemoved>),
    /// Change a port.
    PortMod(PortMod),
    /// A port has changed.
    PortStatus(PortStatus),
    /// Change a table.
    TableMod(TableMod),
    /// Change a group.
    GroupMod(Box<GroupMod>),
    /// Change a meter (from 1.3).
    MeterMod(Box<MeterMod>),
    /// Finish all before this.
    BarrierRequest,
    /// Done.
    BarrierReply,
    /// Which queues has a port?
    QueueGetConfigRequest(ovs_flow::OfPort),
    /// These.
    QueueGetConfigReply {
        /// The port asked about.
        port: ovs_flow::OfPort,
        /// Its queues.
        queues: Vec<QueueConfig>,
    },
    /// Change or ask the controller's role.
    RoleRequest(RoleMsg),
    /// The role.
    RoleReply(RoleMsg),
    /// The controller's role has changed (from 1.3).
    RoleStatus(RoleStatus),
    /// A table has become full, or has room again (from 1.4).
    TableStatus(TableStatus),
    /// A change that another controller asked for (from 1.3).
    RequestForward {
        /// The change's transaction.
        xid: u32,
        /// The change, of groups or meters.
        message: Box<Message>,
    },
    /// Which asynchronous messages am I sent?
    GetAsyncRequest,
    /// These.
    GetAsyncReply(AsyncConfig),
    /// Send me these.
    SetAsync(AsyncConfig),
    /// Ask for statistics or descriptions.
    StatsRequest(StatsRequest),
    /// One part of the answer.
    StatsReply(Box<StatsReply>),
    /// `NXT_SET_FLOW_FORMAT`: how flows are written from now on.
    SetFlowFormat(FlowFormat),
    /// `NXT_FLOW_MOD_TABLE_ID`: whether commands of flow changes carry a table.
    FlowModTableId(bool),
    /// `NXT_SET_PACKET_IN_FORMAT`: how packet-ins are written from now on.
    SetPacketInFormat(crate::PacketInFormat),
    /// `NXT_FLOW_AGE`: flow statistics are to tell ages (1.0).
    FlowAge,
    /// `NXT_RESUME`: go on with a packet whose translation was paused.
    Resume(Box<PacketIn>),
    /// Stop a flow monitor (1.0 to 1.3; later by a request).
    FlowMonitorCancel(u32),
    /// Flow monitors tell nothing until they are resumed (1.0 to 1.3; later among the updates).
    FlowMonitorPaused,
    /// Flow monitors tell again.
    FlowMonitorResumed,
    /// `NXT_TLV_TABLE_MOD`: change which Geneve options have fields.
    TlvTableMod(TlvTableMod),
    /// `NXT_TLV_TABLE_REQUEST`: which Geneve options have fields?
    TlvTableRequest,
    /// `NXT_TLV_TABLE_REPLY`: these.
    TlvTableReply(TlvTable),
    /// `NXT_CT_FLUSH_ZONE`: forget the connections of a zone.
    CtFlushZone(u16),
    /// `NXT_CT_FLUSH`: forget some connections.
    CtFlush(Box<CtFlush>),
    /// `NXT_SET_CONTROLLER_ID`: the connection's id in controller actions.
    SetControllerId(u16),
    /// Open, close, commit or discard a bundle.
    BundleControl(BundleControl),
    /// A message to keep until its bundle is committed.
    BundleAdd(Box<BundleAdd>),
}
