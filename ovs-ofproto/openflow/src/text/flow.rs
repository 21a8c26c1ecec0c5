//! Printing flows.

use core::fmt::{self, Display};

use ovs_flow::text::{MatchDisplay, NoNames, PortNames};
use ovs_flow::{Match, TableId};

use super::ActionsDisplay;
use crate::FlowMod;
use crate::action::Action;

/// A rule as dumps and traces name it: `table=1, priority=9,tcp,actions=drop` or parts of it.
///
/// ```
/// use ovs_openflow::text::{NoNames, RuleDisplay, parse_flow_mod};
/// use ovs_openflow::FlowModCommand;
///
/// let flow = parse_flow_mod(FlowModCommand::Add, "priority=9,tcp,actions=1", &NoNames)?;
/// let rule = RuleDisplay::new(&flow.matching, flow.priority);
/// assert_eq!(rule.to_string(), "priority=9,tcp");
/// let rule = rule.with_actions(&flow.actions);
/// assert_eq!(rule.to_string(), "priority=9,tcp,actions=output:1");
/// # Ok::<(), ovs_openflow::text::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RuleDisplay<'a, P = NoNames> {
    matching: &'a Match,
    priority: u16,
    table: Option<TableId>,
    actions: Option<&'a [Action]>,
    ports: &'a P,
}

impl<'a> RuleDisplay<'a> {
    /// Match and priority, ports as numbers.
    pub fn new(matching: &'a Match, priority: u16) -> Self {
        Self { matching, priority, table: None, actions: None, ports: &NoNames }
    }
}

impl<'a, P> RuleDisplay<'a, P> {
    /// With names of ports.
    pub fn with_ports<Q>(self, ports: &'a Q) -> RuleDisplay<'a, Q> {
        let Self { matching, priority, table, actions, .. } = self;
        RuleDisplay { matching, priority, table, actions, ports }
    }

    /// With the table in front, unless it is table 0.
    pub fn with_table(self, table: TableId) -> Self {
        Self { table: Some(table).filter(|t| t.0 != 0), ..self }
    }

    /// With the actions behind.
    pub fn with_actions(self, actions: &'a [Action]) -> Self {
        Self { actions: Some(actions), ..self }
    }
}

impl<P: PortNames> Display for RuleDisplay<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = self.table {
            write!(f, "table={table}, ")?;
        }
        let matching = MatchDisplay { m: self.matching, ports: self.ports }.to_string();
        // The tools leave out the priority that flows have if none is asked for.
        match (self.priority == FlowMod::DEFAULT_PRIORITY, matching.is_empty()) {
            (true, _) => f.write_str(&matching)?,
            (false, true) => write!(f, "priority={}", self.priority)?,
            (false, false) => write!(f, "priority={},{matching}", self.priority)?,
        }
        match self.actions {
            Some(actions) => {
                write!(f, ",actions={}", ActionsDisplay::with_ports(actions, self.ports))
            }
            None => Ok(()),
        }
    }
}
