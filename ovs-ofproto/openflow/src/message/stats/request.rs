//! What is asked for.

use ovs_flow::OfPort;

use super::{Dialect, FlowFilter, MonitorRequest, StatsKind, TableFeatures, many};
use crate::header::{Put, Reader};
use crate::message::port::{decode_port, encode_port};
use crate::{EncodeError, OfError, Version};

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StatsRequest {
    /// Who made the switch.
    Desc,
    /// The flows that a filter lets through.
    Flow(Box<FlowFilter>, Dialect),
    /// Their sums.
    Aggregate(Box<FlowFilter>, Dialect),
    /// Every table's counters.
    Table,
    /// A port's counters; of all ports with [`OfPort::NONE`].
    Port(OfPort),
    /// A queue's counters; of all with [`OfPort::ALL`] and [`QueueStats::ALL`](super::QueueStats::ALL).
    Queue {
        /// The port.
        port: OfPort,
        /// The queue.
        queue: u32,
    },
    /// A group's counters; of all with [`GroupMod::ALL`](crate::GroupMod::ALL) (from 1.1, and in 1.0 by an extension).
    Group(u32),
    /// What a group is; before 1.5 all of them (likewise).
    GroupDesc(u32),
    /// What groups can do (from 1.2, and in 1.0 by an extension).
    GroupFeatures,
    /// A meter's counters; of all with [`MeterConfig::ALL`](crate::MeterConfig::ALL) (from 1.3).
    Meter(u32),
    /// What a meter is, likewise.
    MeterConfig(u32),
    /// What meters can do (from 1.3).
    MeterFeatures,
    /// A port's description; of all ports with [`OfPort::NONE`] (only 1.5 can name one).
    PortDesc(OfPort),
    /// What every table can do; with entries, a wish to change it (from 1.3).
    TableFeatures(Vec<TableFeatures>),
    /// What every table is (from 1.4).
    TableDesc,
    /// A queue's set-up; of all with [`OfPort::NONE`] and [`QueueStats::ALL`](super::QueueStats::ALL) (from 1.4).
    QueueDesc {
        /// The port.
        port: OfPort,
        /// The queue.
        queue: u32,
    },
    /// Watch flows.
    FlowMonitor(Vec<MonitorRequest>),
    /// What the bridge's IPFIX exporter has counted (extension).
    IpfixBridge,
    /// What the flows' IPFIX exporters have counted (extension).
    IpfixFlow,
}

impl StatsRequest {
    /// The number that the version gives it.
    pub(crate) fn kind(&self, version: Version) -> StatsKind {
        match self {
            Self::Desc => StatsKind::DESC,
            Self::Flow(_, dialect) => StatsKind::flow(*dialect),
            Self::Aggregate(_, dialect) => StatsKind::aggregate(*dialect),
            Self::Table => StatsKind::TABLE,
            Self::Port(_) => StatsKind::PORT,
            Self::Queue { .. } => StatsKind::QUEUE,
            Self::Group(_) => StatsKind::for_group(StatsKind::GROUP, version),
            Self::GroupDesc(_) => StatsKind::for_group(StatsKind::GROUP_DESC, version),
            Self::GroupFeatures => StatsKind::for_group(StatsKind::GROUP_FEATURES, version),
            Self::Meter(_) => StatsKind::METER,
            Self::MeterConfig(_) => StatsKind::METER_CONFIG,
            Self::MeterFeatures => StatsKind::METER_FEATURES,
            Self::PortDesc(_) => StatsKind::PORT_DESC,
            Self::TableFeatures(_) => StatsKind::TABLE_FEATURES,
            Self::TableDesc => StatsKind::TABLE_DESC,
            Self::QueueDesc { .. } => StatsKind::QUEUE_DESC,
            Self::FlowMonitor(_) => StatsKind::flow_monitor(version),
            Self::IpfixBridge => StatsKind::NX_IPFIX_BRIDGE,
            Self::IpfixFlow => StatsKind::NX_IPFIX_FLOW,
        }
    }

    pub(in crate::message) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let kind = self.kind(version);
        if !kind.is_of(version) {
            return Err(EncodeError::Unsupported { what: "these statistics", version });
        }
        kind.encode(version, 0, out);
        match self {
            Self::Flow(filter, dialect) | Self::Aggregate(filter, dialect) => {
                return filter.encode(version, *dialect, out);
            }
            Self::Port(port) => {
                encode_port(version, *port, out);
                out.zeros(if version == Version::V10 { 6 } else { 4 });
            }
            Self::Queue { port, queue } => {
                encode_port(version, *port, out);
                out.zeros(if version == Version::V10 { 2 } else { 0 });
                out.u32(*queue);
            }
            Self::QueueDesc { port, queue } => {
                out.u32(port.to_u32());
                out.u32(*queue);
            }
            Self::GroupDesc(_) if (Version::V11..Version::V15).contains(&version) => {}
            Self::Group(id) | Self::GroupDesc(id) | Self::Meter(id) | Self::MeterConfig(id) => {
                out.u32(*id);
                out.zeros(4);
            }
            Self::PortDesc(port) if version >= Version::V15 => {
                out.u32(port.to_u32());
                out.zeros(4);
            }
            Self::TableFeatures(tables) => return tables.iter().try_for_each(|table| table.encode(out)),
            Self::FlowMonitor(monitors) => {
                return monitors.iter().try_for_each(|monitor| monitor.encode(version, out));
            }
            Self::Desc
            | Self::Table
            | Self::GroupFeatures
            | Self::MeterFeatures
            | Self::PortDesc(_)
            | Self::TableDesc
            | Self::IpfixBridge
            | Self::IpfixFlow => {}
        }
        Ok(())
    }

    pub(in crate::message) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let (kind, _flags) = StatsKind::decode(version, &mut r)?;
        if !kind.is_of(version) {
            return Err(kind.unknown());
        }
        let this = Self::decode_kind(kind.twin(), version, &mut r)?;
        r.finish()?;
        Ok(this)
    }

    fn decode_kind(kind: StatsKind, version: Version, r: &mut Reader<'_>) -> Result<Self, OfError> {
        let id = |r: &mut Reader<'_>| {
            let id = r.u32()?;
            r.skip(4).map(|()| id)
        };
        Ok(match kind {
            StatsKind::DESC => Self::Desc,
            StatsKind::TABLE => Self::Table,
            StatsKind::FLOW => Self::Flow(FlowFilter::decode(version, r)?, Dialect::Standard),
            StatsKind::AGGREGATE => Self::Aggregate(FlowFilter::decode(version, r)?, Dialect::Standard),
            StatsKind::NX_FLOW => Self::Flow(FlowFilter::decode_nx(r)?, Dialect::Nicira),
            StatsKind::NX_AGGREGATE => Self::Aggregate(FlowFilter::decode_nx(r)?, Dialect::Nicira),
            StatsKind::PORT => {
                let port = decode_port(version, r)?;
                r.skip(if version == Version::V10 { 6 } else { 4 })?;
                Self::Port(port)
            }
            StatsKind::QUEUE => {
                let port = decode_port(version, r)?;
                r.skip(if version == Version::V10 { 2 } else { 0 })?;
                Self::Queue { port, queue: r.u32()? }
            }
            StatsKind::GROUP => Self::Group(id(r)?),
            StatsKind::GROUP_DESC if (Version::V11..Version::V15).contains(&version) => {
                Self::GroupDesc(crate::GroupMod::ALL)
            }
            StatsKind::GROUP_DESC => Self::GroupDesc(id(r)?),
            StatsKind::GROUP_FEATURES => Self::GroupFeatures,
            StatsKind::METER => Self::Meter(id(r)?),
            StatsKind::METER_CONFIG => Self::MeterConfig(id(r)?),
            StatsKind::METER_FEATURES => Self::MeterFeatures,
            StatsKind::PORT_DESC => {
                let port = if version >= Version::V15 { decode_port(version, r)? } else { OfPort::NONE };
                r.skip(if version >= Version::V15 { 4 } else { 0 })?;
                Self::PortDesc(port)
            }
            StatsKind::TABLE_FEATURES => Self::TableFeatures(many(r, TableFeatures::decode)?),
            StatsKind::TABLE_DESC => Self::TableDesc,
            StatsKind::QUEUE_DESC => Self::QueueDesc { port: decode_port(version, r)?, queue: r.u32()? },
            StatsKind::FLOW_MONITOR => Self::FlowMonitor(many(r, |r| MonitorRequest::decode(version, r))?),
            StatsKind::NX_IPFIX_BRIDGE => Self::IpfixBridge,
            StatsKind::NX_IPFIX_FLOW => Self::IpfixFlow,
            other => return Err(other.unknown()),
        })
    }
}
