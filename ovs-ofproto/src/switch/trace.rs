//! Traces: what would happen to a packet, without it happening.

use std::collections::VecDeque;

use ovs_flow::{CtState, FlowKey};

use super::Switch;
use crate::BridgeError;
use crate::snapshot::{BridgeId, Snapshot};
use crate::trace::{TraceReport, Tracked, Tree};
use crate::translate::{Input, Resumed, Start, translate_input};

/// How often a traced packet may come again.
const MAX_RESUMED: usize = 4096;

impl Switch {
    /// What a bridge would do with a packet of this key; `key.in_port` is an OpenFlow port of the bridge. Nothing
    /// is learned, counted or sent.
    pub fn trace(&mut self, bridge: &str, key: &FlowKey) -> Result<TraceReport, BridgeError> {
        self.trace_tracked(bridge, key, &[])
    }

    /// The same; the connection tracker is assumed to say `next`, in turn, and after that that connections are new.
    pub fn trace_tracked(
        &mut self,
        bridge: &str,
        key: &FlowKey,
        next: &[CtState],
    ) -> Result<TraceReport, BridgeError> {
        self.publish();
        let id = self.bridges.get(bridge).ok_or_else(|| BridgeError::NoBridge(bridge.to_owned()))?.id;
        let snapshot = self.snapshot();
        let mut report = self.trace_once(&snapshot, id, key);
        // Held until the end: later packets refer to the states that earlier ones made.
        let mut waiting: VecDeque<Resumed> = report.result.resumed.iter().cloned().collect();
        let mut next = next.iter().copied();
        while let Some(Resumed { mut key, nat }) = waiting.pop_front() {
            let tracked = Tracked::assume(&mut key, next.next(), nat.as_ref());
            let mut resumed = self.trace_once(&snapshot, id, &key);
            resumed.tracked = Some(tracked);
            if report.resumed.len() + waiting.len() < MAX_RESUMED {
                waiting.extend(resumed.result.resumed.iter().cloned());
            }
            report.resumed.push(resumed);
        }
        Ok(report)
    }

    fn trace_once(&mut self, snapshot: &Snapshot, bridge: BridgeId, key: &FlowKey) -> TraceReport {
        let mut tree = Tree::default();
        let state = (key.recirc_id != 0).then(|| snapshot.shared.recirculation.find(key.recirc_id)).flatten();
        let (bridge, start) = match &state {
            Some(state) => (state.bridge, Start::Thaw(state)),
            None => (bridge, Start::Tables),
        };
        let input = Input { bridge, key: *key, packet: None, start, dry: true, decide: None };
        let result = translate_input(snapshot, &input, &mut self.scratch, &mut tree);
        let last = result.last.as_deref().copied().unwrap_or(*key);
        TraceReport { flow: *key, tree, last, result, tracked: None, resumed: Vec::new() }
    }
}
