//! The action set of OpenFlow 1.1 and later: written on the way, executed at the end.

use ovs_openflow::Action;

use super::context::Context;
use crate::trace::{NodeKind, Tracer};

/// When an action of a set is executed (OpenFlow 1.3.5, 5.10); `None` for those that do not belong there.
fn rank(action: &Action) -> Option<u8> {
    Some(match action {
        Action::PopVlan => 0,
        Action::PopMpls(_) => 1,
        Action::PushMpls(_) => 3,
        Action::PushVlan(_) => 4,
        Action::DecTtl(_) => 5,
        Action::DecMplsTtl => 6,
        Action::Move { .. } => 7,
        Action::SetField(_)
        | Action::Mod(_)
        | Action::SetVlanVid { .. }
        | Action::SetVlanPcp { .. }
        | Action::SetTunnel { .. }
        | Action::SetMplsLabel(_)
        | Action::SetMplsTc(_)
        | Action::SetMplsTtl(_) => 8,
        Action::SetQueue(_) => 9,
        Action::Group(_) => 10,
        Action::Output { .. } | Action::Resubmit { .. } => 11,
        _ => return None,
    })
}

/// Whether of two actions of a set only the later one counts.
fn replaces(new: &Action, old: &Action) -> bool {
    match (rank(new), rank(old)) {
        // Each field is set by itself; moves are all kept.
        (Some(8), Some(8)) => match (new, old) {
            (Action::SetField(a), Action::SetField(b)) => a.field == b.field && a.is_whole(),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        },
        (Some(7), Some(7)) => false,
        (a, b) => a == b,
    }
}

impl<'s, T: Tracer> Context<'s, T> {
    /// Puts actions into the set.
    pub(super) fn write_actions(&mut self, list: &'s [Action]) {
        for action in list {
            self.action_set.retain(|old| !replaces(action, old));
            self.action_set.push(action);
        }
    }

    /// Executes the set: in the order of the standard, and of output and group only the group.
    pub(super) fn run_action_set(&mut self) {
        if self.action_set.is_empty() || self.stopped() {
            return;
        }
        let mut set = std::mem::take(&mut self.action_set);
        set.sort_by_key(|action| rank(action));
        let group = set.iter().any(|action| matches!(action, Action::Group(_)));
        let leads = |action: &&Action| rank(action).is_some_and(|rank| rank >= 10);
        if !set.iter().any(leads) {
            return;
        }
        self.report(NodeKind::Action, || {
            let texts: Vec<String> = set.iter().map(ToString::to_string).collect();
            format!("--. Executing action set:\n{}", texts.join("\n"))
        });
        self.in_action_set = true;
        for action in set {
            if !(group && rank(action) == Some(11)) {
                self.run_list(std::slice::from_ref(action));
            }
        }
        self.in_action_set = false;
    }
}
