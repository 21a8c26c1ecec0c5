//! Lists of actions: those of a rule, and those that a packet was frozen with.

use ovs_openflow::Action;

use crate::recirc::Step;

/// A list of actions; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub(super) enum List<'s> {
    /// A rule's, or part of an action.
    Actions(&'s [Action]),
    /// What was kept of several lists.
    Steps(&'s [Step]),
}

impl<'s> List<'s> {
    pub fn is_empty(self) -> bool {
        match self {
            Self::Actions(list) => list.is_empty(),
            Self::Steps(list) => list.is_empty(),
        }
    }

    /// All actions, those that only name a rule left out.
    pub fn actions(self) -> impl Iterator<Item = &'s Action> {
        let (actions, steps): (&[Action], &[Step]) = match self {
            Self::Actions(list) => (list, &[]),
            Self::Steps(list) => (&[], list),
        };
        actions.iter().chain(steps.iter().filter_map(|step| match step {
            Step::Action(action) => Some(action),
            Step::From { .. } => None,
        }))
    }

    /// The first thing to do, and the rest.
    pub fn split_first(self) -> Option<(Item<'s>, Self)> {
        match self {
            Self::Actions(list) => {
                let (first, rest) = list.split_first()?;
                Some((Item::Action(first), Self::Actions(rest)))
            }
            Self::Steps(list) => {
                let (first, rest) = list.split_first()?;
                let first = match first {
                    Step::Action(action) => Item::Action(action),
                    step @ Step::From { .. } => Item::From(step),
                };
                Some((first, Self::Steps(rest)))
            }
        }
    }
}

/// Something to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'s> {
    Action(&'s Action),
    /// What follows is of another rule.
    From(&'s Step),
}
