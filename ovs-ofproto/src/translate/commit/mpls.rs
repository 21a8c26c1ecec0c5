//! Labels: those above the common ones at the bottom are popped, set or pushed.

use ovs_dpif::{Action as DpAction, Masked, SetField};
use ovs_flow::{FlowKey, U32};

use crate::trace::Tracer;
use crate::translate::context::Context;
use crate::translate::mpls::{count, is_mpls, pop, push};

const MPLS: u16 = 0x8847;

/// How many entries are the same from the bottom of both stacks.
fn common(a: &FlowKey, a_n: usize, b: &FlowKey, b_n: usize) -> usize {
    let (a, b) = (a.mpls_lse[..a_n].iter().rev(), b.mpls_lse[..b_n].iter().rev());
    a.zip(b).take_while(|(a, b)| a == b).count()
}

impl<T: Tracer> Context<'_, T> {
    pub(super) fn commit_labels(&mut self) {
        let (mut base_n, flow_n) = (count(&self.base, None), count(&self.flow, None));
        let mut same = common(&self.flow, flow_n, &self.base, base_n);
        while base_n > same {
            if base_n - 1 == same && flow_n > same {
                // The last one of its own is turned into what is wanted in its place.
                let entry = self.flow.mpls_lse[flow_n - base_n];
                self.out.push(DpAction::Set(SetField::Mpls(Masked::exact(entry.get()))));
                self.base.mpls_lse[0] = entry;
                same += 1;
            } else {
                let wanted = self.flow.dl_type.get();
                let ethertype = if !is_mpls(wanted) && base_n > 1 { MPLS } else { wanted };
                self.out.push(DpAction::PopMpls { ethertype });
                pop(&mut self.base, base_n, wanted, None);
                base_n -= 1;
            }
        }
        while base_n < flow_n {
            let (ethertype, entry) = (self.flow.dl_type.get(), self.flow.mpls_lse[flow_n - base_n - 1]);
            self.out.push(DpAction::PushMpls { ethertype, lse: entry.get() });
            // What is behind the labels is there all the same: a bucket's end may show it again.
            push(&mut self.base, base_n, ethertype, None, false);
            self.base.mpls_lse[0] = U32::new(entry.get());
            base_n += 1;
        }
    }
}
