//! How ports translate between tags on the wire and VLANs inside of the switch.

use ovs_flow::{MAX_VLANS, U16, VLAN_CFI, VlanTag};

use super::context::Context;
use crate::snapshot::BundleSnap;
use crate::trace::{NodeKind, Tracer};
use crate::{PriorityTags, VlanMode};

const TPID_8021Q: u16 = 0x8100;
const VID: u16 = 0x0fff;
const PCP: u16 = 0xe000;

/// A VLAN and a priority, apart from how they are written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Vlan {
    pub vid: u16,
    /// In the place that it has in a tag.
    pub pcp: u16,
    pub tpid: u16,
}

/// The VLANs that a packet is in, the outer one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Vlans(pub [Vlan; MAX_VLANS]);

impl Vlans {
    /// What tags say.
    pub fn of(tags: [VlanTag; MAX_VLANS]) -> Self {
        let mut vlans = Self::default();
        let present = tags
            .iter()
            .take_while(|tag| tag.tci.get() & VLAN_CFI != 0 && matches!(tag.tpid.get(), 0x8100 | 0x88a8));
        for (vlan, tag) in vlans.0.iter_mut().zip(present) {
            let tci = tag.tci.get();
            *vlan = Vlan { vid: tci & VID, pcp: tci & PCP, tpid: tag.tpid.get() };
        }
        vlans
    }

    /// The outer one's number.
    pub fn vid(&self) -> u16 {
        self.0[0].vid
    }

    /// The numbers.
    pub fn vids(&self) -> [u16; MAX_VLANS] {
        self.0.map(|vlan| vlan.vid)
    }

    fn push(self, outer: Vlan) -> Self {
        Self([outer, self.0[0]])
    }

    fn pop(self) -> Self {
        Self([self.0[1], Vlan::default()])
    }

    /// The tags that say so.
    fn tags(&self, priority_tags: PriorityTags) -> [VlanTag; MAX_VLANS] {
        self.0.map(|Vlan { vid, pcp, tpid }| {
            let always = priority_tags == PriorityTags::Always && tpid != 0;
            if vid | pcp == 0 && !always {
                return VlanTag::default();
            }
            let tpid = if tpid == 0 { TPID_8021Q } else { tpid };
            VlanTag { tpid: U16::new(tpid), tci: U16::new(vid | pcp | VLAN_CFI) }
        })
    }
}

/// The VLANs that a packet is in after it came in by the bundle.
pub(super) fn on_input(bundle: &BundleSnap, tags: Vlans) -> Vlans {
    let tpid = if tags.0[0].tpid == 0 { TPID_8021Q } else { tags.0[0].tpid };
    let own = Vlan { vid: bundle.vlan, pcp: tags.0[0].pcp, tpid };
    match bundle.mode {
        VlanMode::Access => Vlans::default().push(own),
        VlanMode::NativeTagged | VlanMode::NativeUntagged if tags.vid() == 0 => Vlans([own, tags.0[1]]),
        VlanMode::Dot1qTunnel => tags.push(Vlan { vid: bundle.vlan, pcp: 0, tpid: bundle.service_tpid }),
        VlanMode::Trunk | VlanMode::NativeTagged | VlanMode::NativeUntagged => tags,
    }
}

/// The tags with which a packet of some VLANs leaves by the bundle. `present` are those that it has now.
pub(super) fn on_output(
    bundle: &BundleSnap,
    vlans: Vlans,
    present: [VlanTag; MAX_VLANS],
) -> [VlanTag; MAX_VLANS] {
    let mut out = match bundle.mode {
        VlanMode::Access => Vlans::default(),
        VlanMode::NativeUntagged if vlans.vid() == bundle.vlan => vlans.pop(),
        VlanMode::Dot1qTunnel => vlans.pop(),
        VlanMode::Trunk | VlanMode::NativeTagged | VlanMode::NativeUntagged => vlans,
    };
    if bundle.priority_tags != PriorityTags::Never {
        out.0[0].pcp = Vlans::of(present).0[0].pcp;
    }
    out.tags(bundle.priority_tags)
}

impl<T: Tracer> Context<'_, T> {
    /// Whether a packet whose outer tag says `vid` may come in by the bundle; if not, the trace is told why.
    pub(super) fn accepts_vlan(&mut self, bundle: &BundleSnap, vid: u16) -> bool {
        let accepted = match bundle.mode {
            VlanMode::Access => vid == 0,
            VlanMode::NativeTagged | VlanMode::NativeUntagged => vid == 0 || bundle.trunks_vlan(vid),
            VlanMode::Trunk => bundle.trunks_vlan(vid),
            VlanMode::Dot1qTunnel => bundle.allows_cvlan(vid),
        };
        if accepted {
            return true;
        }
        let name = &bundle.name;
        self.report(NodeKind::Error, || match bundle.mode {
            VlanMode::Access => format!(
                "dropping VLAN {vid} tagged packet received on port {name} configured as VLAN {} access port",
                bundle.vlan
            ),
            VlanMode::Dot1qTunnel => format!(
                "dropping VLAN {vid} packet received on dot1q-tunnel port {name} that excludes this VLAN"
            ),
            _ => format!(
                "dropping VLAN {vid} packet received on port {name} not configured for trunking VLAN {vid}"
            ),
        });
        false
    }
}
