//! Actions on VLAN tags, and how ports translate between tags and VLANs.

use ovs_flow::{U16, VLAN_CFI, VlanTag};

use super::context::Context;
use crate::VlanMode;
use crate::snapshot::BundleSnap;
use crate::trace::Tracer;

const TPID_8021Q: u16 = 0x8100;
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

const EXACT: VlanTag = VlanTag { tpid: U16::MAX_VALUE, tci: U16::MAX_VALUE };

/// A packet's VLAN and priority as NORMAL sees them, apart from how they are written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Vlan {
    pub vid: u16,
    /// In the place that it has in a tag.
    pub pcp: u16,
    pub tpid: u16,
}

impl Vlan {
    /// What the outermost tag says.
    pub fn of(tag: VlanTag) -> Self {
        let tci = tag.tci.get();
        if tci & VLAN_CFI == 0 {
            return Self::default();
        }
        Self { vid: tci & VID, pcp: tci & PCP, tpid: tag.tpid.get() }
    }
}

/// Whether a packet with this tag may come in by the bundle.
pub(super) fn accepts(bundle: &BundleSnap, vid: u16) -> bool {
    match bundle.mode {
        VlanMode::Access => vid == 0,
        VlanMode::NativeTagged | VlanMode::NativeUntagged => vid == 0 || bundle.trunks_vlan(vid),
        VlanMode::Trunk => bundle.trunks_vlan(vid),
    }
}

/// The VLAN that a packet is in after it came in by the bundle.
pub(super) fn on_input(bundle: &BundleSnap, tag: Vlan) -> Vlan {
    match bundle.mode {
        VlanMode::Access => Vlan { vid: bundle.vlan, pcp: tag.pcp, tpid: TPID_8021Q },
        VlanMode::NativeTagged | VlanMode::NativeUntagged if tag.vid == 0 => {
            Vlan { vid: bundle.vlan, pcp: tag.pcp, tpid: TPID_8021Q }
        }
        VlanMode::Trunk | VlanMode::NativeTagged | VlanMode::NativeUntagged => tag,
    }
}

/// The tags with which a packet of a VLAN leaves by the bundle. `present` are those that it has now, `tagged`
/// says whether the outermost is what `vlan` came from.
pub(super) fn on_output(
    bundle: &BundleSnap,
    vlan: Vlan,
    present: [VlanTag; 2],
    access_in: bool,
) -> [VlanTag; 2] {
    let untagged = match bundle.mode {
        VlanMode::Access => true,
        VlanMode::NativeUntagged => vlan.vid == bundle.vlan,
        VlanMode::Trunk | VlanMode::NativeTagged => false,
    };
    // The tags behind the one that says the VLAN.
    let had_own = present[0].tci.get() & VLAN_CFI != 0 && !access_in;
    let inner = if had_own { present[1] } else { VlanTag::default() };
    let vid = if untagged { 0 } else { vlan.vid };
    let priority = (bundle.priority_tags || !untagged) && vlan.pcp != 0;
    if vid == 0 && !priority {
        return if had_own { [inner, VlanTag::default()] } else { [VlanTag::default(); 2] };
    }
    let tpid = match present[0].tpid.get() {
        0 if vlan.tpid == 0 => TPID_8021Q,
        0 => vlan.tpid,
        tpid => tpid,
    };
    [VlanTag { tpid: U16::new(tpid), tci: U16::new(vid | vlan.pcp | VLAN_CFI) }, inner]
}
