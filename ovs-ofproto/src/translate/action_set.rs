//! The action set of OpenFlow 1.1 and later: written on the way, executed at the end.

use ovs_openflow::Action;

use super::context::Context;
use super::list::List;
use crate::trace::Tracer;

/// When an action of a set is executed (OpenFlow 1.3.5, 5.10); `None` for those that do not belong there.
fn rank(action: &Action) -> Option<u8> {
    Some(match action {
        Action::PopVlan { .. } => 0,
        Action::PopMpls(_) => 1,
        Action::PushMpls(_) => 3,
        Action::PushVlan(_) => 4,
        Action::DecTtl(_) => 5,
        Action::DecMplsTtl => 6,
        Action::Move { .. } => 7,
        Action::SetField(_)
        | Action::SetOption(_)
        | Action::Mod(_)
        | Action::SetVlanVid { .. }
        | Action::SetVlanPcp { .. }
        | Action::SetTunnel { .. }
        | Action::SetMplsLabel(_)
        | Action::SetMplsTc(_)
        | Action::SetMplsTtl(_) => 8,
        Action::SetQueue(_) => 9,
        Action::Group(_) => 10,
        Action::Output { .. } => 11,
        Action::Resubmit { .. } => 12,
        Action::CtClear => 13,
        Action::Ct(_) => 14,
        _ => return None,
    })
}

/// The first of the actions that end a set.
const FINAL: u8 = 10;

/// Whether of two actions of a set only the later one counts.
fn replaces(new: &Action, old: &Action) -> bool {
    match (rank(new), rank(old)) {
        // Each field is set by itself; moves are all kept.
        (Some(8), Some(8)) => match (new, old) {
            (Action::SetField(a), Action::SetField(b)) => a.field == b.field && a.is_whole(),
            (Action::SetOption(a), Action::SetOption(b)) => a.field == b.field && a.is_whole(),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        },
        (Some(7), Some(7)) => false,
        (a, b) => a == b,
    }
}

/// The actions of a set that is written at once, in the order in which they are executed.
pub(crate) fn execution_order(list: &[Action]) -> Vec<Action> {
    let mut set: Vec<&Action> = Vec::new();
    for action in list {
        set.retain(|old| !replaces(action, old));
        set.push(action);
    }
    ordered(&set).into_iter().cloned().collect()
}

impl<'s, T: Tracer> Context<'s, T> {
    /// Puts actions into the set.
    pub(super) fn write_actions(&mut self, list: &'s [Action]) {
        for action in list {
            self.action_set.retain(|old| !replaces(action, old));
            self.action_set.push(action);
        }
        self.report_set("is");
    }

    /// Empties the set.
    pub(super) fn clear_actions(&mut self) {
        self.report_set("was");
        self.action_set.clear();
    }

    pub(super) fn report_set(&mut self, verb: &str) {
        if T::ACTIVE {
            let texts: Vec<String> = ordered(&self.action_set).iter().map(ToString::to_string).collect();
            let text = if texts.is_empty() { " empty".to_owned() } else { format!(": {}", texts.join(",")) };
            self.detail(|| format!("action set {verb}{text}"));
        }
    }

    /// Executes the set.
    pub(super) fn run_action_set(&mut self) {
        if self.action_set.is_empty() || self.error.is_some() {
            return;
        }
        let set = ordered(&std::mem::take(&mut self.action_set));
        if set.is_empty() {
            return;
        }
        self.open_table(|| "--. Executing action set:".into());
        self.in_action_set = true;
        for action in set {
            if !self.run_list(List::Actions(std::slice::from_ref(action))) {
                break;
            }
        }
        self.in_action_set = false;
        self.close_table();
    }
}

/// The actions of a set in the order of the standard: of those that end it only the first kind. Without any, nothing is
/// executed.
fn ordered<'s>(set: &[&'s Action]) -> Vec<&'s Action> {
    let mut set = set.to_vec();
    set.sort_by_key(|action| rank(action));
    let Some(last) = set.iter().filter_map(|action| rank(action)).filter(|rank| *rank >= FINAL).min() else {
        return Vec::new();
    };
    set.retain(|action| rank(action).is_some_and(|rank| rank <= last));
    set
}
