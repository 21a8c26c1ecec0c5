//! Open vSwitch's small messages, and the vendor header that carries them.

use super::bundle::{BundleAdd, BundleControl};
use super::flow_mod::FlowMod;
use super::flow_removed::FlowRemoved;
use super::packet_in::PacketIn;
use super::role::RoleMsg;
use super::role::RoleStatus;
use super::{AsyncConfig, CtFlush, GroupMod, Message, TlvTable, TlvTableMod};
use crate::error::{NX_VENDOR, ONF_VENDOR};
use crate::header::{HEADER_LEN, Put, Reader};
use crate::{OfError, PacketInFormat, Protocol, Version};

/// How flows are written in OpenFlow 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowFormat {
    /// With the fixed structure of the standard.
    OpenFlow10,
    /// As NXM.
    Nxm,
}

impl FlowFormat {
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::OpenFlow10 => 0,
            Self::Nxm => 2,
        }
    }
}

/// Subtypes of Nicira's vendor messages.
pub(super) mod nxt {
    pub const ROLE_REQUEST: u32 = 10;
    pub const ROLE_REPLY: u32 = 11;
    pub const SET_FLOW_FORMAT: u32 = 12;
    pub const FLOW_MOD: u32 = 13;
    pub const FLOW_REMOVED: u32 = 14;
    pub const FLOW_MOD_TABLE_ID: u32 = 15;
    pub const SET_PACKET_IN_FORMAT: u32 = 16;
    pub const PACKET_IN: u32 = 17;
    pub const FLOW_AGE: u32 = 18;
    pub const SET_ASYNC_CONFIG: u32 = 19;
    pub const SET_CONTROLLER_ID: u32 = 20;
    pub const FLOW_MONITOR_CANCEL: u32 = 21;
    pub const FLOW_MONITOR_PAUSED: u32 = 22;
    pub const FLOW_MONITOR_RESUMED: u32 = 23;
    pub const TLV_TABLE_MOD: u32 = 24;
    pub const TLV_TABLE_REQUEST: u32 = 25;
    pub const TLV_TABLE_REPLY: u32 = 26;
    pub const SET_ASYNC_CONFIG2: u32 = 27;
    pub const RESUME: u32 = 28;
    pub const CT_FLUSH_ZONE: u32 = 29;
    pub const PACKET_IN2: u32 = 30;
    pub const GROUP_MOD: u32 = 31;
    pub const CT_FLUSH: u32 = 32;
}

/// Subtypes of the ONF's vendor messages.
pub(super) mod onf {
    pub const FLOW_MONITOR_CANCEL: u32 = 1870;
    pub const FLOW_MONITOR_PAUSED: u32 = 1871;
    pub const FLOW_MONITOR_RESUMED: u32 = 1872;
    pub const ROLE_STATUS: u32 = 1911;
    pub const BUNDLE_CONTROL: u32 = 2300;
    pub const BUNDLE_ADD_MESSAGE: u32 = 2301;
    pub const REQUESTFORWARD: u32 = 2350;
}

/// Appends vendor and subtype.
pub(super) fn put_vendor(out: &mut Vec<u8>, vendor: u32, subtype: u32) {
    out.u32(vendor);
    out.u32(subtype);
}

/// From the body of a vendor (experimenter) message.
pub(super) fn decode_vendor(protocol: Protocol, xid: u32, body: &[u8]) -> Result<Message, OfError> {
    let mut r = Reader::new(body, OfError::BrcBadLen);
    let (vendor, subtype) = (r.u32()?, r.u32()?);
    match vendor {
        NX_VENDOR => decode_nx(protocol, subtype, &mut r),
        ONF_VENDOR => decode_onf(protocol, xid, subtype, &mut r),
        _ => Err(OfError::BrcBadVendor),
    }
}

/// The ONF's extensions to 1.3. Bundles are understood in other versions, too.
fn decode_onf(protocol: Protocol, xid: u32, subtype: u32, r: &mut Reader<'_>) -> Result<Message, OfError> {
    let of_v13 = protocol.version == Version::V13;
    Ok(match subtype {
        onf::BUNDLE_CONTROL => Message::BundleControl(BundleControl::decode(r)?),
        onf::BUNDLE_ADD_MESSAGE => Message::BundleAdd(BundleAdd::decode(protocol, xid, r)?),
        onf::ROLE_STATUS if of_v13 => Message::RoleStatus(RoleStatus::decode(r)?),
        onf::REQUESTFORWARD if of_v13 => decode_forwarded(protocol, r)?,
        onf::FLOW_MONITOR_CANCEL if of_v13 => Message::FlowMonitorCancel(exact_u32(r)?),
        onf::FLOW_MONITOR_PAUSED if of_v13 => nothing(r, Message::FlowMonitorPaused)?,
        onf::FLOW_MONITOR_RESUMED if of_v13 => nothing(r, Message::FlowMonitorResumed)?,
        _ => return Err(OfError::BrcBadSubtype),
    })
}

/// A forwarded request: a whole message of groups or meters.
pub(super) fn decode_forwarded(protocol: Protocol, r: &mut Reader<'_>) -> Result<Message, OfError> {
    let inner = r.rest();
    let header = crate::Header::parse(inner).ok_or(OfError::BrcBadLen)?;
    let len = usize::from(header.length);
    if len < HEADER_LEN || len > inner.len() {
        return Err(OfError::BrcBadLen);
    }
    if header.version != protocol.version.wire() {
        return Err(OfError::BrcBadVersion);
    }
    if !super::kinds::can_be_forwarded(protocol.version, header.kind) {
        return Err(OfError::BrcBadType);
    }
    let message = Message::decode_body(protocol, header, &inner[HEADER_LEN..len])?;
    Ok(Message::RequestForward { xid: header.xid, message: Box::new(message) })
}

/// A message without a body.
fn nothing(r: &Reader<'_>, message: Message) -> Result<Message, OfError> {
    r.finish().map(|()| message)
}

fn decode_nx(protocol: Protocol, subtype: u32, r: &mut Reader<'_>) -> Result<Message, OfError> {
    Ok(match subtype {
        nxt::ROLE_REQUEST => Message::RoleRequest(RoleMsg::decode_nx(r)?),
        nxt::ROLE_REPLY => Message::RoleReply(RoleMsg::decode_nx(r)?),
        nxt::SET_FLOW_FORMAT => Message::SetFlowFormat(match exact_u32(r)? {
            0 => FlowFormat::OpenFlow10,
            2 => FlowFormat::Nxm,
            _ => return Err(OfError::BrcEperm),
        }),
        nxt::FLOW_MOD => Message::FlowMod(FlowMod::decode_nxm(protocol, r)?),
        nxt::FLOW_REMOVED => Message::FlowRemoved(Box::new(FlowRemoved::decode_nxm(r)?)),
        nxt::FLOW_MOD_TABLE_ID => {
            let on = r.u8()? != 0;
            r.skip(7)?;
            r.finish()?;
            Message::FlowModTableId(on)
        }
        nxt::SET_PACKET_IN_FORMAT => Message::SetPacketInFormat(match exact_u32(r)? {
            0 => PacketInFormat::Standard,
            1 => PacketInFormat::Nxt,
            2 => PacketInFormat::Nxt2,
            _ => return Err(OfError::BrcEperm),
        }),
        nxt::PACKET_IN => Message::PacketIn(Box::new(PacketIn::decode_nxt(r)?)),
        nxt::PACKET_IN2 => Message::PacketIn(Box::new(PacketIn::decode_nxt2(r)?)),
        nxt::SET_ASYNC_CONFIG => Message::SetAsync(AsyncConfig::decode(Version::V13, r.rest())?),
        nxt::SET_ASYNC_CONFIG2 => Message::SetAsync(AsyncConfig::decode(Version::V14, r.rest())?),
        nxt::SET_CONTROLLER_ID => {
            r.zeros(6, OfError::NxBrcMustBeZero)?;
            let id = r.u16()?;
            r.finish()?;
            Message::SetControllerId(id)
        }
        _ => return decode_nx_rare(protocol, subtype, r),
    })
}

fn decode_nx_rare(protocol: Protocol, subtype: u32, r: &mut Reader<'_>) -> Result<Message, OfError> {
    let version = protocol.version;
    Ok(match subtype {
        nxt::FLOW_AGE => nothing(r, Message::FlowAge)?,
        nxt::FLOW_MONITOR_CANCEL if version < Version::V13 => Message::FlowMonitorCancel(exact_u32(r)?),
        nxt::FLOW_MONITOR_PAUSED if version < Version::V13 => nothing(r, Message::FlowMonitorPaused)?,
        nxt::FLOW_MONITOR_RESUMED if version < Version::V13 => nothing(r, Message::FlowMonitorResumed)?,
        nxt::TLV_TABLE_MOD => Message::TlvTableMod(TlvTableMod::decode(r)?),
        nxt::TLV_TABLE_REQUEST => nothing(r, Message::TlvTableRequest)?,
        nxt::TLV_TABLE_REPLY => Message::TlvTableReply(TlvTable::decode(r)?),
        nxt::RESUME => Message::Resume(Box::new(PacketIn::decode_nxt2(r)?)),
        nxt::CT_FLUSH_ZONE => {
            r.zeros(6, OfError::NxBrcMustBeZero)?;
            let zone = r.u16()?;
            r.finish()?;
            Message::CtFlushZone(zone)
        }
        nxt::GROUP_MOD if version < Version::V15 => Message::GroupMod(GroupMod::decode(version, true, r)?),
        nxt::CT_FLUSH => Message::CtFlush(Box::new(CtFlush::decode(r)?)),
        _ => return Err(OfError::BrcBadSubtype),
    })
}

fn exact_u32(r: &mut Reader<'_>) -> Result<u32, OfError> {
    let n = r.u32()?;
    r.finish()?;
    Ok(n)
}
