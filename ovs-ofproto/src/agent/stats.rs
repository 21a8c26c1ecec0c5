//! Statistics and descriptions.

use std::time::Duration;

use ovs_flow::OfPort;
use ovs_openflow::{
    Dialect, FlowFilter, FlowStatsEncoder, Message, OfError, Protocol, StatsReply, StatsReplyBody,
    StatsRequest,
};

use super::control::{Control, FlowPosition};
use super::output::Outbox;
use super::session::{Pending, Session};

/// Flows that are written in one step of a dump.
const STEP: usize = 512;

/// A dump of flows under way.
#[derive(Debug)]
pub(super) struct FlowDump {
    filter: Box<FlowFilter>,
    position: FlowPosition,
    encoder: FlowStatsEncoder,
}

impl FlowDump {
    /// Writes another few flows; gives itself back if there are more.
    pub fn go_on(
        mut self: Box<Self>,
        control: &mut dyn Control,
        out: &mut Outbox,
        now: Duration,
    ) -> Option<Box<Self>> {
        let (encoder, filter) = (&mut self.encoder, &self.filter);
        let more = control.flows(&mut self.position, filter, STEP, now, &mut |facts, matching, actions| {
            // A flow that the peer's version has no words for is left out, as it could not have been asked for.
            let _ = encoder.push(facts, matching, actions);
        });
        if more {
            out.append(&self.encoder.take_complete());
            return Some(self);
        }
        out.append(&self.encoder.finish());
        None
    }
}

impl Session {
    /// Answers a request for statistics.
    pub(super) fn stats(
        &mut self,
        protocol: Protocol,
        xid: u32,
        wanted: StatsRequest,
        control: &mut dyn Control,
        now: Duration,
    ) -> Result<(), OfError> {
        let body = match wanted {
            StatsRequest::Desc => StatsReplyBody::Desc(control.description()),
            StatsRequest::Flow(filter, dialect) => {
                self.begin_dump(protocol, xid, filter, dialect);
                return Ok(());
            }
            StatsRequest::Aggregate(filter, dialect) => {
                StatsReplyBody::Aggregate(control.aggregate(&filter, now), dialect)
            }
            StatsRequest::Table => StatsReplyBody::Table(control.table_stats()),
            StatsRequest::Port(port) => StatsReplyBody::Port(control.port_stats(port, now)?),
            StatsRequest::Queue { port, .. } => {
                self.check_port(port, control)?;
                StatsReplyBody::Queue(Vec::new())
            }
            StatsRequest::PortDesc(port) => {
                let mut ports = control.ports();
                ports.retain(|desc| port == OfPort::NONE || desc.port == port);
                StatsReplyBody::PortDesc(ports)
            }
            StatsRequest::TableFeatures(wishes) if wishes.is_empty() => {
                StatsReplyBody::TableFeatures(control.table_features())
            }
            StatsRequest::TableFeatures(_) => return Err(OfError::TffcEperm),
            _ => return Err(OfError::BrcBadStat),
        };
        self.answer(protocol, xid, &Message::StatsReply(Box::new(StatsReply::from(body))));
        Ok(())
    }

    fn begin_dump(&mut self, protocol: Protocol, xid: u32, filter: Box<FlowFilter>, dialect: Dialect) {
        let encoder = FlowStatsEncoder::new(protocol, dialect, xid);
        let dump = FlowDump { filter, position: FlowPosition::default(), encoder };
        self.pending = Some(Pending::Flows(Box::new(dump)));
    }

    /// No port has queues of its own here.
    pub(super) fn queue_config(
        &mut self,
        protocol: Protocol,
        xid: u32,
        port: OfPort,
        control: &mut dyn Control,
    ) -> Result<(), OfError> {
        self.check_port(port, control)?;
        self.answer(protocol, xid, &Message::QueueGetConfigReply { port, queues: Vec::new() });
        Ok(())
    }

    fn check_port(&self, port: OfPort, control: &mut dyn Control) -> Result<(), OfError> {
        let all = [OfPort::NONE, OfPort::ALL].contains(&port);
        if all || control.ports().iter().any(|desc| desc.port == port) {
            Ok(())
        } else {
            Err(OfError::QofcBadPort)
        }
    }
}
