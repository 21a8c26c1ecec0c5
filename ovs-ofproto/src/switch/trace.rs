//! Traces: what would happen to a packet, without it happening.

use ovs_flow::FlowKey;

use super::Switch;
use crate::BridgeError;
use crate::trace::{TraceReport, Tree};
use crate::translate::{Input, Start, translate_input};

impl Switch {
    /// What a bridge would do with a packet of this key; `key.in_port` is an OpenFlow port of the bridge. Nothing
    /// is learned, counted or sent.
    pub fn trace(&mut self, bridge: &str, key: &FlowKey) -> Result<TraceReport, BridgeError> {
        self.publish();
        let id = self.bridges.get(bridge).ok_or_else(|| BridgeError::NoBridge(bridge.to_owned()))?.id;
        let snapshot = self.snapshot();
        let mut tree = Tree::default();
        let input = Input { bridge: id, key: *key, packet: None, start: Start::Tables, dry: true };
        let result = translate_input(&snapshot, &input, &mut self.scratch, &mut tree);
        let last = result.last.as_deref().copied().unwrap_or(*key);
        Ok(TraceReport { flow: *key, tree, last, result })
    }
}
