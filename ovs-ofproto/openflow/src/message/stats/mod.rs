//! Statistics and descriptions: requests, and answers in parts (OpenFlow 1.0, 5.3.5; 1.3, 7.3.5).

mod features;
mod flow;
mod parts;
mod port;
mod switch;
mod table;

pub use features::TableFeatures;
pub use flow::{FlowFacts, FlowFilter, FlowStats, FlowStatsEncoder};
pub use port::{PortStats, QueueStats};
pub use switch::SwitchDesc;
pub use table::{AggregateStats, TableStats};

use ovs_flow::OfPort;

use super::port::{PortDesc, decode_port, encode_port};
use crate::error::NX_VENDOR;
use crate::header::{Put, Reader};
use crate::{EncodeError, OfError, Protocol, Version};
use parts::Parts;

/// In which words a request for flows or sums was put; the answer must be in the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// Of the standard.
    #[default]
    Standard,
    /// Of Open vSwitch's extension (`NXST_FLOW`, `NXST_AGGREGATE`).
    Nicira,
}

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
    /// A queue's counters; of all with [`OfPort::ALL`] and [`QueueStats::ALL`].
    Queue {
        /// The port.
        port: OfPort,
        /// The queue.
        queue: u32,
    },
    /// A port's description; of all ports with [`OfPort::NONE`] (only 1.5 can name one).
    PortDesc(OfPort),
    /// What every table can do; with entries, a wish to change it (from 1.3).
    TableFeatures(Vec<TableFeatures>),
}

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
    /// Descriptions of ports.
    PortDesc(Vec<PortDesc>),
    /// What tables can do.
    TableFeatures(Vec<TableFeatures>),
}

impl From<StatsReplyBody> for StatsReply {
    fn from(body: StatsReplyBody) -> Self {
        Self { more: false, body }
    }
}

/// Which statistics, as the wire numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StatsKind {
    /// Of the standard.
    Std(u16),
    /// Of Open vSwitch.
    Nx(u32),
}

impl StatsKind {
    const DESC: Self = Self::Std(0);
    const FLOW: Self = Self::Std(1);
    const AGGREGATE: Self = Self::Std(2);
    const TABLE: Self = Self::Std(3);
    const PORT: Self = Self::Std(4);
    const QUEUE: Self = Self::Std(5);
    const TABLE_FEATURES: Self = Self::Std(12);
    const PORT_DESC: Self = Self::Std(13);
    const NX_FLOW: Self = Self::Nx(0);
    const NX_AGGREGATE: Self = Self::Nx(1);

    const fn flow(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Standard => Self::FLOW,
            Dialect::Nicira => Self::NX_FLOW,
        }
    }

    const fn aggregate(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Standard => Self::AGGREGATE,
            Dialect::Nicira => Self::NX_AGGREGATE,
        }
    }

    fn encode(self, version: Version, flags: u16, out: &mut Vec<u8>) {
        out.u16(match self {
            Self::Std(kind) => kind,
            Self::Nx(_) => 0xffff,
        });
        out.u16(flags);
        if version > Version::V10 {
            out.zeros(4);
        }
        if let Self::Nx(subtype) = self {
            out.u32(NX_VENDOR);
            out.u32(subtype);
            if version == Version::V10 {
                out.zeros(4);
            }
        }
    }

    /// The kind and the flags.
    fn decode(version: Version, r: &mut Reader<'_>) -> Result<(Self, u16), OfError> {
        let (kind, flags) = (r.u16()?, r.u16()?);
        if version > Version::V10 {
            r.skip(4)?;
        }
        if kind != 0xffff {
            return Ok((Self::Std(kind), flags));
        }
        let (vendor, subtype) = (r.u32()?, r.u32()?);
        if vendor != NX_VENDOR {
            return Err(OfError::BrcBadVendor);
        }
        if version == Version::V10 {
            r.skip(4)?;
        }
        Ok((Self::Nx(subtype), flags))
    }
}

impl StatsRequest {
    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Desc => StatsKind::DESC.encode(version, 0, out),
            Self::Table => StatsKind::TABLE.encode(version, 0, out),
            Self::Flow(filter, dialect) => {
                StatsKind::flow(*dialect).encode(version, 0, out);
                return filter.encode(version, *dialect, out);
            }
            Self::Aggregate(filter, dialect) => {
                StatsKind::aggregate(*dialect).encode(version, 0, out);
                return filter.encode(version, *dialect, out);
            }
            Self::Port(port) => {
                StatsKind::PORT.encode(version, 0, out);
                encode_port(version, *port, out);
                out.zeros(if version == Version::V10 { 6 } else { 4 });
            }
            Self::Queue { port, queue } => {
                StatsKind::QUEUE.encode(version, 0, out);
                encode_port(version, *port, out);
                out.zeros(if version == Version::V10 { 2 } else { 0 });
                out.u32(*queue);
            }
            Self::PortDesc(port) => {
                StatsKind::PORT_DESC.encode(version, 0, out);
                if version >= Version::V15 {
                    out.u32(port.to_u32());
                    out.zeros(4);
                }
            }
            Self::TableFeatures(tables) => {
                StatsKind::TABLE_FEATURES.encode(version, 0, out);
                for table in tables {
                    table.encode(out)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let (kind, _flags) = StatsKind::decode(version, &mut r)?;
        let this = match kind {
            StatsKind::DESC => Self::Desc,
            StatsKind::TABLE => Self::Table,
            StatsKind::FLOW => Self::Flow(FlowFilter::decode(version, &mut r)?, Dialect::Standard),
            StatsKind::AGGREGATE => Self::Aggregate(FlowFilter::decode(version, &mut r)?, Dialect::Standard),
            StatsKind::NX_FLOW => Self::Flow(FlowFilter::decode_nx(&mut r)?, Dialect::Nicira),
            StatsKind::NX_AGGREGATE => Self::Aggregate(FlowFilter::decode_nx(&mut r)?, Dialect::Nicira),
            StatsKind::PORT => {
                let port = decode_port(version, &mut r)?;
                r.skip(if version == Version::V10 { 6 } else { 4 })?;
                Self::Port(port)
            }
            StatsKind::QUEUE => {
                let port = decode_port(version, &mut r)?;
                r.skip(if version == Version::V10 { 2 } else { 0 })?;
                Self::Queue { port, queue: r.u32()? }
            }
            StatsKind::PORT_DESC => {
                let port = if version >= Version::V15 { decode_port(version, &mut r)? } else { OfPort::NONE };
                r.skip(if version >= Version::V15 { 4 } else { 0 })?;
                Self::PortDesc(port)
            }
            StatsKind::TABLE_FEATURES if version >= Version::V13 => {
                Self::TableFeatures(many(&mut r, TableFeatures::decode)?)
            }
            StatsKind::Std(_) => return Err(OfError::BrcBadStat),
            StatsKind::Nx(_) => return Err(OfError::BrcBadSubtype),
        };
        r.finish()?;
        Ok(this)
    }
}

fn many<T>(
    r: &mut Reader<'_>,
    mut entry: impl FnMut(&mut Reader<'_>) -> Result<T, OfError>,
) -> Result<Vec<T>, OfError> {
    let mut entries = Vec::new();
    while !r.is_empty() {
        entries.push(entry(r)?);
    }
    Ok(entries)
}

impl StatsReplyBody {
    fn kind(&self) -> StatsKind {
        match self {
            Self::Desc(_) => StatsKind::DESC,
            Self::Flow(_, dialect) => StatsKind::flow(*dialect),
            Self::Aggregate(_, dialect) => StatsKind::aggregate(*dialect),
            Self::Table(_) => StatsKind::TABLE,
            Self::Port(_) => StatsKind::PORT,
            Self::Queue(_) => StatsKind::QUEUE,
            Self::PortDesc(_) => StatsKind::PORT_DESC,
            Self::TableFeatures(_) => StatsKind::TABLE_FEATURES,
        }
    }

    fn push_all(&self, version: Version, parts: &mut Parts) -> Result<(), EncodeError> {
        match self {
            Self::Desc(desc) => parts.push(|out| {
                desc.encode(out);
                Ok(())
            }),
            Self::Aggregate(sums, _) => parts.push(|out| {
                sums.encode(out);
                Ok(())
            }),
            Self::Flow(flows, dialect) => flows.iter().try_for_each(|flow| {
                parts.push(|out| {
                    flow::encode_entry(version, *dialect, &flow.facts, &flow.matching, &flow.actions, out)
                })
            }),
            Self::Table(tables) => tables.iter().try_for_each(|t| parts.push(|out| t.encode(version, out))),
            Self::Port(ports) => ports.iter().try_for_each(|p| parts.push(|out| p.encode(version, out))),
            Self::Queue(queues) => queues.iter().try_for_each(|q| {
                parts.push(|out| {
                    q.encode(version, out);
                    Ok(())
                })
            }),
            Self::PortDesc(ports) => ports.iter().try_for_each(|p| {
                parts.push(|out| {
                    p.encode(version, out);
                    Ok(())
                })
            }),
            Self::TableFeatures(tables) => tables.iter().try_for_each(|t| parts.push(|out| t.encode(out))),
        }
    }
}

impl StatsReply {
    /// The whole answer as complete messages, one after the other.
    pub(super) fn encode(&self, protocol: Protocol, xid: u32) -> Result<Vec<u8>, EncodeError> {
        let mut parts = Parts::new(protocol, self.body.kind(), xid);
        self.body.push_all(protocol.version, &mut parts)?;
        Ok(parts.finish())
    }

    pub(super) fn decode(version: Version, body: &[u8]) -> Result<Self, OfError> {
        let mut r = Reader::new(body, OfError::BrcBadLen);
        let (kind, flags) = StatsKind::decode(version, &mut r)?;
        let r = &mut r;
        let body = match kind {
            StatsKind::DESC => StatsReplyBody::Desc(SwitchDesc::decode(r)?),
            StatsKind::FLOW => {
                StatsReplyBody::Flow(many(r, |r| FlowStats::decode(version, r))?, Dialect::Standard)
            }
            StatsKind::NX_FLOW => {
                StatsReplyBody::Flow(many(r, |r| FlowStats::decode_nx(version, r))?, Dialect::Nicira)
            }
            StatsKind::AGGREGATE => StatsReplyBody::Aggregate(AggregateStats::decode(r)?, Dialect::Standard),
            StatsKind::NX_AGGREGATE => StatsReplyBody::Aggregate(AggregateStats::decode(r)?, Dialect::Nicira),
            StatsKind::TABLE => StatsReplyBody::Table(many(r, |r| TableStats::decode(version, r))?),
            StatsKind::PORT => StatsReplyBody::Port(many(r, |r| PortStats::decode(version, r))?),
            StatsKind::QUEUE => StatsReplyBody::Queue(many(r, |r| QueueStats::decode(version, r))?),
            StatsKind::PORT_DESC => StatsReplyBody::PortDesc(many(r, |r| PortDesc::decode(version, r))?),
            StatsKind::TABLE_FEATURES => StatsReplyBody::TableFeatures(many(r, TableFeatures::decode)?),
            StatsKind::Std(_) => return Err(OfError::BrcBadStat),
            StatsKind::Nx(_) => return Err(OfError::BrcBadSubtype),
        };
        r.finish()?;
        Ok(Self { more: flags & parts::MORE != 0, body })
    }
}
