//! Whole messages: header, dispatch by type, length.

use super::kinds::{self, Later};
use super::nicira::{decode_forwarded, decode_vendor, nxt, onf, put_vendor};
use super::role::RoleStatus;
use super::{
    AsyncConfig, BundleAdd, BundleControl, Features, FlowMod, FlowRemoved, GroupMod, Hello, Message,
    MeterMod, PacketIn, PacketOut, PortMod, PortStatus, RoleMsg, StatsReply, StatsRequest, SwitchConfig,
    TableMod, TableStatus, queue,
};
use crate::error::{NX_VENDOR, ONF_VENDOR};
use crate::header::{HEADER_LEN, Header, Put, Reader};
use crate::{EncodeError, ErrorMsg, OfError, PacketInFormat, Protocol, Version};

/// A message that cannot be accepted, with the error to answer it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error} in a message of type {} (xid={:#x})", header.kind, header.xid)]
pub struct Rejected {
    /// Its header.
    pub header: Header,
    /// What is wrong with it.
    pub error: OfError,
}

impl Message {
    /// From the bytes of exactly one message, as its header says. A hello is read in every version.
    pub fn decode(protocol: Protocol, bytes: &[u8]) -> Result<(u32, Self), Rejected> {
        let Some(header) = Header::parse(bytes) else {
            let header = Header { version: protocol.version.wire(), kind: 0, length: 0, xid: 0 };
            return Err(Rejected { header, error: OfError::BrcBadLen });
        };
        let body = &bytes[HEADER_LEN..];
        let result = if usize::from(header.length) != bytes.len() {
            Err(OfError::BrcBadLen)
        } else if header.kind == kinds::HELLO {
            Ok(Self::Hello(Hello::decode(header.version, body)))
        } else if header.version != protocol.version.wire() {
            Err(OfError::BrcBadVersion)
        } else {
            Self::decode_body(protocol, header, body)
        };
        result.map(|message| (header.xid, message)).map_err(|error| Rejected { header, error })
    }

    /// From the body of a message of the protocol's version.
    pub(super) fn decode_body(protocol: Protocol, header: Header, body: &[u8]) -> Result<Self, OfError> {
        let version = protocol.version;
        Ok(match header.kind {
            kinds::ERROR => Self::Error(ErrorMsg::decode(version, body)?),
            kinds::ECHO_REQUEST => Self::EchoRequest(body.to_vec()),
            kinds::ECHO_REPLY => Self::EchoReply(body.to_vec()),
            kinds::VENDOR => decode_vendor(protocol, header.xid, body)?,
            kinds::FEATURES_REQUEST => empty(body, Self::FeaturesRequest)?,
            kinds::FEATURES_REPLY => Self::FeaturesReply(Box::new(Features::decode(version, body)?)),
            kinds::GET_CONFIG_REQUEST => empty(body, Self::GetConfigRequest)?,
            kinds::GET_CONFIG_REPLY => Self::GetConfigReply(SwitchConfig::decode(version, body)?),
            kinds::SET_CONFIG => Self::SetConfig(SwitchConfig::decode(version, body)?),
            kinds::PACKET_IN => Self::PacketIn(Box::new(PacketIn::decode(version, body)?)),
            kinds::FLOW_REMOVED => Self::FlowRemoved(Box::new(FlowRemoved::decode(version, body)?)),
            kinds::PORT_STATUS => Self::PortStatus(PortStatus::decode(version, body)?),
            kinds::PACKET_OUT => Self::PacketOut(PacketOut::decode(version, body)?),
            kinds::FLOW_MOD => Self::FlowMod(FlowMod::decode(protocol, body)?),
            other => return Self::decode_later(protocol, header.xid, other, body),
        })
    }

    fn decode_later(protocol: Protocol, xid: u32, kind: u8, body: &[u8]) -> Result<Self, OfError> {
        let version = protocol.version;
        let mut r = Reader::new(body, OfError::BrcBadLen);
        Ok(match Later::from_number(version, kind).ok_or(OfError::BrcBadType)? {
            Later::PortMod => Self::PortMod(PortMod::decode(version, body)?),
            Later::TableMod => Self::TableMod(TableMod::decode(version, body)?),
            Later::GroupMod => Self::GroupMod(GroupMod::decode(version, false, &mut r)?),
            Later::MeterMod => Self::MeterMod(MeterMod::decode(body)?),
            Later::RoleStatus => Self::RoleStatus(RoleStatus::decode(&mut r)?),
            Later::TableStatus => Self::TableStatus(TableStatus::decode(body)?),
            Later::RequestForward => decode_forwarded(protocol, &mut r)?,
            Later::StatsRequest => Self::StatsRequest(StatsRequest::decode(version, body)?),
            Later::StatsReply => Self::StatsReply(Box::new(StatsReply::decode(version, body)?)),
            Later::BarrierRequest => empty(body, Self::BarrierRequest)?,
            Later::BarrierReply => empty(body, Self::BarrierReply)?,
            Later::QueueGetConfigRequest => {
                Self::QueueGetConfigRequest(queue::decode_request(version, body)?)
            }
            Later::QueueGetConfigReply => {
                let (port, queues) = queue::decode_reply(version, body)?;
                Self::QueueGetConfigReply { port, queues }
            }
            Later::RoleRequest => Self::RoleRequest(RoleMsg::decode(body)?),
            Later::RoleReply => Self::RoleReply(RoleMsg::decode(body)?),
            Later::GetAsyncRequest => empty(body, Self::GetAsyncRequest)?,
            Later::GetAsyncReply => Self::GetAsyncReply(AsyncConfig::decode(version, body)?),
            Later::SetAsync => Self::SetAsync(AsyncConfig::decode(version, body)?),
            Later::BundleControl => Self::BundleControl(BundleControl::decode(&mut r)?),
            Later::BundleAdd => Self::BundleAdd(BundleAdd::decode(protocol, xid, &mut r)?),
        })
    }

    /// The bytes of the message; of a long answer, of several messages one after the other.
    pub fn encode(&self, protocol: impl Into<Protocol>, xid: u32) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        self.encode_into(protocol.into(), xid, &mut out)?;
        Ok(out)
    }

    /// Appends the bytes of the message. After an error `out` is as it was.
    pub fn encode_into(&self, protocol: Protocol, xid: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let result = self.try_encode(protocol, xid, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn try_encode(&self, protocol: Protocol, xid: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if let Self::StatsReply(reply) = self {
            out.extend_from_slice(&reply.encode(protocol, xid)?);
            return Ok(());
        }
        let version = match self {
            Self::Hello(hello) => hello.version(),
            _ => protocol.version,
        };
        let start = out.len();
        let kind = self.kind(protocol)?;
        let header = Header { version: version.wire(), kind: kind.0, length: 0, xid };
        out.extend_from_slice(&header.to_bytes());
        if let Some((vendor, subtype)) = kind.1 {
            put_vendor(out, vendor, subtype);
        }
        self.encode_body(protocol, kind.1.is_some(), out)?;
        let len = u16::try_from(out.len() - start).map_err(|_| EncodeError::TooLong)?;
        out.set_u16(start + 2, len);
        Ok(())
    }

    /// The type, and if it is an extension's message, vendor and subtype.
    fn kind(&self, protocol: Protocol) -> Result<(u8, Option<(u32, u32)>), EncodeError> {
        let version = protocol.version;
        let nx = |subtype: u32| Ok((kinds::VENDOR, Some((NX_VENDOR, subtype))));
        let later = |kind: Later| match kind.number(version) {
            Some(number) => Ok((number, None)),
            None => Err(EncodeError::Unsupported { what: self.name(), version }),
        };
        let plain = |kind: u8| Ok((kind, None));
        let old = version == Version::V10;
        match self {
            Self::Hello(_) => plain(kinds::HELLO),
            Self::Error(_) => plain(kinds::ERROR),
            Self::EchoRequest(_) => plain(kinds::ECHO_REQUEST),
            Self::EchoReply(_) => plain(kinds::ECHO_REPLY),
            Self::FeaturesRequest => plain(kinds::FEATURES_REQUEST),
            Self::FeaturesReply(_) => plain(kinds::FEATURES_REPLY),
            Self::GetConfigRequest => plain(kinds::GET_CONFIG_REQUEST),
            Self::GetConfigReply(_) => plain(kinds::GET_CONFIG_REPLY),
            Self::SetConfig(_) => plain(kinds::SET_CONFIG),
            Self::PacketIn(_) => match protocol.packet_in {
                PacketInFormat::Standard => plain(kinds::PACKET_IN),
                PacketInFormat::Nxt => nx(nxt::PACKET_IN),
                PacketInFormat::Nxt2 => nx(nxt::PACKET_IN2),
            },
            Self::FlowRemoved(_) if old && protocol.nxm => nx(nxt::FLOW_REMOVED),
            Self::FlowRemoved(_) => plain(kinds::FLOW_REMOVED),
            Self::PortStatus(_) => plain(kinds::PORT_STATUS),
            Self::PacketOut(_) => plain(kinds::PACKET_OUT),
            Self::FlowMod(_) if old && protocol.nxm => nx(nxt::FLOW_MOD),
            Self::FlowMod(_) => plain(kinds::FLOW_MOD),
            Self::PortMod(_) => later(Later::PortMod),
            Self::TableMod(_) => later(Later::TableMod),
            Self::GroupMod(_) if old => nx(nxt::GROUP_MOD),
            Self::GroupMod(_) => later(Later::GroupMod),
            Self::MeterMod(_) => later(Later::MeterMod),
            Self::TableStatus(_) => later(Later::TableStatus),
            Self::RoleStatus(_) => onf_kind(version, Later::RoleStatus, onf::ROLE_STATUS),
            Self::RequestForward { .. } => onf_kind(version, Later::RequestForward, onf::REQUESTFORWARD),
            Self::StatsRequest(_) => later(Later::StatsRequest),
            Self::StatsReply(_) => later(Later::StatsReply),
            Self::BarrierRequest => later(Later::BarrierRequest),
            Self::BarrierReply => later(Later::BarrierReply),
            Self::QueueGetConfigRequest(_) => later(Later::QueueGetConfigRequest),
            Self::QueueGetConfigReply { .. } => later(Later::QueueGetConfigReply),
            Self::RoleRequest(_) if version < Version::V12 => nx(nxt::ROLE_REQUEST),
            Self::RoleReply(_) if version < Version::V12 => nx(nxt::ROLE_REPLY),
            Self::RoleRequest(_) => later(Later::RoleRequest),
            Self::RoleReply(_) => later(Later::RoleReply),
            Self::GetAsyncRequest => later(Later::GetAsyncRequest),
            Self::GetAsyncReply(_) => later(Later::GetAsyncReply),
            Self::SetAsync(_) if version < Version::V13 => nx(nxt::SET_ASYNC_CONFIG),
            Self::SetAsync(_) => later(Later::SetAsync),
            Self::SetFlowFormat(_) => nx(nxt::SET_FLOW_FORMAT),
            Self::FlowModTableId(_) => nx(nxt::FLOW_MOD_TABLE_ID),
            Self::SetPacketInFormat(_) => nx(nxt::SET_PACKET_IN_FORMAT),
            Self::SetControllerId(_) => nx(nxt::SET_CONTROLLER_ID),
            Self::BundleControl(_) => onf_kind(version, Later::BundleControl, onf::BUNDLE_CONTROL),
            Self::BundleAdd(_) => onf_kind(version, Later::BundleAdd, onf::BUNDLE_ADD_MESSAGE),
            Self::FlowAge => nx(nxt::FLOW_AGE),
            Self::Resume(_) => nx(nxt::RESUME),
            Self::TlvTableMod(_) => nx(nxt::TLV_TABLE_MOD),
            Self::TlvTableRequest => nx(nxt::TLV_TABLE_REQUEST),
            Self::TlvTableReply(_) => nx(nxt::TLV_TABLE_REPLY),
            Self::CtFlushZone(_) => nx(nxt::CT_FLUSH_ZONE),
            Self::CtFlush(_) => nx(nxt::CT_FLUSH),
            Self::FlowMonitorCancel(_) => {
                monitor_kind(version, nxt::FLOW_MONITOR_CANCEL, onf::FLOW_MONITOR_CANCEL)
            }
            Self::FlowMonitorPaused => {
                monitor_kind(version, nxt::FLOW_MONITOR_PAUSED, onf::FLOW_MONITOR_PAUSED)
            }
            Self::FlowMonitorResumed => {
                monitor_kind(version, nxt::FLOW_MONITOR_RESUMED, onf::FLOW_MONITOR_RESUMED)
            }
        }
    }

    fn encode_body(&self, protocol: Protocol, vendor: bool, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let version = protocol.version;
        match self {
            Self::Hello(hello) => hello.encode(out),
            Self::Error(error) => error.encode(version, out),
            Self::EchoRequest(bytes) | Self::EchoReply(bytes) => out.extend_from_slice(bytes),
            Self::FeaturesReply(features) => features.encode(version, out),
            Self::GetConfigReply(config) | Self::SetConfig(config) => config.encode(out),
            Self::PacketIn(packet) => match protocol.packet_in {
                PacketInFormat::Standard => packet.encode(version, out)?,
                PacketInFormat::Nxt => packet.encode_nxt(version, out)?,
                PacketInFormat::Nxt2 => packet.encode_nxt2(version, out)?,
            },
            Self::FlowRemoved(removed) if vendor => removed.encode_nxm(out)?,
            Self::FlowRemoved(removed) => removed.encode(version, out)?,
            Self::FlowMod(change) if vendor => change.encode_nxm(protocol, out)?,
            Self::FlowMod(change) => change.encode(protocol, out)?,
            Self::PortStatus(status) => status.encode(version, out),
            Self::PacketOut(packet) => packet.encode(version, out)?,
            Self::PortMod(change) => change.encode(version, out),
            Self::TableMod(change) => change.encode(version, out),
            Self::GroupMod(change) => change.encode(version, vendor, out)?,
            Self::MeterMod(change) => change.encode(out),
            Self::RoleStatus(status) => status.encode(out),
            Self::TableStatus(status) => status.encode(out),
            Self::RequestForward { xid, message } => message.encode_into(protocol, *xid, out)?,
            Self::StatsRequest(request) => request.encode(version, out)?,
            Self::QueueGetConfigRequest(port) => queue::encode_request(version, *port, out),
            Self::QueueGetConfigReply { port, queues } => queue::encode_reply(version, *port, queues, out),
            Self::RoleRequest(role) | Self::RoleReply(role) if vendor => role.encode_nx(out)?,
            Self::RoleRequest(role) | Self::RoleReply(role) => role.encode(out),
            Self::GetAsyncReply(config) | Self::SetAsync(config) => config.encode(version, out),
            Self::SetFlowFormat(format) => out.u32(format.number()),
            Self::FlowModTableId(on) => {
                out.u8(u8::from(*on));
                out.zeros(7);
            }
            Self::SetPacketInFormat(format) => out.u32(*format as u32),
            Self::SetControllerId(id) => {
                out.zeros(6);
                out.u16(*id);
            }
            Self::BundleControl(control) => control.encode(out),
            Self::BundleAdd(add) => add.encode(protocol, out)?,
            Self::Resume(packet) => packet.encode_nxt2(version, out)?,
            Self::FlowMonitorCancel(id) => out.u32(*id),
            Self::TlvTableMod(change) => change.encode(out),
            Self::TlvTableReply(table) => table.encode(out),
            Self::CtFlushZone(zone) => {
                out.zeros(6);
                out.u16(*zone);
            }
            Self::CtFlush(which) => which.encode(out),
            Self::FeaturesRequest
            | Self::GetConfigRequest
            | Self::BarrierRequest
            | Self::BarrierReply
            | Self::GetAsyncRequest
            | Self::FlowAge
            | Self::FlowMonitorPaused
            | Self::FlowMonitorResumed
            | Self::TlvTableRequest
            | Self::StatsReply(_) => {}
        }
        Ok(())
    }
}

/// Flow monitors were Open vSwitch's, then the ONF's; from 1.4 on these are no messages of their own.
fn monitor_kind(version: Version, nx: u32, onf: u32) -> Result<(u8, Option<(u32, u32)>), EncodeError> {
    match version {
        Version::V10 | Version::V11 | Version::V12 => Ok((kinds::VENDOR, Some((NX_VENDOR, nx)))),
        Version::V13 => Ok((kinds::VENDOR, Some((ONF_VENDOR, onf)))),
        _ => Err(EncodeError::Unsupported { what: "a flow monitor's own message", version }),
    }
}

/// What is of the standard from 1.4 on, of the ONF in 1.3, and in no older version.
fn onf_kind(version: Version, kind: Later, subtype: u32) -> Result<(u8, Option<(u32, u32)>), EncodeError> {
    match (kind.number(version), version) {
        (Some(number), _) => Ok((number, None)),
        (None, Version::V13) => Ok((kinds::VENDOR, Some((ONF_VENDOR, subtype)))),
        _ => Err(EncodeError::Unsupported { what: "what the ONF added to 1.3", version }),
    }
}

/// A message without a body.
fn empty(body: &[u8], message: Message) -> Result<Message, OfError> {
    if body.is_empty() { Ok(message) } else { Err(OfError::BrcBadLen) }
}
