//! Lists in lists: `clone`, and the two ways after `check_pkt_larger`.

use ovs_dpif::{Action as DpAction, CheckPktLenAction, SampleAction, SlowPath};
use ovs_flow::{FlowKey, Subfield};
use ovs_openflow::Action;

use super::TranslateError;
use super::context::Context;
use super::ct::tracks;
use super::list::List;
use crate::trace::Tracer;

/// How many lengths one translation may check: what follows each check is translated twice, so that a list of them doubles
/// with each. The original has no such limit; it does not survive as many.
const MAX_CHECKS: u32 = 64 * 64;

/// The depth to which samples must nest before copies are made with them; as in the original, which keeps three levels for
/// itself.
const SAMPLES: usize = 4;

/// What a packet is at the head of a list that runs on a copy.
struct Fork<'s> {
    flow: FlowKey,
    base: FlowKey,
    stack: Vec<(Subfield, ovs_flow::Wide)>,
    action_set: Vec<&'s Action>,
    was_mpls: bool,
    conntracked: bool,
}

impl<'s, T: Tracer> Context<'s, T> {
    /// `clone`, and rules behind a patch port: what the list does to the packet stays in it.
    pub(super) fn run_clone(&mut self, list: List<'s>) {
        let (flow, stack, set) = (self.flow, self.stack.clone(), self.action_set.clone());
        if self.last || list.actions().all(reversible) {
            self.run_outermost(list);
        } else if self.can_copy() {
            self.commit();
            let before = (self.base, self.was_mpls, self.conntracked);
            let inner = self.collect(|context| {
                let outer = std::mem::replace(&mut context.last, true);
                context.run_outermost(list);
                context.last = outer;
            });
            self.push_copy(inner);
            (self.base, self.was_mpls, self.conntracked) = before;
        }
        (self.flow, self.stack, self.action_set) = (flow, stack, set);
    }

    /// Whether the datapath can do a list on a copy of the packet.
    fn can_copy(&mut self) -> bool {
        let features = &self.snapshot.world.features;
        let can = features.clone || features.sample_nesting >= SAMPLES;
        if !can {
            self.fail_softly(|| "Failed to compose clone action".into());
        }
        can
    }

    /// A list on a copy: without an action for that, on a sample that every packet is in.
    pub(super) fn push_copy(&mut self, inner: Vec<DpAction>) {
        if inner.is_empty() {
            return;
        }
        self.out.push(if self.snapshot.world.features.clone {
            DpAction::Clone(inner.into())
        } else {
            DpAction::Sample(SampleAction { probability: u32::MAX, actions: inner.into() })
        });
    }

    /// A group's bucket, whose caller puts the packet's key back.
    pub(super) fn run_bucket(&mut self, list: List<'s>) {
        let last = std::mem::replace(&mut self.last, false);
        // As in the original, which forks before the tracker without a copy.
        if list.actions().all(|action| reversible(action) || tracks(action)) {
            self.run_bucket_list(list);
        } else if self.can_copy() {
            self.commit();
            let before = (self.base, self.was_mpls, self.conntracked);
            let inner = self.collect(|context| context.run_bucket_list(list));
            self.push_copy(inner);
            (self.base, self.was_mpls, self.conntracked) = before;
        }
        self.last = last;
    }

    fn run_bucket_list(&mut self, list: List<'s>) {
        self.run_list(list);
        if self.freezing {
            self.finish_freezing();
        }
    }

    /// `check_pkt_larger` where the datapath cannot look: each packet is looked at here. One that is not there is no longer
    /// than anything.
    pub(super) fn check_this_packet(&mut self, len: u16, dst: Subfield) {
        let larger = self.packet.is_some_and(|packet| packet.len() > usize::from(len));
        self.go_slow(SlowPath::Action);
        dst.set(&mut self.flow, larger.into());
    }

    /// `check_pkt_larger`: what follows it, once for each answer.
    pub(super) fn check_pkt_larger(&mut self, len: u16, dst: Subfield, rest: List<'s>) {
        self.commit();
        self.checks += 1;
        if self.checks > MAX_CHECKS {
            self.fail(TranslateError::TooManyResubmits, || format!("over {MAX_CHECKS} checks of lengths"));
            return;
        }
        let fork = self.fork();
        let greater = self.branch_on(dst, 1, rest);
        // As in the original, the stack and the action set are what the first way has left of them.
        let left = (std::mem::take(&mut self.stack), std::mem::take(&mut self.action_set));
        self.join(&fork);
        (self.stack, self.action_set) = left;
        self.exit = false;
        let less_equal = self.branch_on(dst, 0, rest);
        self.join(&fork);
        // If the second way ended the translation, the lists around end too.
        let check = CheckPktLenAction { len, greater: greater.into(), less_equal: less_equal.into() };
        self.out.push(DpAction::CheckPktLen(check));
    }

    fn branch_on(&mut self, dst: Subfield, answer: u128, rest: List<'s>) -> Vec<DpAction> {
        self.write(dst, &answer.into());
        self.collect(|context| context.run_outermost(rest))
    }

    fn fork(&self) -> Fork<'s> {
        Fork {
            flow: self.flow,
            base: self.base,
            stack: self.stack.clone(),
            action_set: self.action_set.clone(),
            was_mpls: self.was_mpls,
            conntracked: self.conntracked,
        }
    }

    fn join(&mut self, fork: &Fork<'s>) {
        (self.flow, self.base) = (fork.flow, fork.base);
        self.stack.clone_from(&fork.stack);
        self.action_set.clone_from(&fork.action_set);
        (self.was_mpls, self.conntracked) = (fork.was_mpls, fork.conntracked);
    }

    /// The datapath actions that `work` makes.
    pub(super) fn collect(&mut self, work: impl FnOnce(&mut Self)) -> Vec<DpAction> {
        let outer = std::mem::take(&mut self.out);
        self.buried += outer.len();
        work(self);
        self.buried -= outer.len();
        std::mem::replace(&mut self.out, outer)
    }
}

/// Whether what an action does to a packet can be taken back by setting fields.
fn reversible(action: &Action) -> bool {
    !matches!(
        action,
        Action::Ct(_)
            | Action::Meter(_)
            | Action::Nat(_)
            | Action::OutputTruncated { .. }
            | Action::Encap(_)
            | Action::Decap(_)
            | Action::DecNshTtl
    )
}
