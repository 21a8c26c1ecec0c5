//! Freezing: when the datapath has to look at a packet anew, what is left to do waits under an identifier.
//!
//! ```text
//!   action that needs it ─▶ freeze() ─▶ lists on the way out keep their rests ─▶ finish_freezing() ─▶ recirc(ID)
//!   packet with recirc_id=ID ─▶ thaw() ─▶ rests in order ─▶ action set
//! ```

use ovs_dpif::{Action as DpAction, ControllerPunt, HashAlgorithm, PuntCookie, UserspaceAction};
use ovs_flow::{FlowKey, TableId};
use ovs_openflow::{Action, ToController};

use super::TranslateError;
use super::context::Context;
use super::list::{Item, List};
use crate::recirc::{FrozenState, Step};
use crate::trace::{NodeKind, Tracer};

impl<'s, T: Tracer> Context<'s, T> {
    /// From here on lists end, and keep what they have not done.
    pub(super) fn freeze(&mut self) {
        self.exit = true;
        self.freezing = true;
    }

    /// The same, with the datapath's hash of the packet as it is now: the action that asks for it runs then.
    pub(super) fn freeze_for_hash(&mut self, algorithm: HashAlgorithm, basis: u32) {
        self.freeze();
        (self.again, self.hashed) = (true, Some((algorithm, basis)));
    }

    /// Keeps the rest of a list.
    pub(super) fn keep(&mut self, mut rest: List<'_>) {
        while let Some((item, others)) = rest.split_first() {
            match item {
                Item::Action(action) => {
                    if names_rule(action) {
                        self.keep_origin(Step::From { table: self.table, cookie: self.cookie });
                    }
                    self.kept.push(Step::Action(action.clone()));
                }
                Item::From(step) => self.kept.push(step.clone()),
            }
            rest = others;
        }
    }

    fn keep_origin(&mut self, from: Step) {
        let known = self.kept.iter().rev().find(|step| matches!(step, Step::From { .. }));
        if known != Some(&from) {
            self.kept.push(from);
        }
    }

    /// Writes out what was done, and hands the rest to the packet's next coming.
    pub(super) fn finish_freezing(&mut self) {
        self.commit();
        if self.dry && self.pause.is_some() {
            // As in the original: what nobody is told goes on being frozen, so that lists behind a bucket that paused end
            // with a commit, too.
            return;
        }
        self.freezing = false;
        let pause = self.pause.take();
        let mut state = self.frozen_state(pause.map(|to| to.userdata.as_slice()).unwrap_or_default());
        state.table = TableId(0);
        state.steps = std::mem::take(&mut self.kept).into();
        state.action_set = self.action_set.iter().map(|action| (*action).clone()).collect();
        let Some(held) = self.snapshot.shared.recirculation.intern(state) else {
            self.fail(TranslateError::NoRecirculation, || "Failed to allocate recirculation id".into());
            return;
        };
        if let Some(to) = pause {
            self.out.push(self.pause_action(to, held.id));
        } else {
            if let Some((algorithm, basis)) = self.hashed.take() {
                self.out.push(DpAction::Hash { algorithm, basis });
            }
            self.out.push(DpAction::Recirc(held.id));
        }
        self.frozen.push(held);
    }

    fn pause_action(&self, to: &ToController, recirc_id: u32) -> DpAction {
        let cookie = PuntCookie::Controller(ControllerPunt {
            reason: to.reason.wire(),
            dont_send: false,
            continuation: true,
            recirc_id,
            rule_cookie: self.cookie,
            controller_id: to.controller_id,
            max_len: to.max_len,
        });
        DpAction::Userspace(UserspaceAction { cookie, egress: None })
    }

    /// The state as it is, with nothing left to do.
    pub(super) fn frozen_state(&self, userdata: &[u8]) -> FrozenState {
        let mut state = FrozenState::new(self.bridge.id, self.table, &self.flow, userdata);
        state.stack = self.stack.as_slice().into();
        (state.was_mpls, state.conntracked) = (self.was_mpls, self.conntracked);
        state.mirrored = self.mirrored;
        state
    }

    /// Goes on with a packet that was frozen.
    pub(super) fn thaw(&mut self, state: &'s FrozenState) {
        self.table = state.table;
        if T::ACTIVE {
            self.tracer.open(NodeKind::Thaw, "thaw".into());
        }
        self.report(NodeKind::Thaw, || format!("Resuming from table {}", state.table.0));
        if !state.conntracked {
            clear_conntrack(&mut self.flow);
        }
        (self.was_mpls, self.conntracked) = (state.was_mpls, state.conntracked);
        self.mirrored = state.mirrored;
        state.restore(&mut self.flow);
        self.stack = state.stack.to_vec();
        if !state.action_set.is_empty() {
            self.action_set = state.action_set.iter().collect();
            self.report_set("restored");
        }
        if T::ACTIVE {
            if !state.steps.is_empty() {
                let texts: Vec<String> = state.steps.iter().map(ToString::to_string).collect();
                self.report(NodeKind::Thaw, || format!("Restoring actions: {}", texts.join(",")));
            }
            self.tracer.close();
        }
        if state.steps.is_empty() {
            self.enter_table(state.table);
        } else {
            self.mirror_input();
            self.run_outermost(List::Steps(&state.steps));
        }
    }

    /// Runs a list with nothing around it.
    pub(super) fn run_outermost(&mut self, list: List<'s>) {
        self.run_list(list);
        self.end_list();
    }

    /// What follows a list that stands for all that happens to a packet.
    pub(super) fn end_list(&mut self) {
        if self.error.is_some() {
            return;
        }
        if !self.freezing {
            self.run_action_set();
        }
        if self.freezing {
            self.finish_freezing();
        }
    }
}

/// Whether an action tells a controller about the rule that it is of, or means its table.
fn names_rule(action: &Action) -> bool {
    match action {
        Action::OutputReg { .. }
        | Action::OutputTruncated { .. }
        | Action::Group(_)
        | Action::Output { .. }
        | Action::Controller(_)
        | Action::DecMplsTtl
        | Action::DecNshTtl
        | Action::DecTtl(_) => true,
        Action::Resubmit { table, .. } => *table == TableId::ALL,
        _ => false,
    }
}

/// What the connection tracker said is of no use any more.
pub(super) fn clear_conntrack(flow: &mut FlowKey) {
    (flow.ct_state, flow.ct_zone, flow.ct_mark, flow.ct_nw_proto) = (0, 0, 0, 0);
    flow.ct_label = [0; 16];
    flow.ct_nw_src.set(0);
    flow.ct_nw_dst.set(0);
    (flow.ct_ipv6_src, flow.ct_ipv6_dst) = ([0; 16], [0; 16]);
    flow.ct_tp_src.set(0);
    flow.ct_tp_dst.set(0);
}
