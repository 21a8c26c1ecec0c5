//! Statistics and descriptions.

mod answer;
mod features;
mod port;
mod queue;
mod table;

pub(in crate::switch) use answer::{Answer, facts};

use ovs_openflow::{
    AggregateStats, Message, OfError, StatsReply, StatsReplyBody, StatsRequest, SwitchDesc, Version,
};

use super::connection::{ConnId, Waiting};
use super::groups::group_features;
use crate::switch::Switch;

impl Switch {
    pub(super) fn serve_stats(&mut self, id: ConnId, xid: u32, request: StatsRequest) -> Result<(), OfError> {
        let name = self.bridge_name_of(id);
        let protocol = self.connections.get(&id).and_then(|conn| conn.protocol);
        let version = protocol.map_or(Version::V10, |protocol| protocol.version);
        let body = match request {
            StatsRequest::Flow(mut filter, dialect) => {
                self.bridge_of(id)?.place_options(&mut filter.matching)?;
                self.refresh_counters();
                let protocol = protocol.ok_or(OfError::BrcEperm)?;
                self.wait(id, Waiting::Answer(Box::new(Answer::new(*filter, protocol, dialect, xid))));
                return Ok(());
            }
            StatsRequest::Aggregate(mut filter, dialect) => {
                self.bridge_of(id)?.place_options(&mut filter.matching)?;
                self.refresh_counters();
                StatsReplyBody::Aggregate(self.aggregate(&name, &filter), dialect)
            }
            StatsRequest::Desc => StatsReplyBody::Desc(self.switch_desc(&name)),
            StatsRequest::Table => StatsReplyBody::Table(self.table_stats(&name, version)),
            StatsRequest::Port(port) => StatsReplyBody::Port(self.port_stats(&name, port)),
            StatsRequest::Queue { port, queue } => {
                StatsReplyBody::Queue(self.queue_stats(&name, port, queue)?)
            }
            StatsRequest::QueueDesc { port, queue } => {
                StatsReplyBody::QueueDesc(self.queue_descs(&name, port, queue)?)
            }
            StatsRequest::PortDesc(_) => StatsReplyBody::PortDesc(self.port_descs(&name)),
            StatsRequest::Group(group) => self.group_stats(&name, group),
            StatsRequest::GroupDesc(group) => self.group_descs(&name, group),
            StatsRequest::Meter(meter) => self.meter_stats(&name, meter)?,
            StatsRequest::MeterConfig(meter) => self.meter_configs(&name, meter)?,
            StatsRequest::MeterFeatures => StatsReplyBody::MeterFeatures(self.meter_features()),
            StatsRequest::GroupFeatures => StatsReplyBody::GroupFeatures(group_features(version)),
            StatsRequest::TableDesc => self.table_descs(&name),
            StatsRequest::IpfixBridge | StatsRequest::IpfixFlow => return Err(OfError::NxStNotConfigured),
            StatsRequest::TableFeatures(wanted) if wanted.is_empty() => {
                StatsReplyBody::TableFeatures(self.table_features(&name, version))
            }
            StatsRequest::TableFeatures(_) => return Err(OfError::TffcEperm),
            _ => return Err(OfError::BrcBadStat),
        };
        self.reply(id, xid, &Message::StatsReply(Box::new(StatsReply::from(body))));
        Ok(())
    }

    fn aggregate(&mut self, name: &str, filter: &ovs_openflow::FlowFilter) -> AggregateStats {
        let version = self.version;
        let mut sum = AggregateStats { packets: 0, bytes: 0, flows: 0 };
        let Some(bridge) = self.bridges.get_mut(name) else { return sum };
        for rule in bridge.select(&answer::criteria(filter), version) {
            let (packets, bytes) = rule.value().stats.counts();
            sum.packets += packets;
            sum.bytes += bytes;
            sum.flows += 1;
        }
        sum
    }

    fn switch_desc(&self, name: &str) -> SwitchDesc {
        let config = self.bridges.get(name).map(|bridge| &bridge.config);
        SwitchDesc {
            manufacturer: "Nicira, Inc.".into(),
            hardware: "Open vSwitch".into(),
            software: "3.7.1".into(),
            serial: config.and_then(|config| config.serial.clone()).unwrap_or_else(|| "None".into()),
            datapath: config.and_then(|config| config.description.clone()).unwrap_or_else(|| "None".into()),
        }
    }

    /// Takes the present counters of megaflows in, so that answers are exact, unless there are so many that the
    /// sweep is left to do that.
    pub(in crate::switch) fn refresh_counters(&mut self) {
        const EXACT: usize = 4096;
        self.take_messages(usize::MAX);
        if self.revalidator.index.len() > EXACT {
            return;
        }
        let mut views = Vec::new();
        let mut cursor = ovs_dpif::FlowCursor::default();
        while self.dpif.dump_flows(&mut cursor, EXACT, &mut |view| {
            views.push((view.ufid, view.worker, view.stats));
        }) {}
        self.with_revalidator(|revalidator, sink| {
            for (ufid, worker, stats) in views {
                if revalidator.index.get(&ufid).is_some_and(|flow| !flow.busy) {
                    revalidator
                        .push_growth(ufid, worker, &stats, &mut |list, traffic| sink.push(list, traffic));
                }
            }
        });
    }
}
