//! Message types of the versions: 1.1 moved those behind `FLOW_MOD`, later versions added some.

use super::Message;
use crate::Version;

pub(super) const HELLO: u8 = 0;
pub(super) const ERROR: u8 = 1;
pub(super) const ECHO_REQUEST: u8 = 2;
pub(super) const ECHO_REPLY: u8 = 3;
pub(super) const VENDOR: u8 = 4;
pub(super) const FEATURES_REQUEST: u8 = 5;
pub(super) const FEATURES_REPLY: u8 = 6;
pub(super) const GET_CONFIG_REQUEST: u8 = 7;
pub(super) const GET_CONFIG_REPLY: u8 = 8;
pub(super) const SET_CONFIG: u8 = 9;
pub(super) const PACKET_IN: u8 = 10;
pub(super) const FLOW_REMOVED: u8 = 11;
pub(super) const PORT_STATUS: u8 = 12;
pub(super) const PACKET_OUT: u8 = 13;
pub(super) const FLOW_MOD: u8 = 14;

/// Types that were renumbered or came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    PortMod,
    TableMod,
    GroupMod,
    MeterMod,
    RoleStatus,
    TableStatus,
    RequestForward,
    StatsRequest,
    StatsReply,
    BarrierRequest,
    BarrierReply,
    QueueGetConfigRequest,
    QueueGetConfigReply,
    RoleRequest,
    RoleReply,
    GetAsyncRequest,
    GetAsyncReply,
    SetAsync,
    BundleControl,
    BundleAdd,
}

impl Later {
    /// Each with its number in 1.0, its number since 1.1, the first and the last version since 1.1 that has it.
    const ROWS: [(Self, Option<u8>, u8, Version, Version); 20] = [
        (Self::PortMod, Some(15), 16, Version::V11, Version::V15),
        (Self::TableMod, None, 17, Version::V11, Version::V15),
        (Self::GroupMod, None, 15, Version::V11, Version::V15),
        (Self::MeterMod, None, 29, Version::V13, Version::V15),
        (Self::RoleStatus, None, 30, Version::V14, Version::V15),
        (Self::TableStatus, None, 31, Version::V14, Version::V15),
        (Self::RequestForward, None, 32, Version::V14, Version::V15),
        (Self::StatsRequest, Some(16), 18, Version::V11, Version::V15),
        (Self::StatsReply, Some(17), 19, Version::V11, Version::V15),
        (Self::BarrierRequest, Some(18), 20, Version::V11, Version::V15),
        (Self::BarrierReply, Some(19), 21, Version::V11, Version::V15),
        (Self::QueueGetConfigRequest, Some(20), 22, Version::V11, Version::V13),
        (Self::QueueGetConfigReply, Some(21), 23, Version::V11, Version::V13),
        (Self::RoleRequest, None, 24, Version::V12, Version::V15),
        (Self::RoleReply, None, 25, Version::V12, Version::V15),
        (Self::GetAsyncRequest, None, 26, Version::V13, Version::V15),
        (Self::GetAsyncReply, None, 27, Version::V13, Version::V15),
        (Self::SetAsync, None, 28, Version::V13, Version::V15),
        (Self::BundleControl, None, 33, Version::V14, Version::V15),
        (Self::BundleAdd, None, 34, Version::V14, Version::V15),
    ];

    /// The number in a version.
    pub(super) fn number(self, version: Version) -> Option<u8> {
        let row = Self::ROWS.iter().find(|row| row.0 == self)?;
        match version {
            Version::V10 => row.1,
            _ => (row.3..=row.4).contains(&version).then_some(row.2),
        }
    }

    /// What a number means in a version.
    pub(super) fn from_number(version: Version, number: u8) -> Option<Self> {
        Self::ROWS.iter().map(|row| row.0).find(|kind| kind.number(version) == Some(number))
    }
}

/// Whether a message of this type can be in a bundle: those that change flows, ports, groups, tables, or
/// send packets.
pub(super) fn can_be_bundled(version: Version, kind: u8) -> bool {
    // An extension's flow_mod is a vendor message.
    matches!(kind, FLOW_MOD | PACKET_OUT | VENDOR)
        || matches!(Later::from_number(version, kind), Some(Later::PortMod | Later::GroupMod))
}

/// Whether a message of this type can be forwarded to other controllers.
pub(super) fn can_be_forwarded(version: Version, kind: u8) -> bool {
    matches!(Later::from_number(version, kind), Some(Later::GroupMod | Later::MeterMod))
}

impl Message {
    /// The type's name as the tools print it, without the version.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "OFPT_HELLO",
            Self::Error(_) => "OFPT_ERROR",
            Self::EchoRequest(_) => "OFPT_ECHO_REQUEST",
            Self::EchoReply(_) => "OFPT_ECHO_REPLY",
            Self::FeaturesRequest => "OFPT_FEATURES_REQUEST",
            Self::FeaturesReply(_) => "OFPT_FEATURES_REPLY",
            Self::GetConfigRequest => "OFPT_GET_CONFIG_REQUEST",
            Self::GetConfigReply(_) => "OFPT_GET_CONFIG_REPLY",
            Self::SetConfig(_) => "OFPT_SET_CONFIG",
            Self::PacketIn(_) => "OFPT_PACKET_IN",
            Self::PacketOut(_) => "OFPT_PACKET_OUT",
            Self::FlowMod(_) => "OFPT_FLOW_MOD",
            Self::FlowRemoved(_) => "OFPT_FLOW_REMOVED",
            Self::PortMod(_) => "OFPT_PORT_MOD",
            Self::PortStatus(_) => "OFPT_PORT_STATUS",
            Self::TableMod(_) => "OFPT_TABLE_MOD",
            Self::GroupMod(_) => "OFPT_GROUP_MOD",
            Self::MeterMod(_) => "OFPT_METER_MOD",
            Self::RoleStatus(_) => "OFPT_ROLE_STATUS",
            Self::TableStatus(_) => "OFPT_TABLE_STATUS",
            Self::RequestForward { .. } => "OFPT_REQUESTFORWARD",
            Self::FlowAge => "NXT_FLOW_AGE",
            Self::Resume(_) => "NXT_RESUME",
            Self::FlowMonitorCancel(_) => "NXT_FLOW_MONITOR_CANCEL",
            Self::FlowMonitorPaused => "NXT_FLOW_MONITOR_PAUSED",
            Self::FlowMonitorResumed => "NXT_FLOW_MONITOR_RESUMED",
            Self::TlvTableMod(_) => "NXT_TLV_TABLE_MOD",
            Self::TlvTableRequest => "NXT_TLV_TABLE_REQUEST",
            Self::TlvTableReply(_) => "NXT_TLV_TABLE_REPLY",
            Self::CtFlushZone(_) => "NXT_CT_FLUSH_ZONE",
            Self::CtFlush(_) => "NXT_CT_FLUSH",
            Self::BarrierRequest => "OFPT_BARRIER_REQUEST",
            Self::BarrierReply => "OFPT_BARRIER_REPLY",
            Self::QueueGetConfigRequest(_) => "OFPT_QUEUE_GET_CONFIG_REQUEST",
            Self::QueueGetConfigReply { .. } => "OFPT_QUEUE_GET_CONFIG_REPLY",
            Self::RoleRequest(_) => "OFPT_ROLE_REQUEST",
            Self::RoleReply(_) => "OFPT_ROLE_REPLY",
            Self::GetAsyncRequest => "OFPT_GET_ASYNC_REQUEST",
            Self::GetAsyncReply(_) => "OFPT_GET_ASYNC_REPLY",
            Self::SetAsync(_) => "OFPT_SET_ASYNC",
            Self::StatsRequest(_) => "OFPT_STATS_REQUEST",
            Self::StatsReply(_) => "OFPT_STATS_REPLY",
            Self::SetFlowFormat(_) => "NXT_SET_FLOW_FORMAT",
            Self::FlowModTableId(_) => "NXT_FLOW_MOD_TABLE_ID",
            Self::SetPacketInFormat(_) => "NXT_SET_PACKET_IN_FORMAT",
            Self::SetControllerId(_) => "NXT_SET_CONTROLLER_ID",
            Self::BundleControl(_) => "OFPT_BUNDLE_CONTROL",
            Self::BundleAdd(_) => "OFPT_BUNDLE_ADD_MESSAGE",
        }
    }
}
