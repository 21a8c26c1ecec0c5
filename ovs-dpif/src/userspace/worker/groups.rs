//! The packets of one batch by megaflow, where lists are executed on many packets at once.

use ovs_classifier::FlowId;
use ovs_packet::Batch;

/// Megaflows that the packets of one batch are kept apart by; what hits others is executed packet by packet.
const MOST: usize = 8;

/// Packets of at most [`MOST`] megaflows. The memory of a group serves the next batch.
#[derive(Default)]
pub(super) struct Groups {
    all: Vec<(FlowId, Batch)>,
    used: usize,
}

impl Groups {
    /// The packets of a megaflow so far; `None` if there are too many megaflows, which stays so to the end of the batch, so
    /// that no packet of a megaflow waits while another of it does not.
    #[inline]
    pub fn of(&mut self, flow: FlowId) -> Option<&mut Batch> {
        let known = self.all[..self.used].iter().position(|(id, _)| *id == flow);
        let at = match known {
            Some(at) => at,
            None if self.used == MOST => return None,
            None => {
                match self.all.get_mut(self.used) {
                    Some((id, _)) => *id = flow,
                    None => self.all.push((flow, Batch::new())),
                }
                self.used += 1;
                self.used - 1
            }
        };
        self.all.get_mut(at).map(|(_, batch)| batch)
    }

    /// Takes out all groups, in the order of their first packets; whatever is left in one is dropped.
    #[inline]
    pub fn each(&mut self, mut take: impl FnMut(FlowId, &mut Batch)) {
        for (flow, batch) in &mut self.all[..self.used] {
            take(*flow, batch);
            batch.clear();
        }
        self.used = 0;
    }
}
