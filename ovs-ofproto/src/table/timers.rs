//! Timeouts of rules.
//!
//! A rule stands on the clock once, at the earliest moment at which it can end. If it was hit meanwhile, it goes
//! back on the clock at its new earliest moment. Rules that are gone are passed over when their time comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ovs_classifier::{Rule, RuleRef, Version};

use crate::rule::Flow;

/// What ended a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    Idle,
    Hard,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    /// By time, then by order of insertion.
    clock: BTreeMap<(Duration, u64), Weak<Rule<Flow>>>,
    count: u64,
}

/// When a rule ends at the earliest, and why.
pub(super) fn due(flow: &Flow) -> Option<(Duration, Expiry)> {
    let after =
        |start: Duration, seconds: u16| (seconds > 0).then(|| start + Duration::from_secs(seconds.into()));
    let used = flow.stats.used().unwrap_or_default().max(flow.created);
    let hard = after(flow.modified, flow.hard_timeout).map(|at| (at, Expiry::Hard));
    let idle = after(used, flow.idle_timeout).map(|at| (at, Expiry::Idle));
    match (hard, idle) {
        (Some(hard), Some(idle)) => Some(if idle.0 < hard.0 { idle } else { hard }),
        (hard, idle) => hard.or(idle),
    }
}

impl Timers {
    pub fn start(&mut self, rule: &RuleRef<Flow>) {
        if let Some((at, _)) = due(rule.value()) {
            self.count += 1;
            self.clock.insert((at, self.count), Arc::downgrade(rule));
        }
    }

    pub fn next(&self) -> Option<Duration> {
        self.clock.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn expired(&mut self, now: Duration, max: usize) -> Vec<(RuleRef<Flow>, Expiry)> {
        let mut ended = Vec::new();
        while ended.len() < max {
            let Some(entry) = self.clock.first_entry().filter(|entry| entry.key().0 <= now) else { break };
            let Some(rule) = entry.remove().upgrade().filter(|rule| rule.removed_in() == Version::NEVER)
            else {
                continue;
            };
            match due(rule.value()) {
                Some((at, why)) if at <= now => ended.push((rule, why)),
                _ => self.start(&rule),
            }
        }
        ended
    }
}
