//! Open vSwitch's small messages, and the vendor header that carries them.

use super::bundle::{BundleAdd, BundleControl};
use super::flow_mod::FlowMod;
use super::flow_removed::FlowRemoved;
use super::packet_in::PacketIn;
use super::role::RoleMsg;
use super::{AsyncConfig, Message};
use crate::error::{NX_VENDOR, ONF_VENDOR};
use crate::header::{Put, Reader};
use crate::{OfError, PacketInFormat, Protocol};

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
    pub const SET_ASYNC_CONFIG: u32 = 19;
    pub const SET_CONTROLLER_ID: u32 = 20;
    pub const SET_ASYNC_CONFIG2: u32 = 27;
    pub const PACKET_IN2: u32 = 30;
}

/// Subtypes of the ONF's vendor messages.
pub(super) mod onf {
    pub const BUNDLE_CONTROL: u32 = 2300;
    pub const BUNDLE_ADD_MESSAGE: u32 = 2301;
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
        ONF_VENDOR => match subtype {
            onf::BUNDLE_CONTROL => BundleControl::decode(&mut r).map(Message::BundleControl),
            onf::BUNDLE_ADD_MESSAGE => BundleAdd::decode(protocol, xid, &mut r).map(Message::BundleAdd),
            _ => Err(OfError::BrcBadSubtype),
        },
        _ => Err(OfError::BrcBadVendor),
    }
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
        nxt::SET_ASYNC_CONFIG => Message::SetAsync(AsyncConfig::decode(crate::Version::V13, r.rest())?),
        nxt::SET_ASYNC_CONFIG2 => Message::SetAsync(AsyncConfig::decode(crate::Version::V14, r.rest())?),
        nxt::SET_CONTROLLER_ID => {
            r.zeros(6, OfError::NxBrcMustBeZero)?;
            let id = r.u16()?;
            r.finish()?;
            Message::SetControllerId(id)
        }
        _ => return Err(OfError::BrcBadSubtype),
    })
}

fn exact_u32(r: &mut Reader<'_>) -> Result<u32, OfError> {
    let n = r.u32()?;
    r.finish()?;
    Ok(n)
}
