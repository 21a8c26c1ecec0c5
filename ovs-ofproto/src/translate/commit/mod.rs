//! Commit: what the actions have changed in the key, as datapath actions.
//!
//! Nothing is done to a packet until it goes somewhere. Then the difference between the key and what the
//! datapath has is written out, in the original's order: headers put around, Ethernet, network service header, network
//! layer, transport, ICMP, labels, tags, priority, mark. What is written is masked by the bits that were looked at, so that a field of which only
//! part is written leaves the rest alone.

mod encap;
mod layer3;
mod layer4;
mod mpls;
mod vlan;

use ovs_dpif::{Action as DpAction, Bits, Masked, SetField};

use super::context::Context;
use super::mpls::is_mpls;
use crate::trace::Tracer;

/// A field's new value under the bits looked at; nothing if it has not changed.
fn masked<V: Bits>(new: V, old: V, looked_at: V) -> Masked<V> {
    if new == old { Masked::NONE } else { Masked::new(new, looked_at) }
}

/// How much of a header is written: what has changed, or all of it where the datapath knows no masks.
#[derive(Clone, Copy)]
struct Writes {
    whole: bool,
}

impl Writes {
    /// A field's part in it.
    fn of<V: Bits>(self, new: V, old: V, looked_at: V) -> Masked<V> {
        if self.whole { Masked::exact(new) } else { masked(new, old, looked_at) }
    }
}

impl<T: Tracer> Context<'_, T> {
    /// Writes out all differences between the key and what the datapath has.
    pub(super) fn commit(&mut self) {
        if self.flow.words() == self.base.words() && !self.pending_encap && !self.pending_decap {
            return;
        }
        self.commit_encap();
        self.commit_ethernet();
        // A packet without labels before what follows, which means headers behind them.
        let unlabelled = is_mpls(self.base.dl_type.get()) && !is_mpls(self.flow.dl_type.get());
        if unlabelled {
            self.commit_labels();
        }
        self.commit_nsh();
        self.commit_layer3();
        self.commit_layer4();
        if !unlabelled {
            self.commit_labels();
        }
        self.commit_vlans();
        if self.flow.skb_priority != self.base.skb_priority {
            self.out.push(DpAction::Set(SetField::Priority(self.flow.skb_priority)));
            self.base.skb_priority = self.flow.skb_priority;
            self.mask.fields.skb_priority = u32::MAX;
        }
        if self.flow.pkt_mark != self.base.pkt_mark {
            let writes = self.writes();
            if writes.whole {
                self.mask.fields.pkt_mark = u32::MAX;
            }
            let mark = writes.of(self.flow.pkt_mark, self.base.pkt_mark, self.mask.fields.pkt_mark);
            self.out.push(DpAction::Set(SetField::Mark(mark)));
            self.base.pkt_mark = self.flow.pkt_mark;
        }
    }

    fn writes(&self) -> Writes {
        Writes { whole: !self.snapshot.world.features.masked_set }
    }

    fn commit_ethernet(&mut self) {
        let writes = self.writes();
        let (flow, base, looked_at) = (&self.flow, &self.base, &mut self.mask.fields);
        let is_frame = flow.packet_type.get() == 0;
        if !is_frame || (flow.dl_src, flow.dl_dst) == (base.dl_src, base.dl_dst) {
            return;
        }
        if writes.whole {
            (looked_at.dl_src, looked_at.dl_dst) = ([0xff; 6], [0xff; 6]);
        }
        let src = writes.of(flow.dl_src, base.dl_src, looked_at.dl_src);
        let dst = writes.of(flow.dl_dst, base.dl_dst, looked_at.dl_dst);
        self.out.push(DpAction::Set(SetField::Ethernet { src, dst }));
        (self.base.dl_src, self.base.dl_dst) = (self.flow.dl_src, self.flow.dl_dst);
    }
}
