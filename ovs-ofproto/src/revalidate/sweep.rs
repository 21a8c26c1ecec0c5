//! The slow pass over everything that the datapath has: counters, expiry, and what nobody knows.

use std::time::Duration;

use ovs_dpif::{FlowCursor, FlowStats, Op, WorkerId};
use ovs_flow::Ufid;

use super::Revalidator;
use super::pass::Growth;

/// Megaflows looked at between two looks at the budget.
const CHUNK: usize = 256;

/// How long megaflows stay, and how many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aging {
    pub max_idle: Duration,
    pub limit: usize,
    pub interval: Duration,
}

impl Aging {
    /// With too many megaflows they go sooner.
    fn idle(&self, flows: usize) -> Duration {
        if flows > self.limit { self.max_idle.min(Duration::from_millis(100)) } else { self.max_idle }
    }
}

impl Revalidator {
    /// Goes on with the pass, or begins the next one if it is time. Gives the megaflows that the datapath has
    /// and the index has not.
    pub fn sweep(
        &mut self,
        now: Duration,
        aging: Aging,
        dpif: &mut dyn ovs_dpif::Dpif,
        push: Growth<'_>,
        budget: usize,
    ) -> Vec<Ufid> {
        let mut unknown = Vec::new();
        let mut left = budget;
        if self.sweep.cursor.is_none() {
            if now < self.sweep.next {
                return unknown;
            }
            self.sweep.round += 1;
            self.sweep.began = now;
            self.sweep.cursor = Some(FlowCursor::default());
        }
        while let (Some(mut cursor), true) = (self.sweep.cursor, left > 0) {
            let mut views: Vec<(Ufid, WorkerId, FlowStats)> = Vec::new();
            let chunk = CHUNK.min(left);
            let more = dpif.dump_flows(&mut cursor, chunk, &mut |view| {
                views.push((view.ufid, view.worker, view.stats));
            });
            left = left.saturating_sub(views.len().max(1));
            self.sweep.cursor = more.then_some(cursor);
            for (ufid, worker, stats) in views {
                if !self.look_at(ufid, worker, &stats, push) {
                    unknown.push(ufid);
                }
            }
            if !more {
                self.sweep.next = now + aging.interval;
                self.stats.swept(self.index.len(), now.saturating_sub(self.sweep.began));
                self.end_round(now, aging, dpif);
            }
        }
        unknown
    }

    fn look_at(&mut self, ufid: Ufid, worker: WorkerId, stats: &FlowStats, push: Growth<'_>) -> bool {
        let round = self.sweep.round;
        let Some(flow) = self.index.get_mut(&ufid) else { return false };
        flow.round = round;
        if !flow.busy {
            self.push_growth(ufid, worker, stats, push);
        }
        true
    }

    /// Deletes what is idle, and forgets what the datapath has not shown for two passes.
    fn end_round(&mut self, now: Duration, aging: Aging, dpif: &mut dyn ovs_dpif::Dpif) {
        let idle = aging.idle(self.index.len());
        let round = self.sweep.round;
        let mut expired = Vec::new();
        let mut lost = Vec::new();
        for (ufid, flow) in self.index.iter().filter(|(_, flow)| !flow.busy) {
            if flow.round + 2 <= round {
                lost.push(*ufid);
            } else if flow.used.max(flow.created) + idle <= now {
                expired.push(*ufid);
            }
        }
        for ufid in lost {
            self.index.remove(&ufid);
        }
        for ufid in expired {
            if !self.delete(ufid, dpif) {
                break;
            }
            self.stats.expired += 1;
        }
    }

    /// Deletes a megaflow that nobody knows.
    pub fn delete_unknown(ufid: Ufid, dpif: &mut dyn ovs_dpif::Dpif) {
        // If the queue is full, the next pass finds it again.
        let _ = dpif.submit(Op::FlowDel { ufid, worker: None });
    }
}
