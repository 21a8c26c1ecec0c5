//! Knowing when a change has taken effect on every worker.
//!
//! ```text
//!   publish ─▶ Op::Sync ─▶ every worker has begun a turn ─▶ drain their messages ─▶ re-translate dependents
//!           ─▶ all changes of megaflows completed ─▶ settled: barrier replies and flow_removed go out
//! ```
//!
//! Rules that were removed before a settled state are let go of some at a time, behind what others wait for.

use ovs_classifier::Version;
use ovs_dpif::{Op, Ticket};

use super::Switch;
use super::poll::MESSAGES;

/// Counts settled states. A request is settled when the count has reached it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Settled(pub u64);

/// Rules that a turn lets go of, and memory that it gives back, in values.
const COLLECTED: usize = 8192;

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    /// Waiting for workers to begin a turn.
    Sync(Ticket),
    /// All have: what they have said by then, and what follows from it, is being worked on.
    Working { drained: bool },
}

/// What is waited for.
#[derive(Debug, Default)]
pub(super) struct Settler {
    phase: Phase,
    /// What requests wait for that come now.
    wanted: u64,
    /// What the present round settles.
    round: u64,
    settled: u64,
    /// The version that all workers have left behind when the present round's sync is done.
    version: Version,
    /// Rules were removed later than that, and a round is to come that lets go of them.
    collect: bool,
    /// The version that all workers had left behind when the last round ended.
    past: Version,
}

impl Settler {
    /// A completion; `false` if it was not waited for here.
    pub fn done(&mut self, ticket: Ticket) -> bool {
        let mine = matches!(self.phase, Phase::Sync(waited) if waited == ticket);
        if mine {
            self.phase = Phase::Working { drained: false };
        }
        mine
    }

    /// The version that had been left behind by all workers when the last round ended.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The version that every reader has left behind.
    pub fn past(&self) -> Version {
        self.past
    }

    pub fn settled(&self) -> Settled {
        Settled(self.settled)
    }
}

impl Switch {
    /// Asks to be told when everything up to now has taken effect.
    pub(super) fn request_settling(&mut self) -> Settled {
        // A round that is under way may have begun before the latest change: the next one counts.
        let next = self.settler.round + 1;
        self.settler.wanted = self.settler.wanted.max(next);
        Settled(next)
    }

    /// Asks for a round after which rules that were removed of late can be let go of.
    pub(super) fn request_collection(&mut self) {
        let past = self.settler.past;
        if !self.settler.collect && self.bridges.values().any(|bridge| bridge.tables.waits_beyond(past)) {
            self.settler.collect = true;
            self.request_settling();
        }
    }

    /// Lets go of some of the rules that nobody sees any more; says whether there are more.
    pub(super) fn collect(&mut self) -> bool {
        let mut left = COLLECTED;
        for bridge in self.bridges.values_mut() {
            left -= bridge.tables.gc(self.settler.past, left);
        }
        let dropped = self.shared.domain.reclaim(COLLECTED);
        left == 0 || dropped == COLLECTED
    }

    /// Goes on with the present round. Says whether the datapath was too busy for it.
    pub(super) fn settle(&mut self, messages_drained: bool) -> bool {
        let waiting = matches!(self.settler.phase, Phase::Idle);
        let busy = self.step(messages_drained);
        // Workers that rest have nothing to leave behind: the datapath says so at once, and the round ends here.
        if waiting && matches!(self.settler.phase, Phase::Sync(_)) {
            self.take_events(self.now, &mut |_| false);
            if matches!(self.settler.phase, Phase::Working { .. }) {
                // What they have said before they rested may have come after the messages were drained.
                let drained = self.take_messages(MESSAGES) < MESSAGES;
                self.step(drained);
            }
        }
        busy
    }

    fn step(&mut self, messages_drained: bool) -> bool {
        match self.settler.phase {
            Phase::Idle if self.settler.wanted > self.settler.round => {
                self.publish();
                let Ok(ticket) = self.dpif.submit(Op::Sync) else { return true };
                self.settler.round += 1;
                self.settler.version = self.shared.version();
                self.settler.phase = Phase::Sync(ticket);
            }
            Phase::Working { drained } => {
                let drained = drained || messages_drained;
                self.settler.phase = Phase::Working { drained };
                if drained && self.is_revalidated() {
                    self.end_round();
                }
            }
            Phase::Idle | Phase::Sync(_) => {}
        }
        false
    }

    /// Whether everything that was asked for so far has taken effect on every worker. Meaningful after
    /// [`Switch::poll`].
    pub fn is_settled(&self) -> bool {
        let idle = matches!(self.settler.phase, Phase::Idle) && self.settler.wanted <= self.settler.round;
        let published = !self.rules_changed && !self.world_changed;
        self.drained && idle && published && self.is_revalidated() && !self.agents_have_work()
    }

    /// Whether megaflows are as the tables say, or as they were when somebody stopped translating them again.
    fn is_revalidated(&self) -> bool {
        self.upkeep.paused || self.revalidator.settled()
    }

    fn end_round(&mut self) {
        self.settler.phase = Phase::Idle;
        self.settler.settled = self.settler.round;
        self.settler.collect = false;
        self.settler.past = self.settler.version;
        self.drop_meters();
        self.tell_settled();
    }
}
