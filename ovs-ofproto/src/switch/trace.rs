//! Traces: what would happen to a packet, without it happening.

use std::collections::VecDeque;

use ovs_flow::{CtState, FlowKey, Ufid};
use ovs_openflow::Action;
use ovs_packet::Packet;

use super::Switch;
use crate::BridgeError;
use crate::snapshot::{BridgeId, Snapshot};
use crate::trace::{Origins, TraceNames, TraceReport, Tracked, Tree};
use crate::traffic::Traffic;
use crate::translate::{Input, Push, Resumed, Start, Translation, translate_deciding, translate_input};

/// How often a traced packet may come again.
const MAX_RESUMED: usize = 4096;

/// How a packet is traced.
#[derive(Debug, Default)]
pub(super) struct How<'a> {
    /// The packet itself: what it teaches the switch is learned, as if it had come.
    pub packet: Option<Packet>,
    /// What is done with it in place of looking it up; with none, it is looked up.
    pub actions: &'a [Action],
    /// What the connection tracker is assumed to say, in turn; after that, that connections are new.
    pub next: &'a [CtState],
    /// Ports are shown by name.
    pub names: bool,
}

impl Switch {
    /// What a bridge would do with a packet of this key; `key.in_port` is an OpenFlow port of the bridge. Nothing
    /// is learned, counted or sent.
    pub fn trace(&mut self, bridge: &str, key: &FlowKey) -> Result<TraceReport, BridgeError> {
        self.trace_as(bridge, key, &How::default())
    }

    /// The same; the connection tracker is assumed to say `next`, in turn, and after that that connections are new.
    pub fn trace_tracked(
        &mut self,
        bridge: &str,
        key: &FlowKey,
        next: &[CtState],
    ) -> Result<TraceReport, BridgeError> {
        self.trace_as(bridge, key, &How { next, ..How::default() })
    }

    pub(super) fn trace_as(
        &mut self,
        bridge: &str,
        key: &FlowKey,
        how: &How<'_>,
    ) -> Result<TraceReport, BridgeError> {
        self.publish();
        let id = self.bridges.get(bridge).ok_or_else(|| BridgeError::NoBridge(bridge.to_owned()))?.id;
        let mut report = self.trace_once(id, key, how);
        // Held until the end: later packets refer to the states that earlier ones made.
        let mut waiting: VecDeque<Resumed> = report.result.resumed.iter().cloned().collect();
        let mut next = how.next.iter().copied();
        while let Some(Resumed { mut key, nat }) = waiting.pop_front() {
            let tracked = Tracked::assume(&mut key, next.next(), nat.as_ref());
            let mut resumed = self.trace_once(id, &key, how);
            resumed.tracked = Some(tracked);
            if report.resumed.len() + waiting.len() < MAX_RESUMED {
                waiting.extend(resumed.result.resumed.iter().cloned());
            }
            report.resumed.push(resumed);
        }
        Ok(report)
    }

    fn trace_once(&mut self, bridge: BridgeId, key: &FlowKey, how: &How<'_>) -> TraceReport {
        let snapshot = self.snapshot();
        let state = (key.recirc_id != 0).then(|| snapshot.shared.recirculation.find(key.recirc_id)).flatten();
        let (bridge, start) = match &state {
            Some(state) => (state.bridge, Start::Thaw(state)),
            None if key.recirc_id != 0 => (bridge, Start::Lost(key.recirc_id)),
            None if how.actions.is_empty() => (bridge, Start::Tables),
            None => (bridge, Start::Actions(how.actions)),
        };
        let (mut tree, packet) = (Tree::with_names(how.names), how.packet.as_ref());
        let result = self.with_learner(|scratch, decide| {
            let decide = packet.map(|_| decide);
            let input = Input { bridge, key, packet, start, dry: packet.is_none(), decide };
            translate_input(&snapshot, &input, scratch, &mut tree)
        });
        if let Some(packet) = packet {
            self.learn_from(&result, key, packet);
        }
        let last = result.last.as_deref().copied().unwrap_or(*key);
        let mut names = if how.names { self.trace_names(&snapshot, bridge) } else { TraceNames::default() };
        names.places = snapshot.options(bridge).places;
        TraceReport { flow: *key, tree, last, result, tracked: None, resumed: Vec::new(), names }
    }

    /// Learns what a traced packet teaches. Nothing is counted, and nothing is sent.
    fn learn_from(&mut self, result: &Translation, key: &FlowKey, packet: &Packet) {
        let teaches = |push: &&Push| {
            let told = matches!(push, Push::Neighbor { learned: Some(_), .. });
            told || matches!(push, Push::Learn { .. } | Push::LearnFlow { .. } | Push::FinTimeout { .. })
        };
        let push: Vec<Push> = result.push.iter().filter(teaches).cloned().collect();
        let (bytes, tcp_flags) = (packet.len() as u64, key.tcp_flags.get());
        self.push_packet(&push, Traffic { packets: 1, bytes, used: self.now, tcp_flags });
        self.publish();
    }

    fn trace_names(&self, snapshot: &Snapshot, bridge: BridgeId) -> TraceNames {
        let ports = snapshot.world.bridges.get(&bridge).map(|bridge| &bridge.ports);
        let openflow = ports.into_iter().flatten().map(|(number, port)| (*number, port.name.to_string()));
        let datapath = self.dpif.ports().into_iter().map(|port| (port.number, port.name));
        TraceNames { openflow: openflow.collect(), datapath: datapath.collect(), ..TraceNames::default() }
    }

    /// The rules and buckets by which a megaflow was made, in the order in which its packets come to them; `None` if
    /// the switch has made no such megaflow. They are those of now: a megaflow that has to change will do so soon.
    pub fn detrace(&mut self, ufid: Ufid) -> Option<Vec<String>> {
        self.publish();
        let key = self.revalidator.index.get(&ufid)?.key.expand();
        let (snapshot, mut origins) = (self.snapshot(), Origins::default());
        translate_deciding(&snapshot, &key, None, None, &mut self.scratch, &mut origins);
        Some(origins.0)
    }
}
