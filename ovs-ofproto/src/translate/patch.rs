//! Patch ports: translation goes on in the peer's bridge.

use ovs_flow::{FlowKey, OfPort, TunnelKey};

use super::context::Context;
use super::freeze::clear_conntrack;
use super::{Dep, MAX_DEPTH, Push, TranslateError};
use crate::snapshot::{BridgeId, BridgeSnap};
use crate::trace::Tracer;

impl<'s, T: Tracer> Context<'s, T> {
    /// Enters the peer's bridge as a packet that just came in there, and comes back.
    pub(super) fn cross_patch(&mut self, from: OfPort, peer: (BridgeId, OfPort)) {
        let (bridge, port) = peer;
        let Some(next) = self.snapshot.world.bridges.get(&bridge) else {
            self.warn(|| "Nonexistent patch port peer".into());
            return;
        };
        if self.depth >= MAX_DEPTH {
            self.fail(TranslateError::RecursionTooDeep, || format!("over max translation depth {MAX_DEPTH}"));
            return;
        }
        self.push.push(Push::Patch { from: (self.bridge.id, from), to: peer });
        self.depend(Dep::Bridge(bridge));
        let mut flow = self.flow;
        flow.in_port = u32::from(port.0);
        flow.metadata.set(0);
        flow.regs = Default::default();
        flow.tunnel = TunnelKey::default();
        flow.actset_output = u32::from(OfPort::UNSET.0);
        clear_conntrack(&mut flow);
        self.run_in(next, &flow);
    }

    /// Runs the tables of another bridge on a packet that comes in there, and comes back.
    pub(super) fn run_in(&mut self, bridge: &'s BridgeSnap, flow: &FlowKey) {
        let outer = (self.bridge, self.flow, self.table, self.cookie, self.table_miss_rule, self.exit);
        let (stack, set) = (std::mem::take(&mut self.stack), std::mem::take(&mut self.action_set));
        let in_packet_out = std::mem::replace(&mut self.in_packet_out, false);
        let mirrored = std::mem::take(&mut self.mirrored);
        (self.bridge, self.flow) = (bridge, *flow);
        let conntracked = std::mem::replace(&mut self.conntracked, false);
        self.depth += 1;
        self.open_bridge();
        self.enter_by_patch();
        self.close_bridge();
        self.depth -= 1;
        self.conntracked = conntracked;
        (self.bridge, self.flow, self.table, self.cookie, self.table_miss_rule, self.exit) = outer;
        (self.stack, self.action_set, self.in_packet_out) = (stack, set, in_packet_out);
        self.mirrored = mirrored;
    }
}
