//! What `ovs-appctl` prints of bridges.

use std::fmt::Write as _;
use std::time::Duration;

use ovs_flow::text::{MatchDisplay, NoNames};
use ovs_openflow::text::ActionsDisplay;

use super::Switch;
use crate::rule::told_match;

impl Switch {
    /// All rules of a bridge, hidden ones too, as `bridge/dump-flows` prints them; empty for a bridge that is not
    /// there.
    pub fn dump_rules(&mut self, bridge: &str, now: Duration) -> String {
        self.now = self.now.max(now);
        self.refresh_counters();
        let (version, now) = (self.version, self.now);
        let mut text = String::new();
        let Some(state) = self.bridges.get(bridge) else { return text };
        for (id, table) in state.tables.iter() {
            for rule in table.rules.rules(version) {
                let flow = rule.value();
                let (packets, bytes) = flow.stats.counts();
                let seconds = now.saturating_sub(flow.created).as_secs();
                let matching = told_match(rule);
                let matched = MatchDisplay { m: &matching, ports: &NoNames }.to_string();
                // A text that grows cannot fail.
                if id.0 != 0 {
                    let _ = write!(text, "table_id={id}, ");
                }
                let _ = write!(text, "duration={seconds}s, n_packets={packets}, n_bytes={bytes}, ");
                let _ = write!(text, "priority={},", rule.priority());
                if !matched.is_empty() {
                    let _ = write!(text, "{matched},");
                }
                let _ = writeln!(text, "actions={}", ActionsDisplay::new(&flow.actions));
            }
        }
        text
    }

    /// Learned addresses of a bridge, as `fdb/show` prints them; empty for a bridge that is not there.
    pub fn fdb_text(&mut self, bridge: &str, now: Duration) -> String {
        self.now = self.now.max(now);
        self.bridge(bridge).map(|bridge| bridge.macs_text()).unwrap_or_default()
    }

    /// Forgets the learned addresses of a bridge.
    pub fn fdb_flush(&mut self, bridge: &str) {
        if let Ok(mut bridge) = self.bridge(bridge) {
            bridge.flush_macs();
        }
    }

    /// Whether there is a bridge of this name.
    pub fn has_bridge(&self, name: &str) -> bool {
        self.bridges.contains_key(name)
    }

    /// Rules of all bridges, hidden ones not counted.
    pub fn rule_count(&self) -> usize {
        self.bridges.values().map(|bridge| bridge.tables.total()).sum()
    }
}
