//! What an answer says.

use super::parts::{self, Parts};
use super::{
    AggregateStats, Dialect, FlowStats, FlowUpdate, GroupDesc, GroupFeatures, GroupStats, IpfixStats,
    PortStats, QueueDesc, QueueStats, StatsKind, SwitchDesc, TableFeatures, TableStats, flow, many,
};
use crate::header::Reader;
use crate::message::{MeterConfig, MeterFeatures, MeterStats, PortDesc, TableDesc};
use crate::{EncodeError, OfError, Protocol, Version};

/// One part of an answer as it was received, or all of an answer to send.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsReply {
    /// Whether more parts follow. When sending, this is worked out from the length.
    pub more: bool,
    /// What the part says.
    pub body: StatsReplyBody,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StatsReplyBody {
    /// Who made the switch.
    Desc(SwitchDesc),
    /// Flows.
    Flow(Vec<FlowStats>, Dialect),
    /// Sums over flows.
    Aggregate(AggregateStats, Dialect),
    /// Tables.
    Table(Vec<TableStats>),
    /// Ports.
    Port(Vec<PortStats>),
    /// Queues.
    Queue(Vec<QueueStats>),
    /// Groups' counters.
    Group(Vec<GroupStats>),
    /// Groups.
    GroupDesc(Vec<GroupDesc>),
    /// What groups can do.
    GroupFeatures(GroupFeatures),
    /// Meters' counters.
    Meter(Vec<MeterStats>),
    /// Meters.
    MeterConfig(Vec<MeterConfig>),
    /// What meters can do.
    MeterFeatures(MeterFeatures),
    /// Descriptions of ports.
    PortDesc(Vec<PortDesc>),
    /// What tables can do.
    TableFeatures(Vec<TableFeatures>),
    /// Tables.
    TableDesc(Vec<TableDesc>),
    /// Queues' set-ups.
    QueueDesc(Vec<QueueDesc>),
    /// Watched flows.
    FlowMonitor(Vec<FlowUpdate>),
    /// The bridge's IPFIX exporter.
    IpfixBridge(IpfixStats),
    /// The flows' IPFIX exporters.
    IpfixFlow(Vec<IpfixStats>),
}

impl From<StatsReplyBody> for StatsReply {
    fn from(body: StatsReplyBody) -> Self {
        Self { more: false, body }
    }
}

impl StatsReplyBody {
    /// The number that the version gives it.
    pub(crate) fn kind(&self, version: Version) -> StatsKind {
        match self {
            Self::Desc(_) => StatsKind::DESC,
            Self::Flow(_, dialect) => StatsKind::flow(*dialect),
            Self::Aggregate(_, dialect) => StatsKind::aggregate(*dialect),
            Self::Table(_) => StatsKind::TABLE,
            Self::Port(_) => StatsKind::PORT,
            Self::Queue(_) => StatsKind::QUEUE,
            Self::Group(_) => StatsKind::for_group(StatsKind::GROUP, version),
            Self::GroupDesc(_) => StatsKind::for_group(StatsKind::GROUP_DESC, version),
            Self::GroupFeatures(_) => StatsKind::for_group(StatsKind::GROUP_FEATURES, version),
            Self::Meter(_) => StatsKind::METER,
            Self::MeterConfig(_) => StatsKind::METER_CONFIG,
            Self::MeterFeatures(_) => StatsKind::METER_FEATURES,
            Self::PortDesc(_) => StatsKind::PORT_DESC,
            Self::TableFeatures(_) => StatsKind::TABLE_FEATURES,
            Self::TableDesc(_) => StatsKind::TABLE_DESC,
            Self::QueueDesc(_) => StatsKind::QUEUE_DESC,
            Self::FlowMonitor(_) => StatsKind::flow_monitor(version),
            Self::IpfixBridge(_) => StatsKind::NX_IPFIX_BRIDGE,
            Self::IpfixFlow(_) => StatsKind::NX_IPFIX_FLOW,
        }
    }

    fn push_all(&self, version: Version, parts: &mut Parts) -> Result<(), EncodeError> {
        match self {
            Self::Desc(desc) => push_one(parts, |out| desc.encode(out)),
            Self::Aggregate(sums, _) => parts.push(|out| sums.encode(version, out)),
            Self::GroupFeatures(features) => push_one(parts, |out| features.encode(out)),
            Self::MeterFeatures(features) => push_one(parts, |out| features.encode(out)),
            Self::IpfixBridge(stats) => push_one(parts, |out| stats.encode(out)),
            Self::Flow(flows, dialect) => flows.iter().try_for_each(|flow| {
                parts.push(|out| {
                    flow::encode_entry(version, *dialect, &flow.facts, &flow.matching, &flow.actions, out)
                })
            }),
            Self::Table(tables) => push_each(tables, parts, |t, out| t.encode(version, out)),
            Self::Port(ports) => ports.iter().try_for_each(|p| parts.push(|out| p.encode(version, out))),
            Self::Queue(queues) => push_each(queues, parts, |q, out| q.encode(version, out)),
            Self::PortDesc(ports) => push_each(ports, parts, |p, out| p.encode(version, out)),
            Self::TableFeatures(tables) => tables.iter().try_for_each(|t| parts.push(|out| t.encode(out))),
            Self::Group(groups) => groups.iter().try_for_each(|g| parts.push(|out| g.encode(version, out))),
            Self::GroupDesc(groups) => {
                groups.iter().try_for_each(|g| parts.push(|out| g.encode(version, out)))
            }
            Self::Meter(meters) => push_each(meters, parts, MeterStats::encode),
            Self::MeterConfig(meters) => push_each(meters, parts, MeterConfig::encode_entry),
            Self::TableDesc(tables) => push_each(tables, parts, TableDesc::encode),
            Self::QueueDesc(queues) => push_each(queues, parts, QueueDesc::encode),
            Self::FlowMonitor(updates) => {
                updates.iter().try_for_each(|u| parts.push(|out| u.encode(version, out)))
            }
            Self::IpfixFlow(stats) => push_each(stats, parts, |s, out| s.encode(out)),
        }
    }

    fn decode(kind: StatsKind, version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        Ok(match kind {
            StatsKind::DESC => Self::Desc(SwitchDesc::decode(r)?),
            StatsKind::FLOW => Self::Flow(many(r, |r| FlowStats::decode(version, r))?, Dialect::Standard),
            StatsKind::NX_FLOW => Self::Flow(many(r, |r| FlowStats::decode_nx(version, r))?, Dialect::Nicira),
            StatsKind::AGGREGATE => Self::Aggregate(AggregateStats::decode(version, r)?, Dialect::Standard),
            StatsKind::NX_AGGREGATE => Self::Aggregate(AggregateStats::decode(version, r)?, Dialect::Nicira),
            StatsKind::TABLE => Self::Table(many(r, |r| TableStats::decode(version, r))?),
            StatsKind::PORT => Self::Port(many(r, |r| PortStats::decode(version, r))?),
            StatsKind::QUEUE => Self::Queue(many(r, |r| QueueStats::decode(version, r))?),
            StatsKind::GROUP => Self::Group(many(r, |r| GroupStats::decode(version, r))?),
            StatsKind::GROUP_DESC => Self::GroupDesc(many(r, |r| GroupDesc::decode(version, r))?),
            StatsKind::GROUP_FEATURES => Self::GroupFeatures(GroupFeatures::decode(r)?),
            StatsKind::METER => Self::Meter(many(r, MeterStats::decode)?),
            StatsKind::METER_CONFIG => Self::MeterConfig(many(r, MeterConfig::decode_entry)?),
            StatsKind::METER_FEATURES => Self::MeterFeatures(MeterFeatures::decode(r)?),
            StatsKind::PORT_DESC => Self::PortDesc(many(r, |r| PortDesc::decode(version, r))?),
            StatsKind::TABLE_FEATURES => Self::TableFeatures(many(r, TableFeatures::decode)?),
            StatsKind::TABLE_DESC => Self::TableDesc(many(r, TableDesc::decode)?),
            StatsKind::QUEUE_DESC => Self::QueueDesc(many(r, |r| QueueDesc::decode(version, r))?),
            StatsKind::FLOW_MONITOR => Self::FlowMonitor(many(r, |r| FlowUpdate::decode(version, r))?),
            StatsKind::NX_IPFIX_BRIDGE => Self::IpfixBridge(IpfixStats::decode(r)?),
            StatsKind::NX_IPFIX_FLOW => Self::IpfixFlow(many(r, IpfixStats::decode)?),
            other => return Err(other.unknown()),
        })
    }
}

fn push_one(parts: &mut Parts, entry: impl FnOnce(&mut Vec<u8>)) -> Result<(), EncodeError> {
    parts.push(|out| {
        entry(out);
        Ok(())
    })
}

fn push_each<T>(
    entries: &[T],
    parts: &mut Parts,
    entry: impl Fn(&T, &mut Vec<u8>),
) -> Result<(), EncodeError> {
    entries.iter().try_for_each(|one| push_one(parts, |out| entry(one, out)))
}

impl StatsReply {
    /// The whole answer as complete messages, one after the other.
    pub(in crate::message) fn encode(&self, protocol: Protocol, xid: u32) -> Result<Vec<u8>, EncodeError> {
        let version = protocol.version;
        let kind = self.body.kind(version);
        if !kind.is_of(version) {
            return Err(EncodeError::Unsupported { what: "these statistics", version });
        }
        let mut parts = Parts::new(protocol, kind, xid);
        self.body.push_all(version, &mut parts)?;
        Ok(parts.finish())
    }

    pub(in crate::message) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let (kind, flags) = StatsKind::decode(version, &mut r)?;
        if !kind.is_of(version) {
            return Err(kind.unknown());
        }
        let body = StatsReplyBody::decode(kind.twin(), version, &mut r)?;
        r.finish()?;
        Ok(Self { more: flags & parts::MORE != 0, body })
    }
}
