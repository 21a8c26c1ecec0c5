//! A megaflow as the control side remembers it.

use std::collections::BTreeMap;
use std::time::Duration;

use ovs_dpif::{Actions, FlowStats, WorkerId};
use ovs_flow::{Match, OfPort};

use crate::compact::Compact;
use crate::recirc::RecircRef;
use crate::translate::{Dep, Push};

/// A megaflow. It may be in the tables of several workers.
#[derive(Debug)]
pub(crate) struct Megaflow {
    /// `in_port` is a datapath port.
    pub key: Compact,
    pub mask: Compact,
    pub actions: Actions,
    pub push: Vec<Push>,
    pub deps: Vec<Dep>,
    pub frozen: Vec<RecircRef>,
    /// What each worker had counted when its counters were pushed last.
    pub seen: BTreeMap<WorkerId, FlowStats>,
    pub created: Duration,
    pub used: Duration,
    /// The pass of the sweep in which the datapath last showed it.
    pub round: u64,
    /// A change of it is under way in the datapath: its counters are pushed when that completes.
    pub busy: bool,
    /// What it was made from has changed while a change of it was under way.
    pub again: bool,
    /// It is to be deleted, whatever it would be translated to.
    pub doomed: bool,
    /// Installed again while its deletion was under way.
    pub next: Option<Box<Megaflow>>,
}

impl Megaflow {
    /// Whether a packet of this megaflow could match, its port of entry aside (which is numbered otherwise in a
    /// bridge).
    pub fn meets(&self, matching: &Match) -> bool {
        let mask = self.mask.expand();
        let key = self.key.expand();
        let mut both = matching.mask.fields;
        both.in_port = 0;
        // The pipeline's own fields are not in megaflows: they are zero unless actions set them, and a lookup
        // with such a key is not looked at bit by bit. The action set's output is unset at first.
        let unset = u32::from(OfPort::UNSET.0);
        if (matching.key.actset_output ^ unset) & both.actset_output != 0 {
            return false;
        }
        both.actset_output = 0;
        let pipeline = {
            let mut fields = ovs_flow::FlowKey::default();
            fields.regs = [u32::MAX; ovs_flow::REGISTERS];
            fields.metadata.set(u64::MAX);
            fields
        };
        let words = mask.words().iter().zip(pipeline.words()).zip(key.words());
        let others = both.words().iter().zip(matching.key.words());
        words
            .zip(others)
            .all(|(((mask, pipeline), key), (bits, value))| (key ^ value) & bits & (mask | pipeline) == 0)
    }

    /// The counters' growth on a worker since they were pushed last, which they now are.
    pub fn take_growth(&mut self, worker: WorkerId, stats: &FlowStats) -> (u64, u64) {
        let seen = self.seen.entry(worker).or_default();
        let growth = (stats.packets.saturating_sub(seen.packets), stats.bytes.saturating_sub(seen.bytes));
        *seen = *stats;
        if let Some(used) = stats.used {
            self.used = self.used.max(used);
        }
        growth
    }
}
