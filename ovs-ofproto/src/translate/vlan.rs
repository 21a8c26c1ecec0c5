//! Actions on VLAN tags.

use ovs_flow::{U16, VLAN_CFI, VlanTag};

use super::context::Context;
use crate::trace::Tracer;

pub(super) const TPID_8021Q: u16 = 0x8100;
const VID: u16 = 0x0fff;
const PCP: u16 = 0xe000;

/// How many tags there are.
pub(super) fn count(vlans: &[VlanTag]) -> usize {
    vlans.iter().take_while(|tag| tag.tci.get() & VLAN_CFI != 0).count()
}

impl<T: Tracer> Context<'_, T> {
    /// `push_vlan`: a tag of VLAN 0; what does not fit is pushed out at the end.
    pub(super) fn push_vlan(&mut self, tpid: u16) {
        let tags = count(&self.flow.vlans);
        self.mask.fields.vlans[..tags].fill(EXACT);
        self.flow.vlans.rotate_right(1);
        self.flow.vlans[0] = VlanTag { tpid: U16::new(tpid), tci: U16::new(VLAN_CFI) };
    }

    /// `pop_vlan`.
    pub(super) fn pop_vlan(&mut self) {
        let tags = count(&self.flow.vlans);
        if tags == 0 {
            return;
        }
        self.mask.fields.vlans[1..tags].fill(EXACT);
        self.flow.vlans.rotate_left(1);
        self.flow.vlans[tags - 1..].fill(VlanTag::default());
    }

    /// `set_vlan_vid`, `mod_vlan_vid`.
    pub(super) fn set_vlan_vid(&mut self, vid: u16, push: bool) {
        self.set_tci(VID, vid, push);
    }

    /// `set_vlan_pcp`, `mod_vlan_pcp`.
    pub(super) fn set_vlan_pcp(&mut self, pcp: u8, push: bool) {
        self.set_tci(PCP, u16::from(pcp & 7) << 13, push);
    }

    fn set_tci(&mut self, bits: u16, value: u16, push: bool) {
        let looked_at = &mut self.mask.fields.vlans[0].tci;
        looked_at.set(looked_at.get() | bits | VLAN_CFI);
        let tag = &mut self.flow.vlans[0];
        if tag.tci.get() & VLAN_CFI != 0 || push {
            if tag.tpid.get() == 0 {
                tag.tpid.set(TPID_8021Q);
            }
            tag.tci.set(tag.tci.get() & !bits | value & bits | VLAN_CFI);
        }
    }
}

pub(super) const EXACT: VlanTag = VlanTag { tpid: U16::MAX_VALUE, tci: U16::MAX_VALUE };
