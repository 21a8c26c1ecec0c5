//! Translating megaflows again, and what the datapath says of the changes.

use ovs_dpif::{Completion, FlowPut, FlowStats, Op, PutMode, Ticket, WorkerId};
use ovs_flow::{Match, Ufid};

use super::{Pending, Revalidator};
use crate::snapshot::Snapshot;
use crate::trace::Unwatched;
use crate::traffic::Traffic;
use crate::translate::{Decide, Push, Scratch, Translation, mask, translate_deciding};

/// Growth of counters, to be pushed.
pub(crate) type Growth<'a> = &'a mut dyn FnMut(&[Push], Traffic);

/// What translating again says.
enum Outcome {
    Keep,
    Modify(ovs_dpif::Actions),
    Delete,
}

impl Revalidator {
    /// Translates up to `budget` dirty megaflows again; says how many. Stops early if the datapath is busy.
    pub fn revalidate(
        &mut self,
        snapshot: &Snapshot,
        dpif: &mut dyn ovs_dpif::Dpif,
        scratch: &mut Scratch,
        decide: Decide<'_>,
        push: Growth<'_>,
        budget: usize,
    ) -> usize {
        let mut done = 0;
        while done < budget {
            let Some(ufid) = self.dirty.front().copied() else { break };
            done += 1;
            if !self.revalidate_one(ufid, snapshot, dpif, (scratch, decide), push) {
                break;
            }
            self.dirty.pop_front();
            self.queued.remove(&ufid);
        }
        done
    }

    /// `false` if the datapath's queue is full and the megaflow has to wait.
    fn revalidate_one(
        &mut self,
        ufid: Ufid,
        snapshot: &Snapshot,
        dpif: &mut dyn ovs_dpif::Dpif,
        (scratch, decide): (&mut Scratch, Decide<'_>),
        push: Growth<'_>,
    ) -> bool {
        let Some(flow) = self.index.get_mut(&ufid) else { return true };
        if flow.busy {
            // A change is under way, made from what was known before: when it completes, its turn comes again.
            flow.again = true;
            return true;
        }
        if flow.doomed {
            return self.delete(ufid, dpif);
        }
        let key = flow.key.expand();
        let translation = translate_deciding(snapshot, &key, None, Some(decide), scratch, &mut Unwatched);
        match self.judge(ufid, &translation) {
            Outcome::Keep => {
                self.stats.kept += 1;
                self.take_counters(ufid, dpif, push);
                self.adopt(ufid, translation, None);
                true
            }
            Outcome::Modify(actions) => {
                let Some(flow) = self.index.get(&ufid) else { return true };
                let put = FlowPut {
                    ufid: Some(ufid),
                    key: Box::new(key),
                    mask: Box::new(flow.mask.expand_mask()),
                    actions: actions.clone(),
                    mode: PutMode::Modify,
                    worker: None,
                };
                let Ok(ticket) = dpif.submit(Op::FlowPut(put)) else { return false };
                self.stats.modified += 1;
                self.take_counters(ufid, dpif, push);
                self.begin(ufid, ticket, Pending::Modify(ufid));
                self.adopt(ufid, translation, Some(actions));
                true
            }
            Outcome::Delete => self.delete(ufid, dpif),
        }
    }

    fn judge(&self, ufid: Ufid, translation: &Translation) -> Outcome {
        let Some(flow) = self.index.get(&ufid) else { return Outcome::Keep };
        let mut wanted = translation.mask;
        mask::for_datapath(&mut wanted);
        if !flow.mask.expand_mask().covers(&wanted) {
            return Outcome::Delete;
        }
        let actions = translation.megaflow_actions();
        if *flow.actions == *actions { Outcome::Keep } else { Outcome::Modify(actions.into()) }
    }

    /// Takes over what a megaflow counts for and depends on now.
    fn adopt(&mut self, ufid: Ufid, translation: Translation, actions: Option<ovs_dpif::Actions>) {
        self.index.set_deps(ufid, translation.deps);
        if let Some(flow) = self.index.get_mut(&ufid) {
            flow.push = translation.push;
            flow.frozen = translation.frozen;
            if let Some(actions) = actions {
                flow.actions = actions;
            }
        }
    }

    /// Deletes a megaflow; `false` if the datapath's queue is full.
    pub fn delete(&mut self, ufid: Ufid, dpif: &mut dyn ovs_dpif::Dpif) -> bool {
        if self.index.get(&ufid).is_none_or(|flow| flow.busy) {
            return true;
        }
        let Ok(ticket) = dpif.submit(Op::FlowDel { ufid, worker: None }) else { return false };
        self.stats.deleted += 1;
        self.begin(ufid, ticket, Pending::Delete(ufid));
        true
    }

    fn begin(&mut self, ufid: Ufid, ticket: Ticket, pending: Pending) {
        self.pending.insert(ticket, pending);
        if let Some(flow) = self.index.get_mut(&ufid) {
            flow.busy = true;
        }
    }

    /// Pushes what a megaflow has counted so far.
    fn take_counters(&mut self, ufid: Ufid, dpif: &mut dyn ovs_dpif::Dpif, push: Growth<'_>) {
        let mut seen: Vec<(WorkerId, FlowStats)> = Vec::new();
        let Some(flow) = self.index.get(&ufid) else { return };
        let matching = Match::new(&flow.key.expand(), flow.mask.expand_mask());
        dpif.get_flow(ufid, Some(&matching), &mut |view| seen.push((view.worker, view.stats)));
        for (worker, stats) in seen {
            self.push_growth(ufid, worker, &stats, push);
        }
    }

    /// Pushes the growth of one worker's counters.
    pub fn push_growth(&mut self, ufid: Ufid, worker: WorkerId, stats: &FlowStats, push: Growth<'_>) {
        let Some(flow) = self.index.get_mut(&ufid) else { return };
        let (packets, bytes) = flow.take_growth(worker, stats);
        if packets > 0 {
            let (used, tcp_flags) = (stats.used.unwrap_or(flow.used), stats.tcp_flags);
            push(&flow.push, Traffic { packets, bytes, used, tcp_flags });
        }
    }

    /// An operation has completed: its last counters are pushed. `false` if it was not the revalidator's.
    pub fn complete(&mut self, ticket: Ticket, completion: Option<&Completion>, push: Growth<'_>) -> bool {
        let Some(pending) = self.pending.remove(&ticket) else { return false };
        let (Pending::Modify(ufid) | Pending::Delete(ufid)) = pending;
        for (worker, stats) in completion.map(|done| done.stats.as_slice()).unwrap_or_default() {
            self.push_growth(ufid, *worker, stats, push);
        }
        match pending {
            Pending::Modify(ufid) => {
                let Some(flow) = self.index.get_mut(&ufid) else { return true };
                flow.busy = false;
                let again = std::mem::take(&mut flow.again);
                if completion.is_none() {
                    // It was gone: the next packet makes it anew.
                    self.index.remove(&ufid);
                } else if again {
                    self.mark(ufid);
                }
            }
            Pending::Delete(ufid) => {
                if let Some(next) = self.index.remove(&ufid).and_then(|flow| flow.next) {
                    self.index.insert(ufid, *next);
                    self.mark(ufid);
                }
            }
        }
        true
    }
}
