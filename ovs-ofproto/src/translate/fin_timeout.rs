//! `fin_timeout`: a rule does not outlive its connection by long.

use std::sync::Arc;

use ovs_flow::{Match, TableId};

use super::Push;
use super::context::Context;
use crate::rule::RuleStats;
use crate::trace::Tracer;

/// Which rule gets shorter timeouts when a connection ends.
#[derive(Debug)]
pub(crate) struct FinTimeout {
    pub table: TableId,
    pub matching: Match,
    pub priority: i32,
    /// Those of the rule, to know it by: another one with the same match is not meant.
    pub stats: Arc<RuleStats>,
    /// Seconds, 0 to leave it alone.
    pub idle: u16,
    pub hard: u16,
}

impl<T: Tracer> Context<'_, T> {
    /// `fin_timeout`: the timeouts are changed by whoever called, when a packet ends its connection. A packet that came
    /// again is of no rule.
    pub(super) fn fin_timeout(&mut self, idle: u16, hard: u16) {
        self.mask.fields.nw_proto = 0xff;
        let Some(rule) = self.rule else { return };
        let fin = FinTimeout {
            table: rule.value().table,
            matching: rule.to_match(),
            priority: rule.priority(),
            stats: Arc::clone(&rule.value().stats),
            idle,
            hard,
        };
        self.push.push(Push::FinTimeout { bridge: self.bridge.id, fin: Arc::new(fin) });
    }
}
