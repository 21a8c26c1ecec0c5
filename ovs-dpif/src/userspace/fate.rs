//! What becomes of a megaflow's packets, where a word can say it: most megaflows send packets by one port, or drop them.

use ovs_flow::{DpPort, FlowMask, Glance};

use crate::execute::goes_by_batch;
use crate::{Action, Actions};

/// A list of actions in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They go out by a port, as they are.
    Output(DpPort),
    /// There is nothing to do with them.
    Drop,
    /// The list is to be executed, on many packets at once if they are alike.
    Batch,
    /// The list is to be executed.
    List,
}

/// Marks; that of a list is 0. Ports' numbers are smaller.
const OUTPUT: u32 = 1 << 31;
const DROP: u32 = 1 << 30;
const BATCH: u32 = 1 << 29;
/// A glance at a packet tells whether it matches the megaflow ([`ovs_flow::Glance::decides`]).
const GLANCE: u32 = 1 << 28;

impl Fate {
    /// Of packets that a list is executed on.
    pub fn of(actions: &Actions) -> Self {
        match **actions {
            [] => Self::Drop,
            [Action::Output(port)] if port.0 < GLANCE => Self::Output(port),
            _ if goes_by_batch(actions) => Self::Batch,
            _ => Self::List,
        }
    }

    /// As the number that stands in a megaflow.
    fn mark(self) -> u32 {
        match self {
            Self::Output(port) => OUTPUT | port.0,
            Self::Drop => DROP,
            Self::Batch => BATCH,
            Self::List => 0,
        }
    }

    /// The number of a megaflow that matches so.
    pub fn mark_of(self, mask: &FlowMask) -> u32 {
        self.mark() | if Glance::decides(mask) { GLANCE } else { 0 }
    }

    /// The number in place of another of the same megaflow.
    pub fn mark_after(self, mark: u32) -> u32 {
        self.mark() | mark & GLANCE
    }

    /// Whether a glance at a packet tells whether it matches the megaflow of this number.
    #[inline]
    pub fn shows_at_a_glance(mark: u32) -> bool {
        mark & GLANCE != 0
    }

    /// By such a number.
    #[inline]
    pub fn from_mark(mark: u32) -> Self {
        match mark & !GLANCE {
            0 => Self::List,
            DROP => Self::Drop,
            BATCH => Self::Batch,
            _ => Self::Output(DpPort(mark & !(OUTPUT | GLANCE))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_what_lists_do() {
        let output = |port| Action::Output(DpPort(port));
        let lists: [(Vec<Action>, Fate); 6] = [
            (vec![], Fate::Drop),
            (vec![output(0)], Fate::Output(DpPort(0))),
            (vec![output(65_535)], Fate::Output(DpPort(65_535))),
            (vec![output(u32::MAX)], Fate::Batch),
            (vec![output(1), output(2)], Fate::Batch),
            (vec![Action::CtClear, output(2)], Fate::List),
        ];
        for (list, fate) in lists {
            let actions: Actions = list.into();
            assert_eq!(Fate::of(&actions), fate);
            assert_eq!(Fate::from_mark(fate.mark()), fate);
            let mark = fate.mark_of(&FlowMask::default());
            assert_eq!((Fate::from_mark(mark), fate.mark_after(mark)), (fate, mark));
            assert!(Fate::shows_at_a_glance(mark));
        }
    }
}
