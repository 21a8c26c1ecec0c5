//! Statistics and descriptions: requests, and answers in parts (OpenFlow 1.0, 5.3.5; 1.3, 7.3.5).

mod features;
mod flow;
mod group;
mod ipfix;
mod kind;
mod monitor;
pub(super) mod oxs;
mod parts;
mod port;
mod queue_desc;
mod reply;
mod request;
mod switch;
mod table;

pub use features::TableFeatures;
pub use flow::{FlowFacts, FlowFilter, FlowStats, FlowStatsEncoder};
pub use group::{GroupDesc, GroupFeatures, GroupStats};
pub use ipfix::IpfixStats;
pub use monitor::{FlowEvent, FlowUpdate, FlowUpdateFull, MonitorCommand, MonitorFlags, MonitorRequest};
pub use port::{PortStats, QueueStats};
pub use queue_desc::QueueDesc;
pub use reply::{StatsReply, StatsReplyBody};
pub use request::StatsRequest;
pub use switch::SwitchDesc;
pub use table::{AggregateStats, TableAbilities, TableStats};

pub(crate) use kind::StatsKind;

use crate::OfError;
use crate::header::Reader;

/// In which words a request for flows or sums was put; the answer must be in the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// Of the standard.
    #[default]
    Standard,
    /// Of Open vSwitch's extension (`NXST_FLOW`, `NXST_AGGREGATE`).
    Nicira,
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
