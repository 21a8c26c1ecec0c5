//! Tags: those that differ are popped, and the new ones pushed.

use ovs_dpif::Action as DpAction;
use ovs_flow::{U16, VlanTag};

use crate::trace::Tracer;
use crate::translate::context::Context;
use crate::translate::vlan::{TPID_8021Q, count};

impl<T: Tracer> Context<'_, T> {
    pub(super) fn commit_vlans(&mut self) {
        let (mut old, mut new) = (count(&self.base.vlans), count(&self.flow.vlans));
        // The innermost tags that are the same stay.
        while old > 0 && new > 0 && self.base.vlans[old - 1] == self.flow.vlans[new - 1] {
            old -= 1;
            new -= 1;
        }
        for index in (0..old).rev() {
            self.out.push(DpAction::PopVlan);
            self.mask.fields.vlans[index] = VlanTag { tpid: U16::MAX_VALUE, tci: U16::MAX_VALUE };
        }
        for index in (0..new).rev() {
            let VlanTag { tpid, tci } = self.flow.vlans[index];
            // Who wrote only to the tag, bit by bit, did not say which kind it is.
            let tpid = if tpid.get() == 0 { TPID_8021Q } else { tpid.get() };
            self.out.push(DpAction::PushVlan { tpid, tci: tci.get() });
        }
        self.base.vlans = self.flow.vlans;
    }
}
