//! One turn of the control side.

use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::{Switch, Turn, learn};
use crate::revalidate::{Change, Revalidator};
use crate::snapshot::BridgeId;
use crate::translate::{Decide, LearnedFlow};

/// Messages of workers taken in between two looks at the rest.
pub(super) const MESSAGES: usize = 4096;

impl Switch {
    /// Goes on with all that is pending, within about `budget` pieces of work (messages, requests, megaflows).
    pub fn poll(&mut self, now: Duration, budget: usize) -> Turn {
        self.poll_ready(now, budget, &mut |_| true)
    }

    /// As [`Switch::poll`], but a device that waits on a descriptor is asked for changes only if `ready` says yes to
    /// that: for who has slept on [`Switch::waits`] and knows.
    pub fn poll_ready(
        &mut self,
        now: Duration,
        budget: usize,
        ready: &mut dyn FnMut(BorrowedFd<'_>) -> bool,
    ) -> Turn {
        self.now = self.now.max(now);
        let now = self.now;
        let mut left = budget.max(1);
        let taken = self.take_messages(left.min(MESSAGES));
        let drained = taken < left.min(MESSAGES);
        left -= taken.min(left - 1);
        self.take_events(now, ready);
        self.run_monitors();
        self.expire(left);
        let fail_open = self.check_fail_open();
        left -= self.run_agents(left).min(left - 1);
        self.check_in_band();
        self.publish();
        left -= self.revalidate(left).min(left - 1);
        self.sweep(left);
        self.request_collection();
        let busy = self.settle(drained);
        self.publish();
        self.resume_monitors();
        self.flush_outputs();
        // Counters that the sweep has pushed may have moved addresses: their dependents are to be marked yet.
        let dirty = !self.upkeep.paused
            && (!self.revalidator.dirty.is_empty() || !self.revalidator.changes.is_empty());
        let more = !drained | dirty | self.agents_have_work() | self.collect();
        self.drained = drained;
        let next = self.next_deadline(busy).into_iter().chain(fail_open).min();
        Turn { events: std::mem::take(&mut self.events), next, more }
    }

    fn expire(&mut self, budget: usize) {
        let now = self.now;
        let names: Vec<String> = self
            .bridges
            .iter()
            .filter(|(_, bridge)| bridge.next_expiry().is_some_and(|at| at <= now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.change_rules(&name, |bridge, round| bridge.expire_rules(budget, round));
            let Some(bridge) = self.bridges.get_mut(&name) else { continue };
            let id = bridge.id;
            for key in bridge.macs.expire(now) {
                self.shared.count_mac_change();
                self.revalidator.changes.note(Change::Mac { bridge: id, key });
            }
        }
        self.expire_neighbors();
        self.settle_gone();
    }

    /// Translates dependents of changes again.
    fn revalidate(&mut self, budget: usize) -> usize {
        if self.upkeep.paused {
            return 0;
        }
        self.revalidator.mark_dependents();
        if self.revalidator.dirty.is_empty() {
            return 0;
        }
        let (snapshot, now) = (self.snapshot(), self.now);
        let version = self.version;
        let Self { dpif, scratch, bridges, shared, revalidator, .. } = self;
        let sink = super::effects::Sink::new(bridges, shared, now);
        // Counters are pushed between translations, never while one asks.
        let sink = RefCell::new(sink);
        let decide =
            |id: BridgeId, flow: &LearnedFlow| learn::can_learn(sink.borrow_mut().bridges, id, flow, version);
        let done = revalidator.revalidate(
            &snapshot,
            &mut **dpif,
            scratch,
            Decide(&decide),
            &mut |list, traffic| sink.borrow_mut().push(list, traffic),
            budget,
        );
        let news = sink.into_inner().note_learned(&mut revalidator.changes);
        self.follow_up(news);
        done
    }

    fn sweep(&mut self, budget: usize) {
        if self.upkeep.paused {
            return;
        }
        let limits = &self.config.limits;
        let aging = crate::revalidate::Aging {
            max_idle: self.state.max_idle.unwrap_or(limits.max_idle),
            limit: self.flow_limit(),
            interval: limits.sweep_interval,
        };
        let now = self.now;
        let Self { dpif, bridges, shared, revalidator, .. } = self;
        let mut sink = super::effects::Sink::new(bridges, shared, now);
        let unknown =
            revalidator.sweep(now, aging, &mut **dpif, &mut |list, traffic| sink.push(list, traffic), budget);
        let news = sink.note_learned(&mut revalidator.changes);
        self.follow_up(news);
        if !unknown.is_empty() {
            // Their messages came before them: after these are taken in, who is still unknown is nobody's.
            self.take_messages(usize::MAX);
            for ufid in unknown {
                if self.revalidator.index.get(&ufid).is_none() {
                    Revalidator::delete_unknown(ufid, &mut *self.dpif);
                }
            }
        }
        if self.revalidator.sweep.cursor.is_none() {
            self.shared.recirculation.sweep(now);
        }
    }

    fn next_deadline(&self, busy: bool) -> Option<Duration> {
        let flows = self.revalidator.index.len() > 0 || self.dpif.stats().flows > 0;
        let sweep = (flows && !self.upkeep.paused).then_some(self.revalidator.sweep.next);
        let retry = busy.then_some(self.now + Duration::from_millis(1));
        let rules = self.bridges.values().filter_map(crate::bridge::BridgeState::next_expiry);
        let own = self.net.neighbors.next_expiry().into_iter().chain(self.monitors.next());
        rules.chain(sweep).chain(retry).chain(own).min()
    }
}
